// Counter-based random numbers (Philox, Random123: Salmon et al., SC'11). A draw is a pure function of what it is
// for, so the same sample has the same bits on any worker, shard, rank or thread, after any interruption, and no
// draw depends on another. Two kinds:
//
//   RandomStream  (Philox 4x64-10)  a generator for the variables of one sample: (seed, stream, index, position)
//   CounterKey    (Philox 4x32-10)  single numbers by coordinates, billions of them: (seed, purpose, array) is the
//                                   key, four words (token, plane, read, bit line) are the counter
#pragma once

#include <Random123/philox.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>

#include "engine/base/content_hash.hpp"

namespace flare::engine {

/// 64-bit FNV-1a of a stream's name: stable over versions and machines.
constexpr std::uint64_t stream_key(std::string_view name) { return fnv1a(name); }

/// The random numbers of one sample: a UniformRandomBitGenerator for use with Boost.Random distributions
/// (std:: distributions differ between standard libraries, Boost's do not).
class RandomStream {
 public:
  using result_type = std::uint64_t;

  RandomStream(std::uint64_t seed, std::string_view stream, std::uint64_t index)
      : RandomStream(seed, stream_key(stream), index) {}
  RandomStream(std::uint64_t seed, std::uint64_t stream, std::uint64_t index)
      : key_{{seed, stream}}, index_(index) {}

  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }

  result_type operator()() {
    if (used_ == 4) {
      block_ = philox_(r123::Philox4x64::ctr_type{{index_, next_block_++, 0, 0}}, key_);
      used_ = 0;
    }
    return block_[used_++];
  }

 private:
  r123::Philox4x64::key_type key_;
  std::uint64_t index_;
  std::uint64_t next_block_ = 0;
  r123::Philox4x64::ctr_type block_{};
  unsigned used_ = 4;
  r123::Philox4x64 philox_;
};

/// Key of the numbers of one purpose in one array.
struct CounterKey {
  std::uint32_t low = 0;
  std::uint32_t high = 0;

  CounterKey() = default;
  CounterKey(std::uint64_t seed, std::uint32_t purpose, std::uint32_t array) {
    const r123::Philox4x32 philox;
    const r123::Philox4x32::ctr_type block =
        philox({{array, purpose, 0, 0}},
               {{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}});
    low = block[0];
    high = block[1];
  }
};

/// Four random words of the counter (a, b, c, d).
inline std::array<std::uint32_t, 4> random_words(CounterKey key, std::uint32_t a, std::uint32_t b,
                                                 std::uint32_t c, std::uint32_t d) {
  const r123::Philox4x32 philox;
  const r123::Philox4x32::ctr_type block = philox({{a, b, c, d}}, {{key.low, key.high}});
  return {block[0], block[1], block[2], block[3]};
}

/// Two words to a double in (0, 1): 53 bits, never 0 or 1.
inline double open_uniform(std::uint32_t high, std::uint32_t low) {
  const std::uint64_t bits = ((static_cast<std::uint64_t>(high) << 32) | low) >> 12;
  return (static_cast<double>(bits) + 0.5) * 0x1.0p-52;
}

/// The sequence of uniforms of one counter prefix (a, b, c).
class UniformSequence {
 public:
  UniformSequence(CounterKey key, std::uint32_t a, std::uint32_t b, std::uint32_t c)
      : key_(key), a_(a), b_(b), c_(c) {}

  double next() {
    if (used_ == 4) refill();
    used_ += 2;
    return open_uniform(words_[used_ - 2], words_[used_ - 1]);
  }

 private:
  void refill() {
    words_ = random_words(key_, a_, b_, c_, block_++);
    used_ = 0;
  }

  CounterKey key_;
  std::uint32_t a_, b_, c_;
  std::uint32_t block_ = 0;
  unsigned used_ = 4;
  std::array<std::uint32_t, 4> words_{};
};

/// A standard normal of the counter (a, b, c, d), by Box and Muller.
inline double standard_normal(CounterKey key, std::uint32_t a, std::uint32_t b, std::uint32_t c,
                              std::uint32_t d) {
  const auto w = random_words(key, a, b, c, d);
  const double radius = std::sqrt(-2.0 * std::log(open_uniform(w[0], w[1])));
  return radius * std::cos(6.283185307179586476925 * open_uniform(w[2], w[3]));
}

}  // namespace flare::engine
