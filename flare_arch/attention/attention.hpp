// One attention layer, four projections included, on whatever arithmetic: floating point (the yardstick), or
// integers on arrays.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "flare_arch/array/array.hpp"
#include "flare_arch/base/matrix.hpp"

namespace flare::arch {

/// y = x W, heads side by side in the columns; only the output projection has a bias.
struct AttentionWeights {
  int heads = 1;
  MatrixF query, key, value, output;  // width x width
  VectorF output_bias;                // width

  Eigen::Index width() const { return query.rows(); }
  Eigen::Index head_width() const { return query.cols() / heads; }
  /// Throws std::invalid_argument for shapes that do not fit.
  void check() const;
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
  MatrixF forward(const MatrixF& x, const AttentionErrors& errors) const override;

 private:
  AttentionWeights weights_;
  Ablation ablation_;
};

/// Softmax of every row, in place.
void softmax_rows(MatrixF& scores);

}  // namespace flare::arch
