// eMSB-Q: quantisation by shifting to the effective most significant bit (FLARE, section 4.2 and Fig. 10).
//
// A group of integers (one token) is reduced to n bits by one common right shift s, so its step is 2^s:
//
//   signed    fold m = v < 0 ? ~v : v;  E = bit length of the OR of all m;  s = max(0, E - (n-1))
//   unsigned                            E = bit length of the OR of all v;  s = max(0, E - n)
//
// The OR replaces a search for the largest value. No division, no floating point. Truncation (the paper's
// "parsing") can never overflow and carries a constant offset of -1/2 step; rounding adds 2^(s-1) first and
// saturates at the largest code. half_lsb truncates too, and whoever uses the code counts it as q + 1/2 where
// s > 0: a constant per product (half the sum of the weights), and the accuracy of rounding. With n+1 bits 2^s is always below the absmax step max|v| / (2^(n-1)-1): the
// paper's "lossless at the expense of one more bit".
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace flare::arch {

enum class Rounding {
  truncate,
  round,
  half_lsb,  // truncate; the code stands for the middle of its step
};

/// "truncate", "round" or "half_lsb". rounding_of throws std::invalid_argument for another name.
const char* rounding_name(Rounding rounding);
Rounding rounding_of(std::string_view name);

struct EmsbOptions {
  int bits = 8;  // n: width of the result, 2..16
  bool is_signed = true;
  Rounding rounding = Rounding::round;  // truncation costs 6 dB where its offset matters
};

/// E: bits the group uses, without sign. 0 for an empty group or one of zeros (and, signed, of -1s).
int effective_bits(std::span<const std::int32_t> values, bool is_signed);
int effective_bits(std::span<const std::int64_t> values, bool is_signed);

/// Shift a group of `effective` bits needs to fit: max(0, E - (n-1)) signed, max(0, E - n) unsigned.
int emsb_shift(int effective, const EmsbOptions& options);

/// One value shifted by `shift` and saturated to the n-bit range: the parse from a fixed start bit, which
/// keys and values use (a start bit calibrated per layer saturates what it did not foresee).
std::int32_t parse_bits(std::int64_t value, int shift, const EmsbOptions& options);

/// The same for a row of them: result has its length.
void parse_row(std::span<const std::int32_t> values, int shift, const EmsbOptions& options,
               std::span<std::int32_t> result);
void parse_row(std::span<const std::int64_t> values, int shift, const EmsbOptions& options,
               std::span<std::int32_t> result);

/// Twice what a code shifted by `shift` stands for, in units of 2^shift: 2 q, or 2 q + 1 for half_lsb.
std::int32_t twice_value(std::int32_t code, int shift, const EmsbOptions& options);

/// Quantises a group to `result` (same length; may be the same memory) and returns the shift.
/// Throws std::invalid_argument for bits out of range or lengths that differ.
int emsb_quantize(std::span<const std::int32_t> values, std::span<std::int32_t> result,
                  const EmsbOptions& options = {});
int emsb_quantize(std::span<const std::int64_t> values, std::span<std::int32_t> result,
                  const EmsbOptions& options = {});

}  // namespace flare::arch
