// FLARE's attention on arrays: integers from the layer's input words to its output words, without
// dequantisation, division or floating point in between (FLARE, sections 4.2 and 4.3).
//
//   input words (16 bits, one static scale)
//     -> eMSB-Q per token -> W_Q array -> Q -> eMSB-Q per token and head     (headrooms h1, h2)
//     -> fixed start bit -> W_K, W_V arrays -> fixed start bit -> K, V       (one scale for all tokens)
//   Q K^T on the head's array of K -> eMSB-Q per row (h3)
//     -> VDR-Softmax with n_e = h1 + h2 + h3
//     -> array of V -> eMSB-Q per row -> W_O array of the head
//
// h_i is the headroom a stage used up: its largest possible shift m_i less the shift it made, never negative.
// With Rounding::half_lsb codes are truncated and stand for the middle of their step: products with W and K get
// half the sum of the column's weights added, sums of V half the sum of the row's probabilities. What K's own
// half step adds is the same for all logits of a row and drops out of the softmax.
//
// Biases: the queries' is a word shifted as the token's words were, added before eMSB-Q. The keys' adds the same to all
// logits of a row and drops out of the softmax, unless positions are rotary: then it is a constant of the accumulators.
// The values' is a constant of the output, as the weights of a row add up to one.
// Rotary positions turn the accumulators of queries and keys, before either is quantised. A causal mask: the cells of
// later tokens are absent; logits and softmax are of the tokens met. Grouped heads read the same arrays of keys and
// values, and meet the same frozen errors.
//
// VDR-Softmax does not divide by the row's sum. The sum travels beside the row and scales the head's share of
// the output words when they leave the integer path, so that the residual stream sees the true softmax.
#pragma once

#include <memory>
#include <vector>

#include "flare_arch/attention/attention.hpp"
#include "flare_arch/attention/vdr_softmax.hpp"
#include "flare_arch/quantizers/emsb_quantizer.hpp"

namespace flare::arch {

struct QuantizedRows;

enum class StartBit {
  calibrated,  // the highest bit that K or V used on the calibration sequences, per layer
  absolute,    // the accumulator's highest bit, used or not: needs wider words (16 bits)
};

enum class RowScale {
  side_band,   // exact: 1/sum applied where output words become floating point
  reciprocal,  // 1/sum from a 16-entry table and a shift; integers only, at most 3.1 % off
};

struct IntegerAttentionOptions {
  int input_bits = 16;      // host words
  int activation_bits = 8;  // Q, logits, weighted sums
  int kv_bits = 12;         // K, V and the input words they are made from
  int weight_bits = 8;
  int probability_bits = 8;
  Rounding rounding = Rounding::round;  // of every eMSB-Q and of K and V's parse; see emsb_quantizer.hpp
  StartBit start_bit = StartBit::calibrated;
  RowScale row_scale = RowScale::side_band;
  int guard_bits = -1;  // of VDR-Softmax; -1: automatic
  Encoding input_encoding = Encoding::twos_complement;
  Encoding weight_encoding = Encoding::twos_complement;
  SegmentationOptions stationary, dynamic;  // SAWL and packing of the two kinds of arrays

  bool operator==(const IntegerAttentionOptions&) const = default;
};

class IntegerAttention : public AttentionLayer {
 public:
  /// layer: its number, part of the random streams' keys. calibration: inputs of this layer for some
  /// sequences; they fix the static scales and start bits. Throws std::invalid_argument for weights or
  /// options that do not fit, or an empty calibration.
  IntegerAttention(const AttentionWeights& weights, int layer, const std::vector<MatrixF>& calibration,
                   const IntegerAttentionOptions& options = {});
  ~IntegerAttention() override;

  MatrixF forward(const MatrixF& x, const AttentionErrors& errors) const override;
  LayerDie make_die(const AttentionErrors& errors, Eigen::Index tokens) const override;

  /// What one sequence computes on the way, for tests and for the sparsity studies.
  struct Trace {
    MatrixI words, activations, key_inputs, key, value;             // activations: what W_Q sees
    MatrixL query;                                                  // before eMSB-Q
    std::vector<MatrixI> queries, logits, probabilities, weighted;  // per head, after eMSB-Q
    std::vector<int> input_shifts;                                  // eMSB-Q's, per token
    std::vector<std::vector<int>> query_shifts, logit_shifts;       // per head and token
    std::vector<std::vector<int>> weighted_shifts;                  // per head (one, reciprocal) and token
    std::vector<std::vector<int>> exponents;                        // n_e, per head and token
    std::vector<std::vector<std::int64_t>> sums;                    // of the probabilities
  };
  MatrixF forward(const MatrixF& x, const AttentionErrors& errors, Trace* trace) const;

  /// Static numbers of the layer.
  struct Scales {
    double input = 0;  // value of one input word
    double query_weight = 0, key_weight = 0, value_weight = 0, output_weight = 0;
    int key_input_shift = 0, key_shift = 0, value_shift = 0;  // fixed start bits, as right shifts
    int m1 = 0, m2 = 0, m3 = 0;                               // shifts of the three stages without headroom
    double key = 0, value = 0;                                // value of one LSB of K and V
    double logit_full = 0;                                    // value of one LSB of the logits at n_e = 0
    int first_exponent = 0, last_exponent = 0;                // range of n_e seen in calibration
  };
  const Scales& scales() const { return scales_; }
  const IntegerAttentionOptions& options() const { return options_; }

 private:
  template <class Sum>
  struct Projected;
  struct Caches;

  // Sum: what a product's sums are kept in, 32 or 64 bits. The numbers are the same.
  bool needs_wide_sums(Eigen::Index tokens, const AttentionErrors& errors) const;
  template <class Sum>
  MatrixF forward_as(const MatrixF& x, const AttentionErrors& errors, Trace* trace) const;
  MatrixI to_words(const MatrixF& x) const;
  template <class Sum>
  Projected<Sum> project(const MatrixF& x, const AttentionErrors& errors, Trace* trace) const;
  template <class Sum>
  void turn(Matrix<Sum>& rows) const;
  template <class Sum>
  Matrix<Sum> key_sums(const MatrixI& inputs, const ErrorInjection& errors, ArrayCounters* counters) const;
  template <class Sum>
  QuantizedRows logits_of(int head, const Projected<Sum>& p, const Caches& caches,
                          const AttentionErrors& errors, const PresentCells& present,
                          QuantizedRows& query) const;
  template <class Sum>
  Matrix<Sum> weigh_values(int head, const Projected<Sum>& p, const Caches& caches,
                           const AttentionErrors& errors, std::vector<std::int64_t>& sums,
                           Trace* trace) const;
  template <class Sum>
  void add_head(int head, const Matrix<Sum>& weighted, const std::vector<std::int64_t>& sums,
                const AttentionErrors& errors, MatrixF& out, Trace* trace) const;
  template <class Sum>
  void normalise_head(int head, const Matrix<Sum>& weighted, const std::vector<std::int64_t>& sums,
                      MatrixI& joined) const;
  template <class Sum, class Joined>
  Matrix<Sum> output_words(std::size_t part, const Joined& joined, const AttentionErrors& errors,
                           std::vector<int>& shifts, Trace* trace) const;
  template <class Sum>
  MatrixF project_output(const MatrixI& joined, const AttentionErrors& errors, Trace* trace) const;
  void set_input_scale(const std::vector<MatrixF>& calibration);
  void set_biases(const AttentionWeights& weights);
  int headroom_of_queries() const;
  void calibrate(const std::vector<MatrixF>& calibration);
  void calibrate_exponents(const std::vector<MatrixF>& calibration);
  template <class Sum>
  Matrix<Sum> cache_sums(const Array& array, const std::vector<std::int32_t>& halves, const MatrixI& inputs,
                         const ErrorInjection& errors, ArrayCounters* counters) const;
  bool corrects(int shift) const { return options_.rounding == Rounding::half_lsb && shift > 0; }
  PlaneFormat activation_format() const { return {options_.activation_bits, options_.input_encoding}; }
  PlaneFormat kv_format() const { return {options_.kv_bits, options_.input_encoding}; }
  PlaneFormat kv_cells() const { return {options_.kv_bits, options_.weight_encoding}; }

  IntegerAttentionOptions options_;
  int layer_, heads_, groups_;  // groups: heads of keys and values
  Eigen::Index width_, head_width_;
  bool causal_;
  std::shared_ptr<const RotaryTable> rotary_;
  std::vector<std::int64_t> query_bias_, key_bias_;  // in accumulators of unshifted inputs; empty: none
  Scales scales_;
  VectorF output_bias_;
  std::unique_ptr<Array> query_, key_, value_;
  // side_band: one array per head, head_width x width. reciprocal: one array, width x width.
  std::vector<Array> output_;
  // Half the column sums of the weights: the constants of Rounding::half_lsb.
  std::vector<std::int32_t> query_halves_, key_halves_, value_halves_;
  std::vector<std::vector<std::int32_t>> output_halves_;
  std::unique_ptr<VdrTable> table_;
  ReciprocalTable reciprocal_;
};

}  // namespace flare::arch
