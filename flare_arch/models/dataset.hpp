// Examples for a model, whatever they are: token ids with their true length, or pixels; and what they are scored by.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "flare_arch/base/matrix.hpp"

namespace flare::arch {

/// Pixels of one image.
struct ImageTensor {
  int channels = 0, height = 0, width = 0;
  std::vector<float> values;  // channel by channel, row by row
  bool normalised =
      false;  // as the model is fed; else raw values, which the model's scale, mean and deviation meet
};

struct Example {
  std::vector<std::int32_t> tokens;       // of text: ids, as many as are true; no padding
  std::vector<std::int32_t> token_types;  // of the same tokens; empty: all 0
  ImageTensor image;                      // of an image
  int label = -1;                         // class; -1: none (a language model predicts its own tokens)
  double target = std::numeric_limits<double>::quiet_NaN();  // number to be met (Metric::pearson); NaN: none
};

/// A set of examples. One is made when it is asked for: a set need not fit the memory.
class ExampleSet {
 public:
  virtual ~ExampleSet() = default;
  virtual std::int64_t size() const = 0;
  /// Thread safe. Throws engine::FileError for an example that cannot be read.
  virtual Example example(std::int64_t index) const = 0;
};

/// What a model's answers are scored by.
enum class Metric {
  top1,      // share of examples whose largest logit is the label's
  top5,      // share of examples whose label is among the five largest logits
  matthews,  // correlation of labels and answers, of any number of classes (Gorodkin 2004)
  f1,        // of class 1, of two classes
  pearson,   // correlation of targets and the model's one output
  loss,      // mean of -log p, in nats: of the next token over all predicted tokens, or of the label
};

struct Dataset {
  std::string name;
  Metric metric = Metric::top1;
  std::shared_ptr<const ExampleSet> train, test;  // train: what static scales are calibrated with
};

/// Examples that are kept in memory.
class KeptExamples : public ExampleSet {
 public:
  explicit KeptExamples(std::vector<Example> examples) : examples_(std::move(examples)) {}
  std::int64_t size() const override { return static_cast<std::int64_t>(examples_.size()); }
  Example example(std::int64_t index) const override { return examples_[static_cast<std::size_t>(index)]; }

 private:
  std::vector<Example> examples_;
};

/// Any data set this program knows, by its file's ending: .csv as load_digits, .safetensors as load_tensors.
Dataset load_dataset(const std::filesystem::path& file);
/// The files a result depends on.
std::vector<std::filesystem::path> dataset_files(const std::filesystem::path& path);

/// Reads data/digits/digits.csv: a header, then "train|test,label,64 pixels (0-16)" per line.
/// The header begins with split,label. Throws engine::FileError "file:line: what is wrong". At most 100,000 images.
Dataset load_digits(const std::filesystem::path& file);

/// Tensors: input_ids (examples x longest) with attention_mask (1: a true token, from the front) and token_type_ids where
/// there are any, or pixel_values (examples x channels x height x width, normalised); labels (one each), without which
/// text is scored as a language model's. calibration_input_ids, ...: the examples for static scales; without them
/// the test examples. Throws engine::FileError "file: tensor ..., row ...".
Dataset load_tensors(const std::filesystem::path& file);

}  // namespace flare::arch
