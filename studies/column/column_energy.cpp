#include "studies/column/column_energy.hpp"

#include <fmt/format.h>

#include <numeric>

#include "studies/column/column_testbench.hpp"

namespace flare::studies {

namespace {

/// s: in so long the weakest precharge shipped has a bitline back within 1 % of a swing.
constexpr double recharge = 500e-12;

std::shared_ptr<engine::Testbench> energy_bench(const Study& study, const ColumnDesign& design, std::size_t p,
                                                int k) {
  const ColumnPoint& point = design.points[p];
  ColumnOptions options = column_options(study, point.sawl, k, point.corner);
  options.wordline_off = design.wordline_off[p];
  options.restore = recharge;
  return column_bench(study, options, fmt::format("{} k {} energy", point_name(study, point), k));
}

/// Of the measures of column_testbench.
ReadDraw draw_of(const Study& study, const Corner& corner, const engine::RunResult& run) {
  return {corner.supply.value(), -measured(run, 1), -study.column->setup.wordline_ratio * measured(run, 2),
          measured(run, 0)};
}

double gate_area(const LoadedCircuit& circuit) {
  return std::accumulate(circuit.areas.begin(), circuit.areas.end(), 0.0,
                         [](double sum, const auto& device) { return sum + device.second; });
}

void add_conversion(const ConverterStudy& converter, const std::string& corner, engine::ReadCost& cost) {
  if (!converter.measured) return;
  for (const analysis::AdcFigureRow& row : converter.measured->figures) {
    if (row.corner != corner) continue;
    cost.conversion_energy = row.energy;
    cost.conversion_time = row.time;
    cost.converter_area = row.area;
  }
}

}  // namespace

std::map<std::size_t, std::vector<ReadDraw>> read_energies(const StudyRun& run, const ColumnDesign& design,
                                                           const std::vector<LevelItem>& levels) {
  std::vector<engine::RunRequest> requests;
  requests.reserve(levels.size());
  for (const LevelItem& level : levels) {
    requests.push_back(
        {fmt::format("energy/{}/k{}", point_name(run.study, design.points[level.point]), level.k), 0,
         energy_bench(run.study, design, level.point, level.k), no_variation()});
  }
  const auto results = run.run("energy", requests);
  std::map<std::size_t, std::vector<ReadDraw>> energies;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const ColumnPoint& point = design.points[levels[i].point];
    std::vector<ReadDraw>& of_point = energies[levels[i].point];
    of_point.resize(static_cast<std::size_t>(point.sawl) + 1);
    of_point[static_cast<std::size_t>(levels[i].k)] = draw_of(run.study, point.corner, results[i].front());
  }
  return energies;
}

engine::ReadCost read_cost(const Study& study, const ColumnDesign& design, const ConvertedColumn& column,
                           const std::vector<ReadDraw>& energies) {
  const ColumnPoint& point = design.points[column.point];
  ColumnOptions options = column_options(study, point.sawl, point.sawl, point.corner);
  options.wordline_off = design.wordline_off[column.point];
  engine::ReadCost cost;
  for (const ReadDraw& draw : energies) cost.column_energy.push_back(draw.energy());
  cost.column_time = sense_time(options);
  const double area = gate_area(design.circuit_of(column.point));
  if (area > 0.0) cost.column_area = area;
  add_conversion(study.converters[column.converter], point.corner.name(), cost);
  return cost;
}

}  // namespace flare::studies
