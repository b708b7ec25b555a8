#include "studies/column/column_netlists.hpp"

#include <fmt/format.h>

#include "engine/simulate/netlist_text.hpp"
#include "studies/column/column_timing.hpp"

namespace flare::studies {

std::vector<NamedNetlist> level_netlists(const Study& study, engine::Evaluator& evaluator) {
  std::vector<NamedNetlist> netlists;
  for (const int sawl : study.column->sawl) {
    const ColumnPoint point{sawl, study.nominal};
    const double off = find_pulse(study, point, evaluator);
    for (int k = 0; k <= sawl; ++k) {
      netlists.push_back({fmt::format("{}_sawl{}_k{}", study.column->setup.cell.name, sawl, k),
                          engine::netlist_text(*level_testbench(study, point, off, k, nullptr))});
    }
  }
  return netlists;
}

}  // namespace flare::studies
