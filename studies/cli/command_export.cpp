#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "engine/base/hdf5_io.hpp"
#include "engine/base/text_output.hpp"
#include "studies/cli/commands.hpp"
#include "studies/cli/result_commands.hpp"

namespace flare::studies {

namespace {

using engine::Column;
using engine::Table;

bool is_group(const H5::H5File& file, const std::string& path) {
  return path == "/" || file.childObjType(path) == H5O_TYPE_GROUP;
}

/// Paths of all datasets below a group, sorted.
void list_datasets(const H5::H5File& file, const std::string& path, std::vector<std::string>& found) {
  for (const std::string& name : engine::members(file, path)) {
    const std::string full = (path == "/" ? "" : path) + "/" + name;
    if (is_group(file, full)) {
      list_datasets(file, full, found);
    } else {
      found.push_back(full.substr(1));
    }
  }
}

/// A matrix as a table: its columns are called as its attribute says, else c0, c1, ...
Table matrix_table(const H5::H5File& file, const std::string& path) {
  const engine::Matrix matrix = engine::read_matrix(file, path);
  std::vector<std::string> names;
  if (engine::has_attribute(file, path, "names")) names = engine::read_texts(file, path, "names");
  Table table;
  for (Eigen::Index c = 0; c < matrix.cols(); ++c) {
    std::vector<double> values(static_cast<std::size_t>(matrix.rows()));
    for (Eigen::Index r = 0; r < matrix.rows(); ++r) values[static_cast<std::size_t>(r)] = matrix(r, c);
    const auto i = static_cast<std::size_t>(c);
    table.add(i < names.size() ? names[i] : fmt::format("c{}", c), "", std::move(values));
  }
  return table;
}

Table any_table(const H5::H5File& file, const std::string& path) {
  const bool compound = file.openDataSet(path).getTypeClass() == H5T_COMPOUND;
  return compound ? engine::read_table(file, path) : matrix_table(file, path);
}

std::string csv_text(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string quoted(1, '"');
  for (const char c : text) {
    quoted += c;
    if (c == '"') quoted += c;
  }
  return quoted + '"';
}

/// Numbers as the shortest text that gives them back; what is not a number stays empty.
std::string csv_cell(const Column& column, std::size_t row) {
  if (const auto* numbers = std::get_if<std::vector<double>>(&column.values))
    return std::isnan((*numbers)[row]) ? std::string() : fmt::format("{}", (*numbers)[row]);
  if (const auto* whole = std::get_if<std::vector<std::int64_t>>(&column.values))
    return fmt::format("{}", (*whole)[row]);
  return csv_text(std::get<std::vector<std::string>>(column.values)[row]);
}

void write_csv(const Table& table, std::ostream& out) {
  std::vector<std::string> line;
  for (const Column& column : table.columns) line.push_back(csv_text(column.name));
  out << fmt::format("{}\n", fmt::join(line, ","));
  for (std::size_t r = 0; r < table.rows(); ++r) {
    line.clear();
    for (const Column& column : table.columns) line.push_back(csv_cell(column, r));
    out << fmt::format("{}\n", fmt::join(line, ","));
  }
}

nlohmann::ordered_json json_cell(const Column& column, std::size_t row) {
  if (const auto* numbers = std::get_if<std::vector<double>>(&column.values)) {
    const double value = (*numbers)[row];
    if (!std::isfinite(value)) return nullptr;
    return value;
  }
  if (const auto* whole = std::get_if<std::vector<std::int64_t>>(&column.values)) return (*whole)[row];
  return std::get<std::vector<std::string>>(column.values)[row];
}

void write_json(const Table& table, const std::string& path, std::ostream& out) {
  nlohmann::ordered_json json{{"table", path}, {"units", nlohmann::ordered_json::object()}};
  for (const Column& column : table.columns) json["units"][column.name] = column.unit;
  json["rows"] = nlohmann::ordered_json::array();
  for (std::size_t r = 0; r < table.rows(); ++r) {
    nlohmann::ordered_json row = nlohmann::ordered_json::object();
    for (const Column& column : table.columns) row[column.name] = json_cell(column, r);
    json["rows"].push_back(std::move(row));
  }
  out << json.dump(1) << '\n';
}

void write(const ExportCommand& command, const Table& table, std::ostream& out) {
  if (command.json) {
    write_json(table, command.table, out);
  } else {
    write_csv(table, out);
  }
}

}  // namespace

int export_command(const ExportCommand& command) {
  const H5::H5File file = engine::open_result(command.result);
  std::vector<std::string> paths;
  list_datasets(file, "/", paths);
  if (command.table.empty()) {
    for (const std::string& path : paths) fmt::print("{}\n", path);
    return exit_done;
  }
  const std::string path = command.table.starts_with('/') ? command.table.substr(1) : command.table;
  if (std::find(paths.begin(), paths.end(), path) == paths.end()) {
    const std::string close = nearest(path, paths);
    throw StudyError(
        fmt::format("{}: has no table '{}'; {}", command.result.string(), command.table,
                    close.empty() ? "flare export without one lists them" : "did you mean '" + close + "'?"));
  }
  const Table table = any_table(file, "/" + path);
  if (command.out.empty()) {
    write(command, table, std::cout);
    return exit_done;
  }
  std::ostringstream text;
  write(command, table, text);
  // The heads of a CSV, the name of a table in JSON.
  const std::string mark = command.json
                               ? fmt::format("{{\n \"table\": {}", nlohmann::json(command.table).dump())
                               : engine::first_line(text.str());
  engine::write_text({command.out, text.str(), mark});
  return exit_done;
}

}  // namespace flare::studies
