#include "studies/cli/study_work.hpp"

#include <fmt/format.h>

#include "studies/circuit/circuit_study.hpp"
#include "studies/column/column_cells.hpp"
#include "studies/sweep/sweep_study.hpp"

namespace flare::studies {

std::vector<std::string> work_lines(const Study& study, engine::Evaluator& evaluator, int cores) {
  std::vector<std::string> lines;
  if (!study.sweep.empty())
    lines.push_back(fmt::format("sweep     of {} points; what follows is the study without it",
                                sweep_points(study.sweep)));
  const auto add = [&](const WorkEstimate& work) {
    for (std::string& line : describe(work, cores)) lines.push_back(std::move(line));
  };
  if (study.circuit) {
    add(plan_circuit_study(study, evaluator).work);
  } else if (study.column) {
    for (const Study& column : single_columns(study)) {
      if (!study.columns.empty()) lines.push_back("column    " + column.column->setup.cell.name);
      add(plan_column_study(column, evaluator).work);
    }
  }
  return lines;
}

}  // namespace flare::studies
