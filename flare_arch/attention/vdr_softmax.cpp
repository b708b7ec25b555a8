// The integer path of the softmax: what stands here runs for every row. Tables are made in vdr_table.cpp.
#include "flare_arch/attention/vdr_softmax.hpp"

#include <algorithm>
#include <bit>
#include <stdexcept>

namespace flare::arch {
const VdrEntry& VdrTable::entry(int n_e) const {
  return entries_[std::clamp(n_e - first_, 0, static_cast<int>(entries_.size()) - 1)];
}

std::int64_t VdrTable::softmax(std::span<const std::int32_t> logits, int n_e,
                               std::span<std::int32_t> probabilities) const {
  return vdr_softmax(logits, entry(n_e), options_, probabilities);
}

std::int64_t vdr_softmax(std::span<const std::int32_t> logits, const VdrEntry& e, const VdrOptions& options,
                         std::span<std::int32_t> probabilities) {
  if (logits.size() != probabilities.size())
    throw std::invalid_argument("VDR-Softmax: the result has another length");
  if (logits.empty()) return 0;
  const int fraction = 2 * options.input_bits;  // M
  const std::int64_t largest = *std::max_element(logits.begin(), logits.end());
  // The last shift is a constant of the table, and so is the half step: half_lsb adds it before the shift, so
  // that what is far below a step stays zero.
  const Rounding rounding = options.rounding == Rounding::truncate ? Rounding::truncate : Rounding::round;
  const EmsbOptions parse{options.output_bits, false, rounding};
  std::int64_t sum = 0;
  for (std::size_t j = 0; j < logits.size(); ++j) {
    const std::int64_t below = (largest - logits[j]) << e.guard;
    probabilities[j] = 0;
    if (below >= fraction * e.l) continue;  // q >= M
    // Exact: below < M l, so below * (reciprocal * l - 2^42) < M l^2 < 2^42 for every l of a table.
    const std::int64_t q =
        static_cast<std::int64_t>((static_cast<std::uint64_t>(below) * e.reciprocal) >> vdr_reciprocal_bits);
    const std::int64_t r = q * e.l - below;
    const std::int64_t poly = std::max<std::int64_t>(0, r * (r + e.b) + e.c);
    probabilities[j] = parse_bits(poly << (fraction - q), e.shift, parse);
    sum += probabilities[j];
  }
  return sum;
}

Reciprocal ReciprocalTable::operator()(std::int64_t sum) const {
  if (sum <= 0) return {};
  const int exponent = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(sum))) - 1;
  const std::int64_t aligned =
      exponent >= index_bits_ ? sum >> (exponent - index_bits_) : sum << (index_bits_ - exponent);
  return {mantissas_[aligned - (std::int64_t{1} << index_bits_)], Reciprocal::fraction_bits + exponent};
}

}  // namespace flare::arch
