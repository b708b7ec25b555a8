// Counter-based random numbers (Philox 4x32-10, Salmon et al., SC'11). A number is a function of what it is
// for - seed, purpose, layer, token, plane, segment, column - and of nothing else, so results do not depend
// on threads, order of work or how often something else drew a number.
#pragma once

#include <Random123/philox.h>

#include <array>
#include <cmath>
#include <cstdint>

namespace flare::arch {

/// What a stream is for. Streams of different purposes are independent.
enum class Purpose : std::uint32_t {
  read_codes = 1,    // code of one read (reference and dense path)
  error_positions,   // where reads go wrong (sparse path)
  read_noise,        // noise of one read (die mode)
  noise_tail,        // where read noise leaves its band (die mode)
  cell_deviation,    // frozen per die
  converter_offset,  // frozen per die
  repeat,            // seeds of repeats
};

/// Key of the streams of one purpose in one array.
struct StreamKey {
  std::uint32_t low = 0;
  std::uint32_t high = 0;

  StreamKey() = default;
  StreamKey(std::uint64_t seed, Purpose purpose, std::uint32_t array) {
    const r123::Philox4x32 philox;
    const r123::Philox4x32::ctr_type block =
        philox({{array, static_cast<std::uint32_t>(purpose), 0, 0}},
               {{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}});
    low = block[0];
    high = block[1];
  }
};

/// Four random words of the counter (a, b, c, d).
inline std::array<std::uint32_t, 4> random_words(StreamKey key, std::uint32_t a, std::uint32_t b,
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
  UniformSequence(StreamKey key, std::uint32_t a, std::uint32_t b, std::uint32_t c)
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

  StreamKey key_;
  std::uint32_t a_, b_, c_;
  std::uint32_t block_ = 0;
  unsigned used_ = 4;
  std::array<std::uint32_t, 4> words_{};
};

/// A standard normal of the counter (a, b, c, d), by Box and Muller.
inline double standard_normal(StreamKey key, std::uint32_t a, std::uint32_t b, std::uint32_t c,
                              std::uint32_t d) {
  const auto w = random_words(key, a, b, c, d);
  const double radius = std::sqrt(-2.0 * std::log(open_uniform(w[0], w[1])));
  return radius * std::cos(6.283185307179586476925 * open_uniform(w[2], w[3]));
}

}  // namespace flare::arch
