#include "flare_arch/quantizers/emsb_quantizer.hpp"

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <string>

namespace flare::arch {
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
  return effective_bits_of(values, is_signed);
}

int effective_bits(std::span<const std::int64_t> values, bool is_signed) {
  return effective_bits_of(values, is_signed);
}

int emsb_shift(int effective, const EmsbOptions& options) {
  return std::max(0, effective - (options.is_signed ? options.bits - 1 : options.bits));
}

std::int32_t parse_bits(std::int64_t value, int shift, const EmsbOptions& options) {
  const std::int64_t highest = (std::int64_t{1} << (options.is_signed ? options.bits - 1 : options.bits)) - 1;
  const std::int64_t lowest = options.is_signed ? -highest - 1 : 0;
  if (options.rounding == Rounding::round && shift > 0) value += std::int64_t{1} << (shift - 1);
  return static_cast<std::int32_t>(std::clamp(value >> shift, lowest, highest));
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
  std::transform(values.begin(), values.end(), result.begin(),
                 [&](T v) { return parse_bits(v, shift, options); });
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
