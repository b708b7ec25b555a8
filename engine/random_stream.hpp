// Counter-based random streams (Philox4x64-10, Random123: Salmon et al., SC'11). A draw is a pure function of
// (seed, stream, index, position), so the same sample has the same bits on any worker, shard or rank, after
// any interruption, and no draw depends on another.
#pragma once

#include <Random123/philox.h>

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

}  // namespace flare::engine
