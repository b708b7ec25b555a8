#include "analysis/report/report_figures.hpp"

#include <fmt/format.h>

#include <set>
#include <utility>

#include "analysis/report/figure_map.hpp"
#include "analysis/report/figure_parts.hpp"
#include "analysis/report/report_gain_cell.hpp"

namespace flare::analysis {

namespace {

/// What is measured of a circuit, each once: at the worst corner of a spec that asks for it, else of the one that limits.
std::vector<const ReportMeasure*> drawn_measures(const ReportData& data) {
  const auto worst_corner = [&](const std::string& name) {
    std::string corner;
    for (const SpecRow& spec : data.specs) {
      if (spec.measure == name) return spec.corner;
      if (spec.limiting || corner.empty()) corner = spec.corner;
    }
    for (const LimitRow& row : data.limits) {
      if (row.measure == name && row.worst) return row.corner;
      if (corner.empty() && row.worst) corner = row.corner;
    }
    return corner;
  };
  std::vector<const ReportMeasure*> drawn;
  for (const ReportMeasure& measure : data.measures) {
    const std::string corner = worst_corner(measure.name);
    if (corner.empty() || measure.corner == corner) drawn.push_back(&measure);
  }
  return drawn;
}

void add_column_figures(const ReportData& data, std::vector<ReportFigure>& figures) {
  std::set<std::pair<std::string, int>> levels;
  for (const VerdictRow& row : data.verdict) {
    const ReportPoint* point = data.point(row.key);
    const ReportModel* model = data.model(row.key);
    if (model != nullptr) figures.push_back(confusion_figure(*model));
    if (point == nullptr || model == nullptr || !levels.insert({row.key.cell, row.key.sawl}).second) continue;
    figures.push_back(level_figure(*point, *model));
    figures.back().word = "levels";
    for (const VerdictRow& other : data.verdict) {
      if (other.key.cell == row.key.cell && other.key.sawl == row.key.sawl)
        figures.back().rows.push_back(verdict_row_id(other.key));
    }
  }
}

}  // namespace

std::string verdict_row_id(const ModelKey& key) {
  return "row_" + figure_name(fmt::format("{}_{}_{}", key.cell, key.sawl, key.adc));
}

std::vector<ReportFigure> draw_report_figures(const ReportData& data) {
  std::vector<ReportFigure> figures;
  if (!data.verdict.empty()) figures.push_back(error_figure(data));
  for (const std::string& cell : distinct(data.verdict, [](const VerdictRow& r) { return r.key.cell; }))
    figures.push_back(enob_figure(data, cell));
  for (ReportFigure& figure : sweep_figures(data)) figures.push_back(std::move(figure));
  for (ReportFigure& figure : map_figures(data)) figures.push_back(std::move(figure));
  std::set<std::pair<std::string, std::string>> drawn;
  for (const ReportModel& model : data.models) {
    if (drawn.insert({model.key.cell, model.key.adc}).second)
      figures.push_back(corner_figure(data, model.key.cell, model.key.adc));
  }
  for (const ReportMeasure* measure : drawn_measures(data)) figures.push_back(measure_figure(data, *measure));
  for (const ReportCarriers& carriers : data.carriers) figures.push_back(carriers_figure(carriers));
  for (const ReportTornado& tornado : data.tornados) figures.push_back(tornado_figure(tornado));
  figures.push_back(convergence_figure(data));
  if (!data.accuracy.empty()) figures.push_back(accuracy_figure(data));
  figures.push_back(error_rate_figure(data));
  for (ReportFigure& figure : gain_cell_figures(data.gain_cells)) figures.push_back(std::move(figure));
  add_column_figures(data, figures);
  std::erase_if(figures, [](const ReportFigure& figure) { return figure.svg.empty(); });
  return figures;
}

}  // namespace flare::analysis
