#include "studies/cost/column_energy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "studies/column/column_testbench.hpp"

namespace flare::studies {

namespace {

constexpr double restore_time =
    500e-12;  // s; the shipped precharge has the bitline back within a fifth of it

engine::RunRequest request_of(const Study& study, const ColumnPoint& point, double wordline_off, int k) {
  ColumnOptions options = column_options(study, point.sawl, k, point.corner);
  options.wordline_off = wordline_off;
  options.restore = restore_time;
  const std::string name = fmt::format("{} read energy k {}", point_name(study, point), k);
  return {"read_energy/" + name, 0, column_bench(study, options, name), no_variation()};
}

/// The measure called `name` of a run without variation.
double value_of(const engine::RunRequest& request, const engine::RunResult& result, std::string_view name) {
  const std::vector<engine::Measure>& measures = request.testbench->measures;
  const auto at =
      std::find_if(measures.begin(), measures.end(), [&](const auto& m) { return m.name == name; });
  const double value =
      at == measures.end() ? NAN : measured(result, static_cast<std::size_t>(at - measures.begin()));
  if (std::isnan(value))
    throw std::runtime_error(fmt::format("{}: no {} without any variation; the energy of a read is not known",
                                         request.testbench->name, name));
  return value;
}

}  // namespace

std::vector<analysis::ReadEnergyRow> measure_read_energy(const StudyRun& run, const ColumnPoint& point,
                                                         double wordline_off) {
  std::vector<engine::RunRequest> requests;
  for (int k = 0; k <= point.sawl; ++k) requests.push_back(request_of(run.study, point, wordline_off, k));
  const auto results = run.run("energy of reads", requests);
  std::vector<analysis::ReadEnergyRow> rows;
  const double supply = point.corner.supply.value();
  double full = 0;  // level without on-cells
  for (std::size_t k = 0; k < requests.size(); ++k) {
    const auto of = [&](std::string_view name) { return value_of(requests[k], results[k].front(), name); };
    if (k == 0) full = of(level_measure);
    rows.push_back({static_cast<int>(k), -supply * of("supply_charge"), -supply * of("wordline_charge"),
                    full - of(level_measure)});
  }
  return rows;
}

}  // namespace flare::studies
