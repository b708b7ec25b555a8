#include "flare_arch/error_model_file.hpp"

#include <H5Cpp.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>

#include "engine/base/file_error.hpp"
#include "flare_arch/measured_model.hpp"

namespace flare::arch {
namespace {

constexpr hsize_t most_levels = 65, most_codes = 1024, most_members = 10'000;
constexpr std::size_t longest_text = 1 << 16;

H5::H5File open(const std::filesystem::path& file) {
  H5::Exception::dontPrint();
  try {
    return H5::H5File(file.string(), H5F_ACC_RDONLY);
  } catch (const H5::Exception&) {
    throw engine::FileError(file.string() + ": cannot be opened as an HDF5 file");
  }
}

/// Attributes that a matrix may have beside the keys of a description: what a study adds, and what HDF5's own
/// conventions and tools do.
constexpr std::array<const char*, 12> other_attributes = {
    "enob",    "p_wrong", "p_wrong_low", "p_wrong_high",     "units",          "CLASS",
    "VERSION", "TITLE",   "FLAVOR",      "DIMENSION_LABELS", "DIMENSION_LIST", "_FillValue"};

std::string read_numbers(const H5::Attribute& attribute) {
  const hssize_t count = attribute.getSpace().getSimpleExtentNpoints();
  if (count < 0 || count > static_cast<hssize_t>(most_codes))
    throw std::runtime_error(fmt::format("{} values, at most {} make sense", count, most_codes));
  std::vector<double> values(static_cast<std::size_t>(count));
  if (count > 0) attribute.read(H5::PredType::NATIVE_DOUBLE, values.data());
  return fmt::format("{}", fmt::join(values, ", "));  // every double comes back from its text
}

std::string read_text(const H5::Attribute& attribute) {
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
      return read_text(attribute);
    case H5T_FLOAT:
    case H5T_INTEGER:
    case H5T_ENUM:  // h5py's bool
      return read_numbers(attribute);
    default:
      throw std::runtime_error("neither a number nor a text");
  }
}

MatrixD read_confusion(const H5::DataSet& set) {
  const H5::DataSpace space = set.getSpace();
  const H5T_class_t type = set.getTypeClass();
  if (space.getSimpleExtentNdims() != 2 || (type != H5T_FLOAT && type != H5T_INTEGER))
    throw std::runtime_error("the confusion matrix must have two dimensions and hold numbers");
  hsize_t shape[2] = {};
  space.getSimpleExtentDims(shape);
  if (shape[0] < 2 || shape[0] > most_levels || shape[1] < 1 || shape[1] > most_codes)
    throw std::runtime_error(fmt::format("the confusion matrix has shape {} x {}; at most {} x {} make sense",
                                         shape[0], shape[1], most_levels, most_codes));
  MatrixD matrix(static_cast<Eigen::Index>(shape[0]), static_cast<Eigen::Index>(shape[1]));
  set.read(matrix.data(), H5::PredType::NATIVE_DOUBLE);
  return matrix;
}

std::vector<std::string> members(const H5::Group& group) {
  std::vector<std::string> names;
  const hsize_t count = group.getNumObjs();
  for (hsize_t i = 0; i < count && i < most_members; ++i)
    if (group.getObjTypeByIdx(i) == H5G_GROUP) names.push_back(group.getObjnameByIdx(i));
  return names;
}

int parse_sawl(const std::string& name) {
  int sawl = 0;
  if (name.rfind("sawl", 0) != 0) return 0;
  const auto [end, failed] = std::from_chars(name.data() + 4, name.data() + name.size(), sawl);
  return failed == std::errc() && end == name.data() + name.size() ? sawl : 0;
}

std::vector<ErrorModelKey> list(const H5::H5File& file) {
  std::vector<ErrorModelKey> keys;
  if (!file.nameExists("error_models")) return keys;
  const H5::Group models = file.openGroup("error_models");
  for (const std::string& cell : members(models)) {
    const H5::Group cell_group = models.openGroup(cell);
    for (const std::string& size : members(cell_group)) {
      const int sawl = parse_sawl(size);
      if (sawl == 0) continue;
      const H5::Group size_group = cell_group.openGroup(size);
      for (const std::string& adc : members(size_group)) {
        const H5::Group adc_group = size_group.openGroup(adc);
        for (const std::string& corner : members(adc_group)) keys.push_back({cell, sawl, adc, corner});
      }
    }
  }
  return keys;
}

std::string listing(const std::vector<ErrorModelKey>& keys) {
  if (keys.empty()) return "the file holds no error models";
  std::string text = "the file holds";
  for (std::size_t i = 0; i < keys.size() && i < 20; ++i)
    text += fmt::format("{} {}/sawl{}/{}/{}", i == 0 ? "" : ",", keys[i].cell, keys[i].sawl, keys[i].adc,
                        keys[i].corner);
  return text + (keys.size() > 20 ? " and more" : "");
}

bool holds(const H5::H5File& file, const std::string& path) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    if (!file.nameExists(path.substr(0, slash))) return false;
    if (slash == std::string::npos) return true;
  }
}

/// Everything that is wrong, at once.
ErrorModel read_model(const H5::DataSet& set, const std::string& path, int sawl) {
  const MatrixD matrix = read_confusion(set);
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

ErrorModel load_error_model(const std::filesystem::path& path, const std::string& cell, int sawl,
                            const std::string& adc, const std::string& corner) {
  return load_error_model(
      path, fmt::format("/error_models/{}/sawl{}/{}/{}/confusion", cell, sawl, adc, corner), sawl);
}

ErrorModel load_error_model(const std::filesystem::path& path, const std::string& set, int sawl) {
  const H5::H5File file = open(path);
  try {
    if (!holds(file, set)) throw std::runtime_error(fmt::format("no {}; {}", set, listing(list(file))));
    if (file.childObjType(set) != H5O_TYPE_DATASET)
      throw std::runtime_error(set + " is not a matrix but a group");
    return read_model(file.openDataSet(set), set, sawl);
  } catch (const H5::Exception& e) {
    throw engine::FileError(fmt::format("{}: {}: {}", path.string(), set, e.getDetailMsg()));
  } catch (const std::runtime_error& e) {
    throw engine::FileError(fmt::format("{}: {}", path.string(), e.what()));
  }
}

std::vector<ErrorModelKey> list_error_models(const std::filesystem::path& path) {
  const H5::H5File file = open(path);
  try {
    return list(file);
  } catch (const H5::Exception& e) {
    throw engine::FileError(fmt::format("{}: {}", path.string(), e.getDetailMsg()));
  }
}

}  // namespace flare::arch
