#include "engine/base/error_model_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <stdexcept>

#include "engine/base/hdf5_io.hpp"
#include "engine/base/measured_model.hpp"

namespace flare::engine {
namespace {

constexpr hsize_t most_levels = 65, most_codes = 1024;
constexpr std::size_t longest_text = 1 << 16;

/// Attributes that a matrix may have beside the keys of a description: what a study adds, and what HDF5's own
/// conventions and tools do.
constexpr std::array<const char*, 18> other_attributes = {
    "enob",          "p_wrong",     "p_wrong_low", "p_wrong_high",      "units",           "CLASS",
    "VERSION",       "TITLE",       "FLAVOR",      "DIMENSION_LABELS",  "DIMENSION_LIST",  "_FillValue",
    "column_energy", "column_time", "column_area", "conversion_energy", "conversion_time", "converter_area"};

std::string numbers_text(const H5::Attribute& attribute) {
  const hssize_t count = attribute.getSpace().getSimpleExtentNpoints();
  if (count < 0 || count > static_cast<hssize_t>(most_codes))
    throw std::runtime_error(fmt::format("{} values, at most {} make sense", count, most_codes));
  std::vector<double> values(static_cast<std::size_t>(count));
  if (count > 0) attribute.read(H5::PredType::NATIVE_DOUBLE, values.data());
  return fmt::format("{}", fmt::join(values, ", "));  // every double comes back from its text
}

std::string bounded_text(const H5::Attribute& attribute) {
  const H5::DataType type = attribute.getDataType();
  if (attribute.getSpace().getSimpleExtentNpoints() != 1) throw std::runtime_error("one text is expected");
  if (!type.isVariableStr() && type.getSize() > longest_text)
    throw std::runtime_error("the text is too long");
  std::string text;
  attribute.read(attribute.getStrType(), text);
  if (text.size() > longest_text) throw std::runtime_error("the text is too long");
  while (!text.empty() && text.back() == '\0') text.pop_back();
  return text;
}

std::string read_value(const H5::Attribute& attribute) {
  switch (attribute.getTypeClass()) {
    case H5T_STRING:
      return bounded_text(attribute);
    case H5T_FLOAT:
    case H5T_INTEGER:
    case H5T_ENUM:  // h5py's bool
      return numbers_text(attribute);
    default:
      throw std::runtime_error("neither a number nor a text");
  }
}

Matrix read_confusion(const H5::DataSet& set) {
  const H5::DataSpace space = set.getSpace();
  const H5T_class_t type = set.getTypeClass();
  if (space.getSimpleExtentNdims() != 2 || (type != H5T_FLOAT && type != H5T_INTEGER))
    throw std::runtime_error("the confusion matrix must have two dimensions and hold numbers");
  hsize_t shape[2] = {};
  space.getSimpleExtentDims(shape);
  if (shape[0] < 2 || shape[0] > most_levels || shape[1] < 1 || shape[1] > most_codes)
    throw std::runtime_error(fmt::format("the confusion matrix has shape {} x {}; at most {} x {} make sense",
                                         shape[0], shape[1], most_levels, most_codes));
  Matrix matrix(static_cast<Eigen::Index>(shape[0]), static_cast<Eigen::Index>(shape[1]));
  set.read(matrix.data(), H5::PredType::NATIVE_DOUBLE);
  return matrix;
}

int parse_sawl(const std::string& name) {
  int sawl = 0;
  if (name.rfind("sawl", 0) != 0) return 0;
  const auto [end, failed] = std::from_chars(name.data() + 4, name.data() + name.size(), sawl);
  return failed == std::errc() && end == name.data() + name.size() ? sawl : 0;
}

std::vector<std::string> groups(const H5::H5File& file, const std::string& path) {
  return file.childObjType(path) == H5O_TYPE_GROUP ? members(file, path) : std::vector<std::string>();
}

std::string listing(const std::vector<ModelKey>& keys) {
  if (keys.empty()) return "the file holds no error models";
  std::string text = "the file holds";
  for (std::size_t i = 0; i < keys.size() && i < 20; ++i)
    text += fmt::format("{} {}/sawl{}/{}/{}", i == 0 ? "" : ",", keys[i].cell, keys[i].sawl, keys[i].adc,
                        keys[i].corner);
  return text + (keys.size() > 20 ? " and more" : "");
}

/// What a study estimated of every level. A measured matrix says it itself, without an interval.
void read_estimates(const H5::H5File& file, const std::string& path, ErrorModel& model) {
  const auto levels = static_cast<std::size_t>(model.rows_per_read) + 1;
  const double unknown = std::numeric_limits<double>::quiet_NaN();
  if (has_attribute(file, path, "enob")) model.enob = read_number(file, path, "enob");
  if (!has_attribute(file, path, "p_wrong")) {
    for (int k = 0; k <= model.rows_per_read; ++k) model.p_wrong.push_back(model.error_rate(k));
    model.p_wrong_low = model.p_wrong_high = std::vector<double>(levels, unknown);
    return;
  }
  model.p_wrong = read_numbers(file, path, "p_wrong");
  model.p_wrong_low = read_numbers(file, path, "p_wrong_low");
  model.p_wrong_high = read_numbers(file, path, "p_wrong_high");
  for (const auto* values : {&model.p_wrong, &model.p_wrong_low, &model.p_wrong_high})
    if (values->size() != levels)
      throw std::runtime_error(fmt::format("p_wrong has {} values, {} are needed", values->size(), levels));
}

/// Everything that is wrong, at once.
ErrorModel read_model(const H5::H5File& file, const std::string& path, int sawl) {
  if (file.childObjType(path) != H5O_TYPE_DATASET)
    throw std::runtime_error(path + " is not a matrix but a group");
  const H5::DataSet set = file.openDataSet(path);
  const Matrix matrix = read_confusion(set);
  MatrixDescription description;
  std::vector<std::string> problems;
  for (int i = 0; i < set.getNumAttrs(); ++i) {
    const H5::Attribute attribute = set.openAttribute(static_cast<unsigned>(i));
    const std::string name = attribute.getName();
    if (std::find(other_attributes.begin(), other_attributes.end(), name) != other_attributes.end()) continue;
    try {
      describe(description, name, read_value(attribute));
    } catch (const std::runtime_error& e) {
      problems.push_back("attribute " + std::string(e.what()));
    }
  }
  if (sawl > 0 && sawl + 1 != matrix.rows())
    problems.push_back(fmt::format("SAWL {} needs {} rows, there are {}", sawl, sawl + 1, matrix.rows()));
  ErrorModel model;
  try {
    model = model_of_matrix(matrix, description, path);
  } catch (const std::runtime_error& e) {
    problems.emplace_back(e.what());
  }
  if (!problems.empty()) throw std::runtime_error(fmt::format("{}: {}", path, fmt::join(problems, "; ")));
  return model;
}

}  // namespace

std::string ModelKey::point_path() const { return fmt::format("/points/{}/sawl{}/{}", cell, sawl, corner); }

std::string ModelKey::model_path() const {
  return fmt::format("/error_models/{}/sawl{}/{}/{}", cell, sawl, adc, corner);
}

void write_error_model(H5::H5File& file, const ModelKey& key, const ErrorModel& model) {
  const std::string path = key.model_path() + "/confusion";
  write_matrix(file, path, model.confusion);
  const auto number = [&](const char* name, double value) { write_attribute(file, path, name, value); };
  const auto numbers = [&](const char* name, const std::vector<double>& values) {
    write_attribute(file, path, name, values);
  };
  numbers("reconstruct", model.reconstruct);
  numbers("thresholds", model.thresholds);
  numbers("level_mean", model.level_mean);
  number("cell_sigma_step", model.frozen.cell_sigma);
  number("off_cell_sigma_step", model.frozen.off_cell_sigma);
  number("threshold_offset_sigma_step", model.frozen.threshold_offset_sigma);
  std::vector<double> offsets;
  offsets.reserve(model.thresholds.size());
  for (int c = 0; c < model.codes() - 1; ++c) offsets.push_back(model.frozen.offset_sigma(c));
  numbers("threshold_offset_sigmas_step", offsets);
  number("threshold_offset_common", model.frozen.common_offset ? 1 : 0);
  number("read_noise_sigma_step", model.per_read.noise_sigma);
  number("enob", model.enob);
  numbers("p_wrong", model.p_wrong);
  numbers("p_wrong_low", model.p_wrong_low);
  numbers("p_wrong_high", model.p_wrong_high);
  write_attribute(file, path, "frozen", model.frozen_text);
  write_attribute(file, path, "per_read", model.per_read_text);
  write_attribute(file, path, "status", model.status);
}

ErrorModel read_error_model(const H5::H5File& file, const ModelKey& key) {
  return read_error_model(file, key.model_path() + "/confusion", key.sawl);
}

ErrorModel read_error_model(const H5::H5File& file, const std::string& path, int sawl) {
  try {
    if (!exists(file, path))
      throw std::runtime_error(fmt::format("no {}; {}", path, listing(list_error_models(file))));
    ErrorModel model = read_model(file, path, sawl);
    read_estimates(file, path, model);
    return model;
  } catch (const H5::Exception& e) {
    throw FileError(fmt::format("{}: {}: {}", file.getFileName(), path, e.getDetailMsg()));
  } catch (const FileError&) {
    throw;  // names the file
  } catch (const std::runtime_error& e) {
    throw FileError(fmt::format("{}: {}", file.getFileName(), e.what()));
  }
}

std::vector<ModelKey> list_error_models(const H5::H5File& file) {
  const std::string root = "/error_models";
  std::vector<ModelKey> keys;
  try {
    if (!exists(file, root)) return keys;
    for (const std::string& cell : groups(file, root)) {
      for (const std::string& size : groups(file, root + "/" + cell)) {
        const std::string of_size = root + "/" + cell + "/" + size;
        const int sawl = parse_sawl(size);
        if (sawl == 0) continue;
        for (const std::string& adc : groups(file, of_size))
          for (const std::string& corner : groups(file, of_size + "/" + adc))
            keys.push_back({cell, sawl, adc, corner});
      }
    }
  } catch (const H5::Exception& e) {
    throw FileError(fmt::format("{}: {}: {}", file.getFileName(), root, e.getDetailMsg()));
  }
  return keys;
}

}  // namespace flare::engine
