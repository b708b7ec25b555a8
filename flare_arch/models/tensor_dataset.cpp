// Examples as tensors of a safetensors file.
#include <fmt/format.h>

#include <cmath>
#include <stdexcept>

#include "engine/base/file_error.hpp"
#include "flare_arch/base/safetensors.hpp"
#include "flare_arch/models/dataset.hpp"

namespace flare::arch {
namespace {

/// Whole numbers, also where they are kept as floats.
Matrix<std::int64_t> whole_numbers(const TensorFile& file, const std::string& name, Eigen::Index rows = -1,
                                   Eigen::Index columns = -1) {
  const std::string& type = file.tensor(name).dtype;
  if (!type.starts_with('F') && !type.starts_with('B')) return file.integers(name, rows, columns);
  const MatrixF values = file.floats(name, rows, columns);
  for (Eigen::Index i = 0; i < values.size(); ++i)
    if (!(std::abs(values.data()[i]) < 0x1p24f) || values.data()[i] != std::floor(values.data()[i]))
      throw std::runtime_error(fmt::format("tensor '{}', row {}: {} is no whole number", name,
                                           i / values.cols(), values.data()[i]));
  return values.cast<std::int64_t>();
}

/// Numbers to be met rather than classes.
bool has_fractions(const TensorFile& file, const std::string& name) {
  const std::string& type = file.tensor(name).dtype;
  if (!type.starts_with('F') && !type.starts_with('B')) return false;
  const MatrixF values = file.floats(name);
  return (values.array() != values.array().floor()).any();
}

/// One set: the tensors whose names begin with `prefix`.
class TensorExamples : public ExampleSet {
 public:
  TensorExamples(const TensorFile& file, const std::string& prefix) : file_(file), prefix_(prefix) {
    is_text_ = file.has(prefix + "input_ids");
    if (is_text_)
      read_text(file, prefix);
    else
      read_images(file, prefix);
    if (size_ == 0) throw std::runtime_error("no examples");
    if (!file.has(prefix + "labels")) return;
    if (has_fractions(file, prefix + "labels")) {
      read_targets(file, prefix);
      return;
    }
    labels_ = whole_numbers(file, prefix + "labels");
    labels_.resize(1, labels_.size());
    if (labels_.size() != size_)
      throw std::runtime_error(
          fmt::format("tensor '{}labels' has {} values for {} examples", prefix, labels_.size(), size_));
    for (Eigen::Index i = 0; i < labels_.size(); ++i)
      if (labels_(0, i) < 0 || labels_(0, i) > 1 << 24)
        throw std::runtime_error(
            fmt::format("tensor '{}labels', row {}: {} is no label", prefix, i, labels_(0, i)));
  }

  std::int64_t size() const override { return size_; }
  bool has_labels() const { return labels_.size() > 0; }
  bool has_targets() const { return targets_.size() > 0; }

  Example example(std::int64_t index) const override {
    Example e;
    if (has_labels()) e.label = static_cast<int>(labels_(0, index));
    if (has_targets()) e.target = targets_(index);
    if (!is_text_) {
      const VectorF pixels = file_.flattened_row(prefix_ + "pixel_values", index);
      e.image = {channels_, height_, width_, {pixels.data(), pixels.data() + pixels.size()}, true};
      return e;
    }
    const auto length = lengths_[static_cast<std::size_t>(index)];
    for (Eigen::Index t = 0; t < length; ++t) e.tokens.push_back(static_cast<std::int32_t>(ids_(index, t)));
    for (Eigen::Index t = 0; t < length && types_.size() > 0; ++t)
      e.token_types.push_back(static_cast<std::int32_t>(types_(index, t)));
    return e;
  }

 private:
  void read_targets(const TensorFile& file, const std::string& prefix) {
    targets_ = file.vector(prefix + "labels", size_);
    for (Eigen::Index i = 0; i < targets_.size(); ++i)
      if (!std::isfinite(targets_(i)))
        throw std::runtime_error(fmt::format("tensor '{}labels', row {}: is no number", prefix, i));
  }

  void read_text(const TensorFile& file, const std::string& prefix) {
    ids_ = whole_numbers(file, prefix + "input_ids");
    size_ = ids_.rows();
    for (Eigen::Index i = 0; i < ids_.size(); ++i)
      if (ids_.data()[i] < 0 || ids_.data()[i] > 1 << 24)
        throw std::runtime_error(fmt::format("tensor '{}input_ids', row {}: {} is no token", prefix,
                                             i / ids_.cols(), ids_.data()[i]));
    if (file.has(prefix + "token_type_ids"))
      types_ = whole_numbers(file, prefix + "token_type_ids", ids_.rows(), ids_.cols());
    for (Eigen::Index i = 0; i < types_.size(); ++i)
      if (types_.data()[i] < 0 || types_.data()[i] > 1 << 24)
        throw std::runtime_error(fmt::format("tensor '{}token_type_ids', row {}: {} is no type", prefix,
                                             i / types_.cols(), types_.data()[i]));
    lengths_.assign(static_cast<std::size_t>(size_), ids_.cols());
    if (!file.has(prefix + "attention_mask")) return;
    const Matrix<std::int64_t> mask =
        whole_numbers(file, prefix + "attention_mask", ids_.rows(), ids_.cols());
    for (Eigen::Index i = 0; i < size_; ++i) {
      const Eigen::Index length = mask.row(i).sum();
      const bool front = length > 0 && length <= mask.cols() &&
                         (mask.row(i).head(length).array() == 1).all() &&
                         (mask.row(i).tail(mask.cols() - length).array() == 0).all();
      if (!front)
        throw std::runtime_error(fmt::format(
            "tensor '{}attention_mask', row {}: true tokens (1) must come first, padding (0) after them",
            prefix, i));
      lengths_[static_cast<std::size_t>(i)] = length;
    }
  }

  void read_images(const TensorFile& file, const std::string& prefix) {
    const std::string name = prefix + "pixel_values";
    const std::vector<std::int64_t>& shape = file.tensor(name).shape;
    if (shape.size() != 4)
      throw std::runtime_error(
          fmt::format("tensor '{}' has {} dimensions, examples x channels x height x width are expected",
                      name, shape.size()));
    size_ = shape[0];
    if (size_ > 0) file.flattened_row(name, 0);  // an element type that cannot be read is said now
    channels_ = static_cast<int>(shape[1]);
    height_ = static_cast<int>(shape[2]);
    width_ = static_cast<int>(shape[3]);
  }

  std::int64_t size_ = 0;
  bool is_text_ = false;
  Matrix<std::int64_t> ids_, types_, labels_;
  std::vector<Eigen::Index> lengths_;  // true tokens
  VectorF targets_;                    // numbers instead of classes
  TensorFile file_;                    // where pixels lie: one image is read at a time
  std::string prefix_;
  int channels_ = 0, height_ = 0, width_ = 0;
};

}  // namespace

Dataset load_tensors(const std::filesystem::path& file) {
  const bool is_hdf5 = file.extension() != ".safetensors";
  const TensorFile tensors = is_hdf5 ? TensorFile::load_hdf5(file) : TensorFile::load(file);
  try {
    if (!tensors.has("input_ids") && !tensors.has("pixel_values"))
      throw std::runtime_error("holds neither 'input_ids' nor 'pixel_values'");
    const auto test = std::make_shared<const TensorExamples>(tensors, "");
    Dataset dataset{file.stem().string(),
                    test->has_labels()    ? Metric::top1
                    : test->has_targets() ? Metric::pearson
                                          : Metric::loss,
                    test, test};
    if (tensors.has("calibration_input_ids") || tensors.has("calibration_pixel_values"))
      dataset.train = std::make_shared<const TensorExamples>(tensors, "calibration_");
    if (dataset.metric == Metric::loss && tensors.has("pixel_values"))
      throw std::runtime_error("tensor 'labels' is missing");
    return dataset;
  } catch (const std::runtime_error& e) {
    throw engine::FileError(file.string() + ": " + e.what());
  }
}

}  // namespace flare::arch
