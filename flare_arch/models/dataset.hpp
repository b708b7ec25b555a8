// Examples for a model, whatever they are: token ids with their true length, or pixels; and what they are scored by.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "flare_arch/base/matrix.hpp"
#include "flare_arch/models/model_spec.hpp"

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

  /// True where static scales would be calibrated with the very examples that they are judged on.
  bool calibrates_on_test() const { return train == test; }
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

/// How files become examples, where the files and the model's folder leave it open.
struct DatasetOptions {
  std::filesystem::path tokenizer = {};  // folder; empty: the model's
  /// A data set of any kind whose examples calibrate static scales; empty: the data set's own training split, where it has one.
  std::filesystem::path calibration = {};
  std::optional<Metric> metric = {};  // empty: the data set's
  int window = 0;                     // tokens of a piece of plain text; 0: as many as the model takes
  bool lines = false;                 // of plain text each line is a text
  int resize = 0, crop = 0;           // of image files, pixels; 0: as the model's folder says
  std::string interpolation = {};  // nearest, bilinear, bicubic, lanczos; empty: as the model's folder says
};

/// Any data set this program knows, by what `path` is:
///   FILE.csv               load_digits
///   FILE.safetensors, .h5  load_tensors
///   FILE.tsv               load_tsv, with the model's tokenizer
///   any other file         plain text: load_text
///   folder                 load_idx where it holds IDX files, else load_images
/// Throws engine::FileError "file: what is wrong, what was expected".
Dataset load_dataset(const std::filesystem::path& path, const ModelSpec& spec,
                     const std::filesystem::path& model_folder, const DatasetOptions& options = {});
/// One that needs no model: .csv, .safetensors, .h5.
Dataset load_dataset(const std::filesystem::path& file);
/// The files a result depends on.
std::vector<std::filesystem::path> dataset_files(const std::filesystem::path& path,
                                                 const std::filesystem::path& model_folder = {},
                                                 const DatasetOptions& options = {});

/// Reads data/digits/digits.csv: a header, then "train|test,label,64 pixels (0-16)" per line.
/// The header begins with split,label. Throws engine::FileError "file:line: what is wrong". At most 100,000 images.
Dataset load_digits(const std::filesystem::path& file);

/// Tensors: input_ids (examples x longest) with attention_mask (1: a true token, from the front) and token_type_ids where
/// there are any, or pixel_values (examples x channels x height x width, normalised); labels (one each), without which
/// text is scored as a language model's. calibration_input_ids, ...: the examples for static scales; without them
/// the test examples. Throws engine::FileError "file: tensor ..., row ...".
/// The same names in an HDF5 file (FILE.h5, .hdf5).
Dataset load_tensors(const std::filesystem::path& file);

/// A table of text: a first line that names its columns, then one example a line. Text: `sentence`; or `sentence1` and
/// `sentence2`, `question` and `sentence`, `question1` and `question2`, `premise` and `hypothesis`, `question` and `passage`.
/// Label: `label`, `gold_label`, `is_duplicate`, `Quality` or `score`; a word is looked up in "label2id" of the model's
/// config.json. CoLA's four columns and two columns (text, label) need no first line. Of a model with one output labels are
/// numbers, and the metric is pearson. Calibrated with the first thousand lines of the training split beside it, where there is
/// one: "train" in place of "dev", "test" or "validation" in the file's name. Throws engine::FileError "file:line: what is wrong".
Dataset load_tsv(const std::filesystem::path& file, const ModelSpec& spec,
                 const std::filesystem::path& model_folder, const DatasetOptions& options);
/// Plain text for a language model: one stream of tokens, in windows that do not overlap; or each line as a text of its own.
Dataset load_text(const std::filesystem::path& file, const ModelSpec& spec,
                  const std::filesystem::path& model_folder, const DatasetOptions& options);
/// MNIST's files: *-images-idx3-ubyte and *-labels-idx1-ubyte (or with dots; .gz), of "t10k" or "test", and of "train" for
/// calibration where they are there.
Dataset load_idx(const std::filesystem::path& folder);
/// JPEG and PNG files, read when they are asked for: labels.tsv (file, class) in the folder or FOLDER_labels.tsv beside it; else
/// one subfolder a class, in the order of their names. Resized, cropped in the middle and normalised as the model's
/// preprocessor_config.json or config.json says, else as the options do; without either: the shorter side to the model's
/// size / 0.875, bicubic, the middle.
Dataset load_images(const std::filesystem::path& folder, const ModelSpec& spec,
                    const std::filesystem::path& model_folder, const DatasetOptions& options);
bool holds_idx(const std::filesystem::path& folder);

}  // namespace flare::arch
