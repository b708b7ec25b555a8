#include "flare_arch/error_model_file.hpp"

#include <H5Cpp.h>
#include <fmt/format.h>

#include <charconv>
#include <stdexcept>

namespace flare::arch {
namespace {

constexpr hsize_t most_levels = 65, most_codes = 1024, most_members = 10'000;
constexpr std::size_t longest_text = 1 << 16;

H5::H5File open(const std::filesystem::path& file) {
  H5::Exception::dontPrint();
  try {
    return H5::H5File(file.string(), H5F_ACC_RDONLY);
  } catch (const H5::Exception&) {
    throw std::runtime_error(file.string() + ": cannot be opened as an HDF5 file");
  }
}

std::vector<double> read_numbers(const H5::DataSet& set, const char* name, std::size_t most) {
  if (!set.attrExists(name)) throw std::runtime_error(fmt::format("attribute '{}' is missing", name));
  const H5::Attribute attribute = set.openAttribute(name);
  const H5::DataSpace space = attribute.getSpace();
  const hssize_t count = space.getSimpleExtentNpoints();
  const H5T_class_t type = attribute.getTypeClass();
  if (type != H5T_FLOAT && type != H5T_INTEGER)
    throw std::runtime_error(fmt::format("attribute '{}' is not a number", name));
  if (count < 0 || static_cast<std::size_t>(count) > most)
    throw std::runtime_error(
        fmt::format("attribute '{}' has {} values, at most {} make sense", name, count, most));
  std::vector<double> values(static_cast<std::size_t>(count));
  if (count > 0) attribute.read(H5::PredType::NATIVE_DOUBLE, values.data());
  return values;
}

double read_number(const H5::DataSet& set, const char* name) {
  const std::vector<double> values = read_numbers(set, name, 1);
  if (values.size() != 1) throw std::runtime_error(fmt::format("attribute '{}' has no value", name));
  return values[0];
}

std::string read_text(const H5::DataSet& set, const char* name) {
  if (!set.attrExists(name)) return {};
  const H5::Attribute attribute = set.openAttribute(name);
  const H5::DataType type = attribute.getDataType();
  if (attribute.getTypeClass() != H5T_STRING || attribute.getSpace().getSimpleExtentNpoints() != 1)
    throw std::runtime_error(fmt::format("attribute '{}' is not a text", name));
  if (!type.isVariableStr() && type.getSize() > longest_text)
    throw std::runtime_error(fmt::format("attribute '{}' is too long", name));
  std::string text;
  attribute.read(attribute.getStrType(), text);
  if (text.size() > longest_text) throw std::runtime_error(fmt::format("attribute '{}' is too long", name));
  while (!text.empty() && text.back() == '\0') text.pop_back();
  return text;
}

MatrixD read_confusion(const H5::DataSet& set) {
  const H5::DataSpace space = set.getSpace();
  if (space.getSimpleExtentNdims() != 2 || set.getTypeClass() != H5T_FLOAT)
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

ErrorModel read_model(const H5::DataSet& set, const std::string& path, int sawl) {
  ErrorModel m;
  m.name = path;
  m.rows_per_read = sawl;
  m.confusion = read_confusion(set);
  m.reconstruct = read_numbers(set, "reconstruct", most_codes);
  m.thresholds = read_numbers(set, "thresholds", most_codes);
  m.level_mean = read_numbers(set, "level_mean", most_levels);
  m.frozen.cell_sigma = read_number(set, "cell_sigma_step");
  m.frozen.off_cell_sigma = read_number(set, "off_cell_sigma_step");
  m.frozen.threshold_offset_sigma = read_number(set, "threshold_offset_sigma_step");
  m.per_read.noise_sigma = read_number(set, "read_noise_sigma_step");
  m.frozen_text = read_text(set, "frozen");
  m.per_read_text = read_text(set, "per_read");
  m.status = read_text(set, "status");
  std::string error;
  if (!m.is_valid(&error)) throw std::runtime_error(error);
  return m;
}

}  // namespace

ErrorModel load_error_model(const std::filesystem::path& path, const std::string& cell, int sawl,
                            const std::string& adc, const std::string& corner) {
  const H5::H5File file = open(path);
  const std::string set = fmt::format("/error_models/{}/sawl{}/{}/{}/confusion", cell, sawl, adc, corner);
  try {
    if (!holds(file, set)) throw std::runtime_error(fmt::format("no {}; {}", set, listing(list(file))));
    return read_model(file.openDataSet(set), set, sawl);
  } catch (const H5::Exception& e) {
    throw std::runtime_error(fmt::format("{}: {}: {}", path.string(), set, e.getDetailMsg()));
  } catch (const std::runtime_error& e) {
    throw std::runtime_error(fmt::format("{}: {}", path.string(), e.what()));
  }
}

std::vector<ErrorModelKey> list_error_models(const std::filesystem::path& path) {
  const H5::H5File file = open(path);
  try {
    return list(file);
  } catch (const H5::Exception& e) {
    throw std::runtime_error(fmt::format("{}: {}", path.string(), e.getDetailMsg()));
  }
}

}  // namespace flare::arch
