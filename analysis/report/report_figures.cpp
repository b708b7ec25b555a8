#include "analysis/report/report_figures.hpp"

#include <set>
#include <utility>

#include "analysis/report/figure_map.hpp"
#include "analysis/report/report_gain_cell.hpp"

namespace flare::analysis {

std::vector<ReportFigure> draw_report_figures(const ReportData& data) {
  std::vector<ReportFigure> figures;
  const auto add = [&](ReportFigure figure) {
    if (!figure.svg.empty()) figures.push_back(std::move(figure));
  };
  if (!data.verdict.empty()) add(error_figure(data));
  for (ReportFigure& figure : sweep_figures(data)) add(std::move(figure));
  for (ReportFigure& figure : map_figures(data)) add(std::move(figure));
  std::set<std::pair<std::string, std::string>> drawn;
  for (const ReportModel& model : data.models) {
    if (drawn.insert({model.key.cell, model.key.adc}).second)
      add(corner_figure(data, model.key.cell, model.key.adc));
  }
  for (const ReportCarriers& carriers : data.carriers) add(carriers_figure(carriers));
  for (const ReportTornado& tornado : data.tornados) add(tornado_figure(tornado));
  if (!data.accuracy.empty()) add(accuracy_figure(data));
  for (ReportFigure& figure : gain_cell_figures(data.gain_cells)) add(std::move(figure));
  std::set<std::pair<std::string, int>> levels;
  for (const VerdictRow& row : data.verdict) {
    const ReportPoint* point = data.point(row.key);
    const ReportModel* model = data.model(row.key);
    if (point == nullptr || model == nullptr || !levels.insert({row.key.cell, row.key.sawl}).second) continue;
    add(level_figure(*point, *model));
  }
  return figures;
}

}  // namespace flare::analysis
