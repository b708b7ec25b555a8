// Hostile headers of tensor files: read or refused with a reason, whatever they say. The count is FLARE_HEADERS.
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "engine/base/random_stream.hpp"
#include "flare_arch/base/safetensors.hpp"

#ifndef FLARE_HEADERS
#define FLARE_HEADERS 20'000
#endif

namespace flare::arch {
namespace {

/// Draws whole numbers.
class Dice {
 public:
  explicit Dice(std::uint64_t index) : random_(11, "headers", index) {}
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }

 private:
  engine::RandomStream random_;
};

std::string file_of(const std::string& header, std::size_t data, std::uint64_t length) {
  std::string file(8, '\0');
  std::memcpy(file.data(), &length, 8);
  return file + header + std::string(data, '\x01');
}

const std::string plain =
    R"({"__metadata__":{"a":"b"},"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
    R"("b":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]},"m":{"dtype":"BOOL","shape":[],"data_offsets":[32,33]}})";

constexpr const char* words[] = {"-1",
                                 "0",
                                 "18446744073709551615",
                                 "1e308",
                                 "9223372036854775807",
                                 "null",
                                 "[]",
                                 "{}",
                                 "\"F32\"",
                                 "\"\"",
                                 "[0,0]",
                                 "[24,0]",
                                 "true",
                                 "[[1]]",
                                 "4294967296",
                                 "0.5",
                                 "\"shape\"",
                                 "\\u0000"};

/// One change: a byte, a cut, a doubled piece, or a value replaced by one that is none.
void mutate(std::string& header, Dice& dice) {
  if (header.empty()) return;
  const std::size_t at = dice.below(header.size());
  switch (dice.below(5)) {
    case 0:
      header[at] = static_cast<char>(dice.below(256));
      return;
    case 1:
      header.erase(at, 1 + dice.below(8));
      return;
    case 2:
      header.insert(at, header.substr(dice.below(header.size()), dice.below(24)));
      return;
    case 3:
      header.insert(at, words[dice.below(std::size(words))]);
      return;
    default: {
      const std::size_t number = header.find_first_of("0123456789", at);
      if (number == std::string::npos) return;
      header.replace(number, 1 + dice.below(2), words[dice.below(std::size(words))]);
    }
  }
}

/// Reads everything that the header promises.
void read_all(const std::string& bytes) {
  const auto* data = reinterpret_cast<const std::byte*>(bytes.data());
  const TensorFile file = TensorFile::parse({data, bytes.size()});
  for (const std::string& name : file.names()) {
    try {
      file.floats(name);
    } catch (const std::runtime_error&) {  // integers, or of many dimensions
    }
    try {
      file.integers(name);
    } catch (const std::runtime_error&) {
    }
  }
}

TEST(HostileHeaders, AreReadOrRefused) {
  std::int64_t read = 0, refused = 0;
  for (std::uint64_t i = 0; i < FLARE_HEADERS; ++i) {
    Dice dice(i);
    std::string header = plain;
    for (std::size_t changes = 1 + dice.below(4); changes > 0; --changes) mutate(header, dice);
    const bool honest = dice.below(8) > 0;
    const std::uint64_t length = honest ? header.size() : std::uint64_t{1} << dice.below(64);
    try {
      read_all(file_of(header, 33 - dice.below(3), length));
      ++read;
    } catch (const std::runtime_error& e) {
      ASSERT_NE(std::string(e.what()), "") << header;
      ++refused;
    }
  }
  // Both happen: the changes are neither all harmless nor all fatal.
  EXPECT_GT(read, FLARE_HEADERS / 200);
  EXPECT_GT(refused, FLARE_HEADERS / 2);
}

}  // namespace
}  // namespace flare::arch
