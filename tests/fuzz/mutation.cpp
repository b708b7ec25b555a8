#include "tests/fuzz/mutation.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace flare::testing {

namespace {

constexpr std::size_t longest = 1 << 20;
constexpr std::size_t longest_piece = 64;
constexpr std::array<std::uint64_t, 9> extremes{
    0, 1, 0x7f, 0xff, 0x7fffffff, 0xffffffff, 0x7fffffffffffffff, 0xffffffffffffffff, 0x8000000000000000};
constexpr std::array<const char*, 16> words{"\n",    "=",      "[",   "]", "{", "}", "\"", "'",
                                            "1e999", "-1e999", "nan", ".", "(", ")", "\\", "\xff\xfe"};

}  // namespace

std::string Mutator::next() {
  std::string input = corpus_[below(corpus_.size())];
  for (std::size_t changes = 1 + below(8); changes > 0; --changes) change(input);
  if (input.size() > longest) input.resize(longest);
  return input;
}

void Mutator::change(std::string& input) {
  const std::size_t at = below(input.size() + 1);
  const std::size_t piece = std::min(1 + below(longest_piece), input.size() - at);
  switch (below(9)) {
    case 0:
      if (at < input.size()) input[at] = static_cast<char>(input[at] ^ (1 << below(8)));
      break;
    case 1:
      if (at < input.size()) input[at] = static_cast<char>(random_());
      break;
    case 2:
      input.erase(at, piece);
      break;
    case 3:
      input.insert(at, input.substr(at, piece));
      break;
    case 4:
      input.insert(at, words[below(words.size())]);
      break;
    case 5: {
      const std::size_t width = std::size_t{1} << below(4);
      if (at + width <= input.size())
        std::memcpy(input.data() + at, &extremes[below(extremes.size())], width);
      break;
    }
    case 6:
      input.resize(at);
      break;
    case 7: {
      const std::string& other = corpus_[below(corpus_.size())];
      const std::size_t from = below(other.size() + 1);
      input.insert(at, other.substr(from, 1 + below(4 * longest_piece)));
      break;
    }
    default: {
      const std::string repeated = input.substr(at, piece);
      for (std::size_t times = below(200); times > 0; --times) input.insert(at, repeated);
    }
  }
}

}  // namespace flare::testing
