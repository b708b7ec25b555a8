#include "engine/base/read_cost.hpp"

#include <fmt/format.h>

#include "engine/base/file_error.hpp"
#include "engine/base/hdf5_io.hpp"

namespace flare::engine {

namespace {

struct Field {
  const char* name;
  double ReadCost::*value;
};
constexpr Field fields[] = {{"column_time", &ReadCost::column_time},
                            {"column_area", &ReadCost::column_area},
                            {"conversion_energy", &ReadCost::conversion_energy},
                            {"conversion_time", &ReadCost::conversion_time},
                            {"converter_area", &ReadCost::converter_area}};

std::string path_of(const ModelKey& key) { return key.model_path() + "/confusion"; }

}  // namespace

void write_read_cost(H5::H5File& file, const ModelKey& key, const ReadCost& cost) {
  const std::string path = path_of(key);
  write_attribute(file, path, "column_energy", cost.column_energy);
  for (const Field& field : fields) write_attribute(file, path, field.name, cost.*field.value);
}

std::optional<ReadCost> read_read_cost(const H5::H5File& file, const ModelKey& key) {
  const std::string path = path_of(key);
  if (!exists(file, path) || !has_attribute(file, path, "column_energy")) return std::nullopt;
  ReadCost cost;
  cost.column_energy = read_numbers(file, path, "column_energy");
  if (cost.column_energy.size() != static_cast<std::size_t>(key.sawl) + 1) {
    throw FileError(fmt::format("{}: {}: column_energy has {} values, {} are needed", file.getFileName(),
                                path, cost.column_energy.size(), key.sawl + 1));
  }
  for (const Field& field : fields) {
    if (has_attribute(file, path, field.name)) cost.*field.value = read_number(file, path, field.name);
  }
  return cost;
}

}  // namespace flare::engine
