#include "studies/column/column_cells.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace flare::studies {

namespace {

bool named(const std::vector<std::string>& names, const std::string& name) {
  return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

Study with_column(const Study& study, const ColumnStudy& column) {
  Study one = study;
  one.columns.clear();
  one.column = column;
  std::erase_if(one.devices,
                [&](const DeviceVariation& v) { return !named(v.cells, column.setup.cell.name); });
  std::erase_if(one.converters, [&](const ConverterStudy& c) { return !named(column.converters, c.name); });
  return one;
}

}  // namespace

std::vector<Study> single_columns(const Study& study) {
  if (study.columns.empty()) return {with_column(study, study.column.value())};
  std::vector<Study> all;
  for (const ColumnStudy& column : study.columns) all.push_back(with_column(study, column));
  return all;
}

Study column_of_group(const Study& study, const std::string& group) {
  for (Study& one : single_columns(study)) {
    for (const int sawl : one.column->sawl) {
      if (group.starts_with(fmt::format("/points/{}/sawl{}/", one.column->setup.cell.name, sawl)))
        return std::move(one);
    }
  }
  throw StudyError(group + ": is not a group of samples of a column of the study");
}

std::vector<StudiedColumn> run_columns(const StudyRun& run) {
  std::vector<StudiedColumn> columns;
  for (Study& study : single_columns(run.study)) columns.push_back({std::move(study), {}});
  const auto run_of = [&](const StudiedColumn& column) {
    return StudyRun{column.study, run.evaluator, run.store, run.progress, run.stop, run.shard};
  };
  for (StudiedColumn& column : columns) column.result = screen_column(run_of(column));
  for (StudiedColumn& column : columns) estimate_column(run_of(column), column.result);
  return columns;
}

}  // namespace flare::studies
