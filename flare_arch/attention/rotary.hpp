// Rotary positions (Su et al., RoFormer, arXiv 2104.09864): a head's values in pairs, each pair turned by an angle that
// grows with the token's position, queries and keys alike, so that their product knows the distance only.
//
//   (a, b) -> (a cos - b sin, a sin + b cos),  angle = position * theta^(-2 i / head width) for pair i
//
// In integers cosine and sine are words of `rotary_bits` bits after the point, made once.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace flare::arch {

constexpr int rotary_bits = 14;

class RotaryTable {
 public:
  enum class Pairs {
    halves,      // value i with value i + head width / 2 (Hugging Face)
    neighbours,  // value 2 i with value 2 i + 1 (llama2.c, the original)
  };

  /// positions: 0 .. positions - 1. Throws std::invalid_argument for an odd head width, theta that is not positive, or
  /// more than 2^24 entries.
  RotaryTable(int head_width, int positions, double theta, Pairs pairs);

  int head_width() const { return 2 * half_; }
  int positions() const { return positions_; }
  /// Where the two values of pair i lie in a head.
  int first(int i) const { return pairs_ == Pairs::halves ? i : 2 * i; }
  int second(int i) const { return pairs_ == Pairs::halves ? i + half_ : 2 * i + 1; }
  Pairs pairs() const { return pairs_; }

  /// Turns one head of the token at `position`, in place.
  void turn(std::span<float> head, int position) const;
  /// Cosines and sines of the pairs at `position`, as words.
  std::span<const std::int32_t> cosines(int position) const { return words_of(cosine_words_, position); }
  std::span<const std::int32_t> sines(int position) const { return words_of(sine_words_, position); }

 private:
  std::span<const std::int32_t> words_of(const std::vector<std::int32_t>& words, int position) const {
    return {words.data() + static_cast<std::size_t>(position) * half_, static_cast<std::size_t>(half_)};
  }

  int half_, positions_;
  Pairs pairs_;
  std::vector<float> cosines_, sines_;  // positions x half_
  std::vector<std::int32_t> cosine_words_, sine_words_;
};

}  // namespace flare::arch
