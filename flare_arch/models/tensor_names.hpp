// Finds a model's tensors by its family's name table, and remembers which were read.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "flare_arch/base/safetensors.hpp"
#include "flare_arch/models/families.hpp"
#include "flare_arch/models/transformer.hpp"

namespace flare::arch {

class TensorNames {
 public:
  /// own_names replace the family's rows of the same part.
  TensorNames(const TensorFile& file, const Family& family, std::vector<TensorName> own_names);

  /// True where the family has a name for the part.
  bool knows(Part part) const { return !rows_of(part).empty(); }
  /// True where the file holds the part, of that layer where it is of one.
  bool has(Part part, int layer = 0) const { return !found(part, layer).empty(); }
  /// The name in the file: of a tensor, or of a linear layer's or norm's weight. The first alternative where none is there.
  std::string tensor(Part part, int layer = 0) const;
  /// Its shape; empty where there is none.
  std::vector<std::int64_t> shape(Part part, int layer = 0) const;
  bool is_transposed(Part part) const {
    return family_.stored_transposed && row_of(part).scope == NameScope::body;
  }
  bool may_lack_bias(Part part) const;
  /// True where a head of the family's is named so: "score.".
  bool is_named(Part part, const std::string& name) const;

  // Read, and remembered. std::runtime_error for a tensor that is missing, of another shape or not finite.
  MatrixF matrix(const std::string& name, Eigen::Index rows, Eigen::Index columns);
  MatrixF table(Part part, Eigen::Index rows, Eigen::Index columns) {
    return matrix(tensor(part), rows, columns);
  }
  NormWeights norm(Part part, int layer, Eigen::Index width, NormKind kind);
  LinearWeights linear(Part part, int layer, Eigen::Index inputs, Eigen::Index outputs);
  /// A convolution's kernel over patches: its first dimension is the outputs.
  LinearWeights patch_embedding(Eigen::Index inputs, Eigen::Index outputs);

  /// Throws std::runtime_error where a tensor was not read that is not among those the family skips: one that a model
  /// holds and nobody reads (a mask, a scale) means something else is computed than was trained.
  void refuse_unread() const;

 private:
  std::vector<TensorName> rows_of(Part part) const;
  const TensorName& row_of(Part part) const;
  std::string full_name(const TensorName& row, int layer) const;
  std::string found(Part part, int layer) const;
  VectorF bias(Part part, const std::string& weight, Eigen::Index outputs);

  const TensorFile& file_;
  const Family& family_;
  std::vector<TensorName> rows_;
  std::string prefix_;
  std::set<std::string> read_;
};

/// The family in whose names the tensors are; null for none.
const Family* family_of(const TensorFile& file);

}  // namespace flare::arch
