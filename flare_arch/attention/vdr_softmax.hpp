// VDR-Softmax: the softmax of a row of integer logits, in integers only (FLARE, section 4.3, Algorithm 1).
//
// One LSB of a logit x is worth S = 1/n, and n = n0 * 2^n_e, where n_e is the headroom that eMSB-Q used up
// over input -> Q -> QK^T. Instead of scaling x, the base changes: e^(x/n) = (e^(1/n))^x. With
//
//   x - max(x) = -q l + r,  l = round(n ln 2),  r in (-l, 0]        e^(x/n) = 2^-q e^(r/n)
//   e^p ~ a p^2 + 0.96963238 p + 1 on (-ln 2, 0], a = 0.35815147    (I-BERT, Kim et al., ICML 2021)
//   poly = r (r + b) + c,  b = round(n 0.96963238/a),  c = round(n^2/a),  worth a/n^2 each
//   r_EXP = poly << (M - q), 0 for q >= M;  M = 2 Q_I              one scale for the whole row
//   out = eMSB-Q of r_EXP, unsigned, Q_O bits
//
// The largest logit has q = r = 0, so the last shift is a constant of the table entry and no search is
// needed. g guard bits under x keep l >= 64 for sharp logits. Where the paper's listing reads
// "r_POLY << Q" together with "S_EXP >> Q" per element, the exponent would cancel; M - q is I-BERT's form.
// q is a multiplication by a tabulated reciprocal: nothing divides and nothing is floating point after the
// table is built.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "flare_arch/quantizers/emsb_quantizer.hpp"

namespace flare::arch {

struct VdrOptions {
  int input_bits = 8;   // Q_I, 4..12: the logits' width
  int output_bits = 8;  // Q_O, 4..16
  int guard_bits = -1;  // g; -1: as many as give l >= 64; 0: the paper's literal form
  /// Of the last shift: truncation loses the tail of flat rows; half_lsb is rounding here.
  Rounding rounding = Rounding::round;
};

constexpr int vdr_reciprocal_bits = 42;

/// Parameters for one n_e.
struct VdrEntry {
  std::int64_t l = 1, b = 0, c = 1;
  std::uint64_t reciprocal = 0;  // ceil(2^vdr_reciprocal_bits / l)
  int guard = 0;
  int shift = 0;  // of the last step: bits(c) + M - Q_O
};

/// The table over n_e (about 100 bytes for 12 entries in the paper's widths), built once per layer.
class VdrTable {
 public:
  /// n0: 1/S where no stage had headroom. Entries for n_e in [first, last]; an n_e outside uses the nearest.
  /// Throws std::invalid_argument for n0 that is not positive and finite or options out of range.
  VdrTable(double n0, int first, int last, const VdrOptions& options = {});

  const VdrOptions& options() const { return options_; }
  const VdrEntry& entry(int n_e) const;

  /// logits: one row; probabilities: same length, unsigned Q_O bits, not normalised. Returns their sum: the
  /// row scale, by which the weighted sum of values is divided once it leaves the integer path.
  std::int64_t softmax(std::span<const std::int32_t> logits, int n_e,
                       std::span<std::int32_t> probabilities) const;

  /// Storage at the paper's widths (l, b 16 bits, c 32 bits, guard and shift one byte), in bytes.
  std::size_t hardware_bytes() const { return entries_.size() * 9; }

 private:
  VdrOptions options_;
  int first_;
  std::vector<VdrEntry> entries_;
};

/// One entry, for n = 1/S.
VdrEntry make_vdr_entry(double n, const VdrOptions& options = {});

/// The integer path for one row. Returns the sum of the probabilities.
std::int64_t vdr_softmax(std::span<const std::int32_t> logits, const VdrEntry& entry,
                         const VdrOptions& options, std::span<std::int32_t> probabilities);

/// 1/sum without a division: the leading bit gives the power of two, the next `index_bits` bits select a
/// tabulated mantissa (16 entries: at most 3.1 % off; 8: 6 %). value ~ mantissa * 2^-shift.
struct Reciprocal {
  static constexpr int fraction_bits = 15;  // of the tabulated mantissas
  std::int32_t mantissa = 0;
  int shift = 0;
};
class ReciprocalTable {
 public:
  explicit ReciprocalTable(int index_bits = 4);
  Reciprocal operator()(std::int64_t sum) const;

 private:
  int index_bits_;
  std::vector<std::int32_t> mantissas_;
};

}  // namespace flare::arch
