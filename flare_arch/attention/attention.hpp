// One attention layer, four projections included, on whatever arithmetic: floating point (the yardstick), or
// integers on arrays.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "flare_arch/array/array.hpp"
#include "flare_arch/attention/rotary.hpp"
#include "flare_arch/base/matrix.hpp"

namespace flare::arch {

/// y = x W + b, heads side by side in the columns.
///
/// Grouped heads: `kv_heads` heads of keys and values, each read by heads / kv_heads neighbouring heads of queries.
/// Causal: a token meets itself and the tokens before it; the cells of later ones are absent for it.
struct AttentionWeights {
  int heads = 1;
  MatrixF query;                                            // width x heads * head width
  MatrixF key, value;                                       // width x kv heads * head width
  MatrixF output;                                           // heads * head width x width
  VectorF output_bias;                                      // width
  VectorF query_bias = {}, key_bias = {}, value_bias = {};  // as many as columns; empty: none
  int kv_heads = 0;                                         // 0: as many as heads
  bool causal = false;
  std::shared_ptr<const RotaryTable> rotary =
      nullptr;  // turns queries and keys by their position; null: does not

  Eigen::Index width() const { return query.rows(); }
  Eigen::Index head_width() const { return query.cols() / heads; }
  int groups() const { return kv_heads > 0 ? kv_heads : heads; }
  /// The head of keys and values that a head of queries reads.
  int group_of(int head) const { return head / (heads / groups()); }
  /// Throws std::invalid_argument for shapes that do not fit.
  void check() const;
};

/// What of a layer is not a matrix.
struct AttentionForm {
  explicit AttentionForm(const AttentionWeights& weights);

  int heads, groups;
  Eigen::Index head_width;
  bool causal;
  std::shared_ptr<const RotaryTable> rotary;
  VectorF query_bias, key_bias, value_bias, output_bias;

  int heads_of_a_group() const { return heads / groups; }
};

/// Counters of the two kinds of arrays (FLARE, Fig. 9a): weights stay (MRAM), keys and values change (SRAM).
struct AttentionCounters {
  ArrayCounters stationary, dynamic;
  std::int64_t tensor_words = 0;  // words that crossed the device's border

  AttentionCounters& operator+=(const AttentionCounters& other) {
    stationary += other.stationary;
    dynamic += other.dynamic;
    tensor_words += other.tensor_words;
    return *this;
  }
};

/// The frozen variation of all arrays of one layer on one die.
struct LayerDie {
  std::vector<std::unique_ptr<ArrayDie>> arrays;  // by local array number; null where there is none
};

/// What a product of a layer is for.
enum class Operand {
  query,         // the projection W_Q
  key,           // W_K
  value,         // W_V
  scores,        // queries on the array of keys
  weighted,      // the softmax's rows on the array of values
  output,        // W_O
  feed_forward,  // the products outside attention
};

/// Where errors fall: everywhere, or in one layer, or in the products of one operand, or in both.
struct ErrorPlace {
  int layer = -1;                  // -1: every layer
  std::optional<Operand> operand;  // empty: every operand

  bool holds(int its_layer, Operand its_operand) const {
    return (layer < 0 || layer == its_layer) && (!operand || *operand == its_operand);
  }
};

/// How the arrays of a run err. Samplers outlive the run; null: no errors.
struct AttentionErrors {
  const CodeSampler* stationary = nullptr;
  const CodeSampler* dynamic = nullptr;
  ErrorMode mode = ErrorMode::read;
  ReadPath path = ReadPath::automatic;
  std::uint64_t seed = 0;         // of the repeat (read mode) or of the die and its noise (die mode)
  std::uint32_t first_token = 0;  // number of the sequence's first token among all tokens of the run
  const LayerDie* die = nullptr;  // die mode: of this layer
  AttentionCounters* counters = nullptr;
  ErrorPlace place = {};             // arrays elsewhere do not err
  ReadObserver* observer = nullptr;  // of every read
};

/// How arrays of this sampler err in a run of mode `asked`: a model that freezes nothing errs per read in die mode,
/// too.
inline ErrorMode mode_of(const CodeSampler* sampler, ErrorMode asked) {
  return sampler != nullptr && sampler->model().freezes_nothing() ? ErrorMode::read : asked;
}

class AttentionLayer {
 public:
  virtual ~AttentionLayer() = default;
  /// x: tokens x width, one sequence. Result: same shape, bias included, ready for the residual stream. Thread safe.
  virtual MatrixF forward(const MatrixF& x, const AttentionErrors& errors) const = 0;
  /// The layer's arrays on the die `seed` for sequences of up to `tokens` tokens; empty where it has none.
  virtual LayerDie make_die(const AttentionErrors& errors, Eigen::Index tokens) const;
};

enum class Ablation {
  none,
  uniform,  // every token weighs every token alike: scores are ignored
  removed,  // no attention output at all
};

class FloatAttention : public AttentionLayer {
 public:
  explicit FloatAttention(AttentionWeights weights, Ablation ablation = Ablation::none);
  /// The same on weights that somebody else uses, too.
  explicit FloatAttention(std::shared_ptr<const AttentionWeights> weights,
                          Ablation ablation = Ablation::none);
  MatrixF forward(const MatrixF& x, const AttentionErrors& errors) const override;

 private:
  std::shared_ptr<const AttentionWeights> weights_;
  Ablation ablation_;
};

/// Softmax of every row, in place. Causal: of row t's first t + 1 values; the others become 0.
void softmax_rows(MatrixF& scores, bool causal = false);
/// rows += bias, where there is one.
void add_bias(MatrixF& rows, const VectorF& bias);
/// Every head of every token turned by the token's position, where there is a table. Throws std::invalid_argument for more
/// tokens than it has positions.
void turn_heads(MatrixF& rows, const RotaryTable* rotary);
/// x W + b in floating point, its heads turned by position where there is a table.
MatrixF project_and_turn(const MatrixF& x, const MatrixF& weight, const VectorF& bias,
                         const RotaryTable* rotary);

}  // namespace flare::arch
