// The columns of a table, said once for writing and for reading: each row of the file is a value of a type of ours.
//
//   const RowTable<Sample>& sample_table() {
//     static const auto table = RowTable<Sample>().column("k", "", [](auto& s) -> auto& { return s.k; })...;
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine/base/hdf5_io.hpp"

namespace flare::engine {

template <class Row>
class RowTable {
 public:
  using Write = std::function<void(const std::vector<Row>&, Table&)>;
  using Read = std::function<void(const Table&, std::vector<Row>&)>;

  /// `value`: from a row, const or not, to a reference to what the column holds: a number, a whole number, a bool (0, 1),
  /// a text, or an enum with to_string(value) and read_word(text, value&) beside it. `since`: in files of earlier versions
  /// the column may be absent, together with the one called so; the row keeps its default.
  template <class Value>
  RowTable& column(const std::string& name, const std::string& unit, Value value,
                   const std::string& since = "") {
    return part(
        [=](const std::vector<Row>& rows, Table& table) {
          table.add(name, unit, column_of(rows, [&](const Row& row) { return stored(value(row)); }));
        },
        [=](const Table& table, std::vector<Row>& rows) {
          if (!since.empty() && !table.has(since)) return;
          for (std::size_t i = 0; i < rows.size(); ++i) take(table, name, i, value(rows[i]));
        });
  }

  /// The same of a member of the row.
  template <class Value, class Owner>
  RowTable& column(const std::string& name, const std::string& unit, Value Owner::*member,
                   const std::string& since = "") {
    return column(
        name, unit, [member](auto& row) -> auto& { return row.*member; }, since);
  }

  /// Columns that belong together and are written and read by functions of their own.
  RowTable& part(Write write, Read read) {
    parts_.push_back({std::move(write), std::move(read)});
    return *this;
  }

  Table table(const std::vector<Row>& rows) const {
    Table table;
    for (const Part& part : parts_) part.write(rows, table);
    return table;
  }

  /// Throws FileError for a column that is absent, of another type, or holds what the row cannot.
  std::vector<Row> rows(const Table& table) const {
    std::vector<Row> rows(table.rows());
    for (const Part& part : parts_) part.read(table, rows);
    return rows;
  }

 private:
  struct Part {
    Write write;
    Read read;
  };

  template <class T>
  static auto stored(const T& value) {
    if constexpr (std::is_enum_v<T>) {
      return std::string(to_string(value));
    } else {
      return value;
    }
  }

  template <class T>
  static void take(const Table& table, const std::string& name, std::size_t row, T& value) {
    if constexpr (std::is_enum_v<T>) {
      read_word(table.texts(name)[row], value);
    } else if constexpr (std::is_same_v<T, bool>) {
      value = table.integers(name)[row] != 0;
    } else if constexpr (std::is_integral_v<T>) {
      const std::int64_t read = table.integers(name)[row];
      if (!std::in_range<T>(read))
        throw FileError(fmt::format("column {} holds {}, out of range; the file is damaged", name, read));
      value = static_cast<T>(read);
    } else if constexpr (std::is_floating_point_v<T>) {
      value = table.numbers(name)[row];
    } else {
      value = table.texts(name)[row];
    }
  }

  std::vector<Part> parts_;
};

}  // namespace flare::engine
