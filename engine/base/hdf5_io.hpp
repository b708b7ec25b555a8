// HDF5 tables and attributes, readable with h5py, h5dump and any HDF5 tool. A table is a one-dimensional
// dataset of a compound type; attribute `units` holds one string per column ("" for a column without a unit).
// Reading is bounded: files come from elsewhere.
#pragma once

#include <H5Cpp.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "engine/base/file_error.hpp"
#include "engine/base/matrix.hpp"

namespace flare::engine {

using ColumnValues = std::variant<std::vector<double>, std::vector<std::int64_t>, std::vector<std::string>>;

struct Column {
  std::string name;
  std::string unit;  // "" where it has none
  ColumnValues values;
};

struct Table {
  std::vector<Column> columns;

  std::size_t rows() const;
  bool has(const std::string& column) const;
  // Throw FileError where the column is absent or of another type.
  const std::vector<double>& numbers(const std::string& column) const;
  const std::vector<std::int64_t>& integers(const std::string& column) const;
  const std::vector<std::string>& texts(const std::string& column) const;

  Table& add(std::string name, std::string unit, ColumnValues values);
};

/// A column of a table: what `get` gives for each row, as whole numbers, numbers or texts.
template <class Rows, class Get>
ColumnValues column_of(const Rows& rows, const Get& get) {
  using Value = std::decay_t<decltype(get(*rows.begin()))>;
  using Kept = std::conditional_t<std::is_integral_v<Value>, std::int64_t,
                                  std::conditional_t<std::is_floating_point_v<Value>, double, std::string>>;
  std::vector<Kept> values;
  values.reserve(rows.size());
  for (const auto& row : rows) values.push_back(static_cast<Kept>(get(row)));
  return values;
}

struct ColumnHead {
  std::string name;
  std::string unit;  // "" where it has none
};

/// A table filled row by row; Values: double, std::int64_t or std::string, one a column.
template <class... Values>
class TableRows {
 public:
  explicit TableRows(std::array<ColumnHead, sizeof...(Values)> heads) : heads_(std::move(heads)) {}

  void add(Values... values) {
    std::apply([&](auto&... column) { (column.push_back(std::move(values)), ...); }, columns_);
  }
  bool empty() const { return std::get<0>(columns_).empty(); }
  Table table() && {
    Table table;
    std::size_t c = 0;
    std::apply(
        [&](auto&... column) {
          (
              [&] {
                table.add(std::move(heads_[c].name), std::move(heads_[c].unit), std::move(column));
                ++c;
              }(),
              ...);
        },
        columns_);
    return table;
  }

 private:
  std::array<ColumnHead, sizeof...(Values)> heads_;
  std::tuple<std::vector<Values>...> columns_;
};

struct ReadLimits {
  std::size_t max_elements = 200'000'000;
  std::size_t max_text = 16u << 20;  // bytes of one string
};

/// Creates the groups on the way to `path` as needed.
void write_table(H5::H5File& file, const std::string& path, const Table& table);
Table read_table(const H5::H5File& file, const std::string& path, const ReadLimits& limits = {});

void write_matrix(H5::H5File& file, const std::string& path, const Matrix& matrix,
                  const std::string& unit = "");
Matrix read_matrix(const H5::H5File& file, const std::string& path, const ReadLimits& limits = {});

// Attributes of a group, dataset or the file itself (path "/").
void write_attribute(H5::H5File& file, const std::string& path, const std::string& name,
                     const std::string& text);
void write_attribute(H5::H5File& file, const std::string& path, const std::string& name, double number);
void write_attribute(H5::H5File& file, const std::string& path, const std::string& name, std::int64_t number);
void write_attribute(H5::H5File& file, const std::string& path, const std::string& name,
                     const std::vector<std::string>& texts);
void write_attribute(H5::H5File& file, const std::string& path, const std::string& name,
                     const std::vector<double>& numbers);
bool has_attribute(const H5::H5File& file, const std::string& path, const std::string& name);
std::string read_text(const H5::H5File& file, const std::string& path, const std::string& name);
double read_number(const H5::H5File& file, const std::string& path, const std::string& name);
std::int64_t read_integer(const H5::H5File& file, const std::string& path, const std::string& name);
std::vector<double> read_numbers(const H5::H5File& file, const std::string& path, const std::string& name);
std::vector<std::string> read_texts(const H5::H5File& file, const std::string& path, const std::string& name);

bool exists(const H5::H5File& file, const std::string& path);
/// Names of the members of a group, sorted.
std::vector<std::string> members(const H5::H5File& file, const std::string& path);

/// Opens for reading, once probe_hdf5 has nothing against it; throws FileError for a missing, damaged or foreign file.
H5::H5File open_result(const std::filesystem::path& file);

}  // namespace flare::engine
