#include "engine/base/content_hash.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "engine/base/file_error.hpp"

namespace flare::engine {

std::uint64_t content_hash(const std::filesystem::path& file) {
  const auto refuse = [&](const char* why) { throw FileError(fmt::format("{}: {}", file.string(), why)); };
  if (std::filesystem::is_directory(file)) refuse("is a folder; a file is expected");
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  if (!in) refuse(errno != 0 ? std::strerror(errno) : "cannot be opened");
  std::array<char, std::size_t{1} << 16> piece;
  std::uint64_t hash = fnv1a_start;
  do {
    in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    hash = fnv1a({piece.data(), static_cast<std::size_t>(in.gcount())}, hash);
  } while (in);
  if (in.bad() || !in.eof()) refuse("cannot be read to its end");
  return hash;
}

std::vector<InputFile> input_files(const std::vector<std::filesystem::path>& files) {
  std::vector<InputFile> inputs;
  for (const std::filesystem::path& file : files) {
    const auto same = [&](const InputFile& other) { return other.path == file; };
    if (std::none_of(inputs.begin(), inputs.end(), same)) inputs.push_back({file, content_hash(file)});
  }
  return inputs;
}

std::uint64_t content_hash(const std::vector<InputFile>& files) {
  std::uint64_t hash = fnv1a_start;
  for (const InputFile& file : files) hash = fnv1a(hash_text(file.hash), hash);
  return hash;
}

std::string hash_text(std::uint64_t hash) { return fmt::format("{:016x}", hash); }

}  // namespace flare::engine
