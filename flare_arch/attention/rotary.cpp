#include "flare_arch/attention/rotary.hpp"

#include <cmath>
#include <stdexcept>

namespace flare::arch {

RotaryTable::RotaryTable(int head_width, int positions, double theta, Pairs pairs)
    : half_(head_width / 2), positions_(positions), pairs_(pairs) {
  constexpr std::int64_t most_entries = 1 << 24;
  if (head_width < 2 || head_width % 2 != 0 || positions < 1 || !(theta > 0) || !std::isfinite(theta) ||
      static_cast<std::int64_t>(half_) * positions > most_entries)
    throw std::invalid_argument(
        "rotary positions: an even head width, a positive theta and at most 2^24 entries are supported");
  for (int position = 0; position < positions; ++position)
    for (int i = 0; i < half_; ++i) {
      const double angle = position * std::pow(theta, -2.0 * i / head_width);
      cosines_.push_back(static_cast<float>(std::cos(angle)));
      sines_.push_back(static_cast<float>(std::sin(angle)));
      cosine_words_.push_back(
          static_cast<std::int32_t>(std::lrint(std::ldexp(std::cos(angle), rotary_bits))));
      sine_words_.push_back(static_cast<std::int32_t>(std::lrint(std::ldexp(std::sin(angle), rotary_bits))));
    }
}

void RotaryTable::turn(std::span<float> head, int position) const {
  const std::size_t row = static_cast<std::size_t>(position) * half_;
  for (int i = 0; i < half_; ++i) {
    const float c = cosines_[row + i], s = sines_[row + i];
    const float a = head[first(i)], b = head[second(i)];
    head[first(i)] = a * c - b * s;
    head[second(i)] = a * s + b * c;
  }
}

}  // namespace flare::arch
