#include "flare_arch/quantizers/emsb_quantizer.hpp"

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <string>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "flare_arch/quantizers/emsb_quantizer.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for every target
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace flare::arch::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// OR of all values, each folded where it is negative; of the first whole vectors, whose end is put into `done`.
HWY_ATTR std::uint32_t any_bits_here(const std::int32_t* values, std::size_t size, std::size_t* done) {
  const hn::ScalableTag<std::int32_t> d;
  auto any = hn::Zero(d);
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= size; i += hn::Lanes(d)) {
    const auto v = hn::LoadU(d, values + i);
    any = hn::Or(any, hn::Xor(v, hn::ShiftRight<31>(v)));
  }
  *done = i;
  HWY_ALIGN std::int32_t lanes[hn::MaxLanes(d)];
  hn::Store(any, d, lanes);
  std::uint32_t bits = 0;
  for (std::size_t lane = 0; lane < hn::Lanes(d); ++lane) bits |= static_cast<std::uint32_t>(lanes[lane]);
  return bits;
}

/// The first whole vectors shifted, half up where `rounds` (shift above 0), and limited. Returns their end.
HWY_ATTR std::size_t parse_here(const std::int32_t* values, std::size_t size, int shift, bool rounds,
                                std::int32_t lowest, std::int32_t highest, std::int32_t* result) {
  const hn::ScalableTag<std::int32_t> d;
  const auto low = hn::Set(d, lowest), high = hn::Set(d, highest), one = hn::Set(d, 1);
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= size; i += hn::Lanes(d)) {
    auto code = hn::ShiftRightSame(hn::LoadU(d, values + i), rounds ? shift - 1 : shift);
    if (rounds) code = hn::Add(hn::ShiftRight<1>(code), hn::And(code, one));
    hn::StoreU(hn::Min(hn::Max(code, low), high), d, result + i);
  }
  return i;
}

}  // namespace flare::arch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace flare::arch {

HWY_EXPORT(any_bits_here);
HWY_EXPORT(parse_here);

namespace {

template <class T>
int effective_bits_of(std::span<const T> values, bool is_signed) {
  using Unsigned = std::make_unsigned_t<T>;
  Unsigned any = 0;
  for (const T v : values) any |= static_cast<Unsigned>(is_signed && v < 0 ? ~v : v);
  return static_cast<int>(std::bit_width(any));
}

}  // namespace

int effective_bits(std::span<const std::int32_t> values, bool is_signed) {
  if (!is_signed) return effective_bits_of(values, is_signed);
  std::size_t done = 0;
  const std::uint32_t any = HWY_DYNAMIC_DISPATCH(any_bits_here)(values.data(), values.size(), &done);
  return std::max(static_cast<int>(std::bit_width(any)), effective_bits_of(values.subspan(done), is_signed));
}

int effective_bits(std::span<const std::int64_t> values, bool is_signed) {
  return effective_bits_of(values, is_signed);
}

int emsb_shift(int effective, const EmsbOptions& options) {
  return std::max(0, effective - (options.is_signed ? options.bits - 1 : options.bits));
}

namespace {

/// Half up where it rounds: the last bit that is shifted out is added, so that no sum leaves the type.
template <class T>
std::int32_t parsed(T value, int shift, bool rounds, T lowest, T highest) {
  const T halves = rounds ? value >> (shift - 1) : value >> shift;
  const T code = rounds ? static_cast<T>((halves >> 1) + (halves & 1)) : halves;
  return static_cast<std::int32_t>(std::clamp(code, lowest, highest));
}

template <class T>
void parse_all(std::span<const T> values, int shift, const EmsbOptions& options,
               std::span<std::int32_t> result) {
  const T highest = static_cast<T>((T{1} << (options.is_signed ? options.bits - 1 : options.bits)) - 1),
          lowest = options.is_signed ? static_cast<T>(-highest - 1) : T{0};
  const bool rounds = options.rounding == Rounding::round && shift > 0;
  // One loop each: the compiler makes vectors of them.
  if (rounds)
    for (std::size_t i = 0; i < values.size(); ++i)
      result[i] = parsed(values[i], shift, true, lowest, highest);
  else
    for (std::size_t i = 0; i < values.size(); ++i)
      result[i] = parsed(values[i], shift, false, lowest, highest);
}

/// Vectors, and the plain loop for what they leave.
void parse_narrow(std::span<const std::int32_t> values, int shift, const EmsbOptions& options,
                  std::span<std::int32_t> result) {
  const std::int32_t highest = (1 << (options.is_signed ? options.bits - 1 : options.bits)) - 1;
  const std::size_t done = HWY_DYNAMIC_DISPATCH(parse_here)(
      values.data(), values.size(), shift, options.rounding == Rounding::round && shift > 0,
      options.is_signed ? -highest - 1 : 0, highest, result.data());
  parse_all(values.subspan(done), shift, options, result.subspan(done));
}

}  // namespace

std::int32_t parse_bits(std::int64_t value, int shift, const EmsbOptions& options) {
  std::int32_t result = 0;
  parse_all<std::int64_t>({&value, 1}, shift, options, {&result, 1});
  return result;
}

void parse_row(std::span<const std::int32_t> values, int shift, const EmsbOptions& options,
               std::span<std::int32_t> result) {
  // All bits of 32 are the sign's beyond 31; half of the last step rounds to 0, as the wider sum does.
  if (shift > 31)
    for (std::size_t i = 0; i < values.size(); ++i) result[i] = parse_bits(values[i], shift, options);
  else
    parse_narrow(values, shift, options, result);
}

void parse_row(std::span<const std::int64_t> values, int shift, const EmsbOptions& options,
               std::span<std::int32_t> result) {
  parse_all(values, shift, options, result);
}

std::int32_t twice_value(std::int32_t code, int shift, const EmsbOptions& options) {
  return 2 * code + (options.rounding == Rounding::half_lsb && shift > 0 ? 1 : 0);
}

const char* rounding_name(Rounding rounding) {
  switch (rounding) {
    case Rounding::truncate:
      return "truncate";
    case Rounding::round:
      return "round";
    default:
      return "half_lsb";
  }
}

Rounding rounding_of(std::string_view name) {
  for (const Rounding rounding : {Rounding::truncate, Rounding::round, Rounding::half_lsb})
    if (name == rounding_name(rounding)) return rounding;
  throw std::invalid_argument("eMSB-Q: rounding '" + std::string(name) +
                              "' is not one of truncate, round, half_lsb");
}

namespace {

template <class T>
int quantize(std::span<const T> values, std::span<std::int32_t> result, const EmsbOptions& options) {
  if (options.bits < 2 || options.bits > 16)
    throw std::invalid_argument("eMSB-Q: 2 to 16 bits are supported");
  if (values.size() != result.size()) throw std::invalid_argument("eMSB-Q: the result has another length");
  const int shift = emsb_shift(effective_bits(values, options.is_signed), options);
  parse_row(values, shift, options, result);
  return shift;
}

}  // namespace

int emsb_quantize(std::span<const std::int32_t> values, std::span<std::int32_t> result,
                  const EmsbOptions& options) {
  return quantize(values, result, options);
}

int emsb_quantize(std::span<const std::int64_t> values, std::span<std::int32_t> result,
                  const EmsbOptions& options) {
  return quantize(values, result, options);
}

}  // namespace flare::arch
#endif  // HWY_ONCE
