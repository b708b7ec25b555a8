// Result files of commands that need no journal: put together in memory, written as OUT.part, renamed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include <type_traits>
#include <vector>

#include "engine/hdf5_io.hpp"

namespace flare::studies {

/// A column of a table: what `get` gives for each row, as whole numbers, numbers or texts.
template <class Rows, class Get>
engine::ColumnValues column_of(const Rows& rows, const Get& get) {
  using Value = std::decay_t<decltype(get(*rows.begin()))>;
  using Kept = std::conditional_t<std::is_integral_v<Value>, std::int64_t,
                                  std::conditional_t<std::is_floating_point_v<Value>, double, std::string>>;
  std::vector<Kept> values;
  values.reserve(rows.size());
  for (const auto& row : rows) values.push_back(static_cast<Kept>(get(row)));
  return values;
}

/// Throws StudyError where `out` lies in a folder that does not exist or cannot be written, or is a folder
/// itself: to be asked before work that would be lost.
void check_place(const std::filesystem::path& out);

/// Writes `out` with the root attributes `format` and `flare_version` and what `write` adds. Nothing half-written
/// ever has the name `out`. Throws std::runtime_error "file: what went wrong".
void write_table_file(const std::filesystem::path& out, const std::string& format,
                      const std::function<void(H5::H5File&)>& write);

}  // namespace flare::studies
