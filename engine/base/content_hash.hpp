// What a result depends on, by content: the same name with other bytes in it is another input.
//
// 64-bit FNV-1a (Fowler, Noll, Vo; IETF draft-eastlake-fnv): h <- (h xor byte) * 0x100000001b3, from
// 0xcbf29ce484222325. It tells versions of a file apart (two of them collide with probability 2^-64); it is no
// protection against a file made to collide.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace flare::engine {

inline constexpr std::uint64_t fnv1a_start = 0xcbf29ce484222325ULL;

/// The hash of `bytes` behind what `hash` has seen already. Stable over versions and machines.
constexpr std::uint64_t fnv1a(std::string_view bytes, std::uint64_t hash = fnv1a_start) {
  for (const char c : bytes) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3ULL;
  }
  return hash;
}

/// A file that a result depends on.
struct InputFile {
  std::filesystem::path path;
  std::uint64_t hash = 0;  // of its bytes

  bool operator==(const InputFile&) const = default;
};

/// Hash of a file's bytes, read piece by piece. Throws FileError for a file that cannot be read.
std::uint64_t content_hash(const std::filesystem::path& file);

/// Every file with its hash, in the order given; one that is given twice stands once.
std::vector<InputFile> input_files(const std::vector<std::filesystem::path>& files);

/// One hash of all of them, in order. Names do not matter: a tree that was moved is the same input.
std::uint64_t content_hash(const std::vector<InputFile>& files);

/// "8c736521e1a5b3d2": sixteen hexadecimal digits.
std::string hash_text(std::uint64_t hash);

}  // namespace flare::engine
