// Tables of the softmax, made once when a layer is configured: floating point and divisions are allowed here.
#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>

#include "flare_arch/attention/vdr_softmax.hpp"

namespace flare::arch {
namespace {

constexpr double quadratic = 0.35815147, linear = 0.96963238;
constexpr double largest_n = 1 << 14;  // beyond it a row of 8-bit logits is flat to within 2 %
constexpr int largest_guard = 24;

void check(const VdrOptions& o) {
  if (o.input_bits < 4 || o.input_bits > 12)
    throw std::invalid_argument("VDR-Softmax: 4 to 12 input bits are supported");
  if (o.output_bits < 4 || o.output_bits > 16)
    throw std::invalid_argument("VDR-Softmax: 4 to 16 output bits are supported");
  if (o.guard_bits < -1 || o.guard_bits > largest_guard)
    throw std::invalid_argument("VDR-Softmax: -1 (automatic) to 24 guard bits are supported");
}

int choose_guard(double n) {
  int g = 0;
  while (g < largest_guard && std::ldexp(n, g) * std::log(2.0) < 64) ++g;
  return g;
}

}  // namespace

VdrEntry make_vdr_entry(double n, const VdrOptions& options) {
  check(options);
  if (!(n > 0) || !std::isfinite(n))
    throw std::invalid_argument("VDR-Softmax: n must be positive and finite");
  VdrEntry e;
  e.guard = options.guard_bits >= 0 ? options.guard_bits : choose_guard(n);
  n = std::min(std::ldexp(n, e.guard), largest_n);
  e.l = std::max<std::int64_t>(1, std::llround(n * std::log(2.0)));
  e.b = std::llround(n * linear / quadratic);
  e.c = std::max<std::int64_t>(1, std::llround(n * n / quadratic));
  e.reciprocal = ((std::uint64_t{1} << vdr_reciprocal_bits) + e.l - 1) / e.l;
  const int width =
      static_cast<int>(std::bit_width(static_cast<std::uint64_t>(e.c))) + 2 * options.input_bits;
  e.shift = std::max(0, width - options.output_bits);
  return e;
}

VdrTable::VdrTable(double n0, int first, int last, const VdrOptions& options)
    : options_(options), first_(first) {
  if (last < first || last - first > 64)
    throw std::invalid_argument("VDR-Softmax: a table has between 1 and 65 entries");
  for (int n_e = first; n_e <= last; ++n_e) entries_.push_back(make_vdr_entry(std::ldexp(n0, n_e), options));
}

ReciprocalTable::ReciprocalTable(int index_bits) : index_bits_(index_bits) {
  if (index_bits < 0 || index_bits > 12)
    throw std::invalid_argument("reciprocal table: 0 to 12 index bits are supported");
  const int entries = 1 << index_bits;
  for (int i = 0; i < entries; ++i)  // middle of the interval [1 + i/entries, 1 + (i+1)/entries)
    mantissas_.push_back(static_cast<std::int32_t>(
        std::lround(std::ldexp(1.0 / (1.0 + (i + 0.5) / entries), Reciprocal::fraction_bits))));
}

}  // namespace flare::arch
