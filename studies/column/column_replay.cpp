#include "studies/column/column_replay.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "analysis/results/screening_table.hpp"
#include "studies/column/column_die.hpp"
#include "studies/column/column_testbench.hpp"

namespace flare::studies {

namespace {

/// The column of a sample that was read with the word-line pulse of its die: the level is what was simulated there.
engine::Testbench bench_of_die(const Study& study, const H5::H5File& file, const std::string& group,
                               Eigen::Index row, const ColumnPoint& point, int k,
                               const LoadedCircuit& loaded) {
  const engine::Matrix measures = engine::read_matrix(file, group + "/measures");
  const Eigen::Index column = column_of_measure(file, group, wordline_off_measure);
  const double off = column < measures.cols() && row < measures.rows() ? measures(row, column) : NAN;
  if (!std::isfinite(off)) {
    throw StudyError(fmt::format("{}: {}: the die of this sample has no word-line pulse to replay it with",
                                 file.getFileName(), group));
  }
  engine::Testbench bench = *level_testbench(study, point, off, k, &loaded);
  bench.measures.front().name = simulated_level_measure;
  return bench;
}

}  // namespace

Eigen::Index column_of_measure(const H5::H5File& file, const std::string& group, std::string_view name) {
  const std::vector<std::string> names = engine::read_texts(file, group + "/measures", "names");
  return std::find(names.begin(), names.end(), name) - names.begin();
}

engine::Testbench column_replay_testbench(const Study& study, const H5::H5File& file,
                                          const std::string& group, Eigen::Index row,
                                          engine::Evaluator& evaluator) {
  const std::vector<analysis::ScreeningRow> screening = analysis::read_screening(file);
  for (const ColumnPoint& point : column_points(study)) {
    const std::string prefix = "/points/" + point_name(study, point) + "/";
    const std::size_t name = group.rfind("/k");
    if (!group.starts_with(prefix) || name == std::string::npos) continue;
    for (const analysis::ScreeningRow& screened : screening) {
      if (screened.cell != study.column->setup.cell.name || screened.sawl != point.sawl ||
          screened.corner != point.corner.name())
        continue;
      const int k = std::atoi(group.c_str() + name + 2);  // "k5" or "k5_down"
      const LoadedCircuit loaded = column_circuit(study, point.sawl, evaluator);
      if (follows_die(study)) return bench_of_die(study, file, group, row, point, k, loaded);
      return *level_testbench(study, point, screened.wordline_off, k, &loaded);
    }
  }
  throw StudyError(fmt::format("{}: {} is not a group of samples of a level", file.getFileName(), group));
}

}  // namespace flare::studies
