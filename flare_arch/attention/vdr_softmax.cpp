// The integer path of the softmax: what stands here runs for every row. Tables are made in vdr_table.cpp.
#include "flare_arch/attention/vdr_softmax.hpp"

#include <algorithm>
#include <bit>
#include <stdexcept>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "flare_arch/attention/vdr_softmax.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for every target
#include <hwy/highway.h>

#ifndef FLARE_ARCH_VDR_ROW
#define FLARE_ARCH_VDR_ROW
namespace flare::arch {

constexpr int vdr_row_reciprocal_bits = 27;

/// A row as the vectors take it: all numbers of 32 bits.
struct VdrRow {
  const std::int32_t* logits = nullptr;
  std::int32_t* probabilities = nullptr;
  std::size_t size = 0;
  std::int32_t largest = 0, smallest = 0;  // of the logits
  std::int32_t l = 1, b = 0, c = 1, guard = 0;
  std::uint32_t reciprocal = 0;  // of l, times 2^vdr_row_reciprocal_bits, less than 2 too large
  std::int32_t below_limit = 0;  // largest - logit from which on a probability is 0
  int halvings = 0;              // the last shift of a value with q = 0, less the bit that rounds
  bool rounds = true;
  std::int32_t highest = 0;  // code
};

}  // namespace flare::arch
#endif

HWY_BEFORE_NAMESPACE();
namespace flare::arch::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class D, class V>
HWY_ATTR HWY_INLINE V polynomial_of(D d, V r, const VdrRow& row) {
  return hn::Max(hn::Zero(d), hn::Add(hn::Mul(r, hn::Add(r, hn::Set(d, row.b))), hn::Set(d, row.c)));
}

/// The least and the largest of at least one value.
HWY_ATTR void extremes_here(const std::int32_t* values, std::size_t size, std::int32_t* least,
                            std::int32_t* largest) {
  const hn::ScalableTag<std::int32_t> d;
  auto low = hn::Set(d, values[0]), high = low;
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= size; i += hn::Lanes(d)) {
    const auto v = hn::LoadU(d, values + i);
    low = hn::Min(low, v);
    high = hn::Max(high, v);
  }
  *least = hn::GetLane(hn::MinOfLanes(d, low));
  *largest = hn::GetLane(hn::MaxOfLanes(d, high));
  for (; i < size; ++i) {
    *least = values[i] < *least ? values[i] : *least;
    *largest = values[i] > *largest ? values[i] : *largest;
  }
}

/// vdr_softmax() on one vector of logits. `steps`: the largest q that a logit of the row has.
template <class D, class V>
HWY_ATTR HWY_INLINE V probabilities_of(D d, V logits, const VdrRow& row, [[maybe_unused]] int steps) {
  const auto difference = hn::Sub(hn::Set(d, row.largest), logits);
  const auto alive = hn::Lt(difference, hn::Set(d, row.below_limit));
  const auto below = hn::ShiftLeftSame(hn::IfThenElseZero(alive, difference), row.guard);
  // q steps of l fit below; each halves the value once more.
#if HWY_TARGET <= HWY_AVX2
  const hn::RebindToUnsigned<D> d_unsigned;
  // below < 24 l < 2^19: the product stays below 2^32, and q is at most 1 too large.
  const auto product = hn::Mul(hn::BitCast(d_unsigned, below), hn::Set(d_unsigned, row.reciprocal));
  auto q = hn::BitCast(d, hn::ShiftRight<vdr_row_reciprocal_bits>(product));
  const auto l = hn::Set(d, row.l);
  auto r = hn::Sub(hn::Mul(q, l), below);
  const auto beyond = hn::Gt(r, hn::Zero(d));
  q = hn::Add(q, hn::VecFromMask(d, beyond));
  r = hn::Sub(r, hn::IfThenElseZero(beyond, l));
  auto value = polynomial_of(d, r, row) >> hn::Add(q, hn::Set(d, row.halvings));
#else  // shifts by lanes of their own are made with floating point there
  auto r = hn::Neg(below);
  for (int q = 1; q <= steps; ++q)
    r = hn::IfThenElse(hn::Lt(below, hn::Set(d, q * row.l)), r, hn::Sub(hn::Set(d, q * row.l), below));
  auto value = hn::ShiftRightSame(polynomial_of(d, r, row), row.halvings);
  for (int q = 1; q <= steps; ++q)
    value = hn::IfThenElse(hn::Lt(below, hn::Set(d, q * row.l)), value, hn::ShiftRight<1>(value));
#endif
  if (row.rounds) value = hn::Add(value, hn::Set(d, 1));
  return hn::IfThenElseZero(alive, hn::Min(hn::ShiftRight<1>(value), hn::Set(d, row.highest)));
}

HWY_ATTR std::int64_t softmax_row_here(const VdrRow& row) {
  const hn::ScalableTag<std::int32_t> d;
  const std::size_t lanes = hn::Lanes(d);
  int steps = 0;
#if HWY_TARGET > HWY_AVX2
  const std::int64_t deepest =
      std::min<std::int64_t>(row.below_limit - 1, std::int64_t{row.largest} - row.smallest);
  while ((std::int64_t{steps} + 1) * row.l <= deepest << row.guard) ++steps;
#endif
  auto sums = hn::Zero(d);
  std::size_t j = 0;
  for (; j + lanes <= row.size; j += lanes) {
    const auto p = probabilities_of(d, hn::LoadU(d, row.logits + j), row, steps);
    hn::StoreU(p, d, row.probabilities + j);
    sums = hn::Add(sums, p);
  }
  std::int64_t sum = hn::GetLane(hn::SumOfLanes(d, sums));
  if (j < row.size) {
    HWY_ALIGN std::int32_t rest[hn::MaxLanes(d)];
    std::fill_n(rest, lanes, row.largest);
    std::copy_n(row.logits + j, row.size - j, rest);
    hn::Store(probabilities_of(d, hn::Load(d, rest), row, steps), d, rest);
    std::copy_n(rest, row.size - j, row.probabilities + j);
    for (std::size_t i = 0; i < row.size - j; ++i) sum += rest[i];
  }
  return sum;
}

}  // namespace flare::arch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace flare::arch {

HWY_EXPORT(extremes_here);
HWY_EXPORT(softmax_row_here);

const VdrEntry& VdrTable::entry(int n_e) const {
  return entries_[std::clamp(n_e - first_, 0, static_cast<int>(entries_.size()) - 1)];
}

std::int64_t VdrTable::softmax(std::span<const std::int32_t> logits, int n_e,
                               std::span<std::int32_t> probabilities) const {
  return vdr_softmax(logits, entry(n_e), options_, probabilities);
}

namespace {

/// True where numbers of 32 bits hold all that the row needs; `row` is then filled.
bool fits_vectors(std::span<const std::int32_t> logits, const VdrEntry& e, const VdrOptions& options,
                  std::span<std::int32_t> probabilities, VdrRow* row) {
  constexpr std::size_t longest = 1 << 14;  // sums of 16-bit probabilities
  const int fraction = 2 * options.input_bits, halvings = e.shift - fraction - 1;
  if (halvings < 0 || halvings > 30 || e.c >= std::int64_t{1} << 30 || e.b >= 1 << 17 || e.l >= 1 << 14 ||
      e.l > e.b || logits.size() > longest)
    return false;
  *row = {logits.data(), probabilities.data(), logits.size()};
  HWY_DYNAMIC_DISPATCH(extremes_here)(logits.data(), logits.size(), &row->smallest, &row->largest);
  if (row->smallest < -(1 << 20) || row->largest > 1 << 20) return false;
  row->l = static_cast<std::int32_t>(e.l);
  row->b = static_cast<std::int32_t>(e.b);
  row->c = static_cast<std::int32_t>(e.c);
  row->guard = e.guard;
  row->reciprocal =
      static_cast<std::uint32_t>(e.reciprocal >> (vdr_reciprocal_bits - vdr_row_reciprocal_bits)) + 1;
  row->below_limit = static_cast<std::int32_t>(((fraction * e.l - 1) >> e.guard) + 1);
  row->halvings = halvings;
  row->rounds = options.rounding != Rounding::truncate;
  row->highest = (1 << options.output_bits) - 1;
  return true;
}

}  // namespace

std::int64_t vdr_softmax(std::span<const std::int32_t> logits, const VdrEntry& e, const VdrOptions& options,
                         std::span<std::int32_t> probabilities) {
  if (logits.size() != probabilities.size())
    throw std::invalid_argument("VDR-Softmax: the result has another length");
  if (logits.empty()) return 0;
  VdrRow row;
  if (fits_vectors(logits, e, options, probabilities, &row))
    return HWY_DYNAMIC_DISPATCH(softmax_row_here)(row);
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
#endif  // HWY_ONCE
