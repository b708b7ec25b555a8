#include "flare_arch/models/dataset.hpp"

#include <fmt/format.h>

#include "engine/base/file_error.hpp"
#include "flare_arch/models/dataset_parts.hpp"
#include "flare_arch/text/tokenizer.hpp"

namespace flare::arch {
namespace {

namespace fs = std::filesystem;

bool is_tensors(const std::string& ending) {
  return ending == ".safetensors" || ending == ".h5" || ending == ".hdf5";
}

Dataset loaded(const fs::path& path, const ModelSpec& spec, const fs::path& model_folder,
               const DatasetOptions& options) {
  std::error_code error;
  if (!fs::exists(path, error)) throw engine::FileError(path.string() + ": no such file");
  if (fs::is_directory(path))
    return holds_idx(path) ? load_idx(path) : load_images(path, spec, model_folder, options);
  const std::string ending = path.extension().string();
  if (ending == ".csv") return load_digits(path);
  if (is_tensors(ending)) return load_tensors(path);
  if (ending == ".tsv") return load_tsv(path, spec, model_folder, options);
  return load_text(path, spec, model_folder, options);
}

}  // namespace

Dataset load_dataset(const fs::path& path, const ModelSpec& spec, const fs::path& model_folder,
                     const DatasetOptions& options) {
  Dataset dataset = loaded(path, spec, model_folder, options);
  dataset.name = path.string();
  if (!options.calibration.empty()) {
    std::error_code error;
    const bool same = fs::equivalent(options.calibration, path, error) && !error;
    dataset.train = same ? dataset.test : loaded(options.calibration, spec, model_folder, options).test;
  }
  if (options.metric) dataset.metric = *options.metric;
  return dataset;
}

Dataset load_dataset(const fs::path& file) {
  const std::string ending = file.extension().string();
  Dataset dataset;
  if (ending == ".csv")
    dataset = load_digits(file);
  else if (is_tensors(ending))
    dataset = load_tensors(file);
  if (dataset.test) {
    dataset.name = file.string();
    return dataset;
  }
  throw engine::FileError(file.string() +
                          ": not a data set that needs no model; one ends in .csv, .safetensors or .h5");
}

namespace {

/// Without the files of the tokenizer.
std::vector<fs::path> example_files(const fs::path& path) {
  if (fs::is_directory(path)) return holds_idx(path) ? idx_dataset_files(path) : image_dataset_files(path);
  std::vector<fs::path> files = {path};
  if (path.extension() == ".tsv")
    if (const fs::path train = training_table(path); !train.empty()) files.push_back(train);
  return files;
}

bool takes_a_tokenizer(const fs::path& path) {
  const std::string ending = path.extension().string();
  return !fs::is_directory(path) && ending != ".csv" && !is_tensors(ending);
}

}  // namespace

std::vector<fs::path> dataset_files(const fs::path& path, const fs::path& model_folder,
                                    const DatasetOptions& options) {
  std::vector<fs::path> files = example_files(path);
  if (!options.calibration.empty())
    for (const fs::path& file : example_files(options.calibration)) files.push_back(file);
  if (takes_a_tokenizer(path))
    for (const fs::path& file : tokenizer_files(options.tokenizer.empty() ? model_folder : options.tokenizer))
      files.push_back(file);
  return files;
}

}  // namespace flare::arch
