#include "analysis/report/figure_map.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/report/figure_parts.hpp"
#include "analysis/verdict/verdict.hpp"

namespace flare::analysis {
namespace {

constexpr double most_sigma_drawn = 16.0;
constexpr double series_spread = 0.5;  // of a SAWL's place on the axis

std::vector<MapRow> rows_of(const ResultMap& map, const std::string& cell) {
  std::vector<MapRow> rows;
  std::copy_if(map.rows.begin(), map.rows.end(), std::back_inserter(rows),
               [&](const MapRow& row) { return row.key.cell == cell; });
  return rows;
}

std::vector<int> sawls_of(const std::vector<MapRow>& rows) {
  std::vector<int> sawls = distinct(rows, [](const MapRow& row) { return row.key.sawl; });
  std::sort(sawls.begin(), sawls.end());
  return sawls;
}

double top_sigma(const std::vector<MapRow>& rows, double target) {
  double most = target + 1.0;
  for (const MapRow& row : rows) {
    if (row.error.status != TailStatus::refused) most = std::max(most, row.error.sigma() + 0.5);
  }
  return std::min(most, most_sigma_drawn);
}

/// SAWLs stand side by side, converters beside one another at each.
ReportFigure cell_figure(const ReportData& data, const std::string& cell) {
  const std::vector<MapRow> rows = rows_of(data.map, cell);
  const std::vector<int> sawls = sawls_of(rows);
  const std::vector<std::string> adcs = distinct(rows, [](const MapRow& row) { return row.key.adc; });
  const double target = sigma_of_probability(data.target);
  const TailAxis axis{TailAxis::Quantity::sigma, 0.0, top_sigma(rows, target)};
  FigureParts parts;
  parts.plots.push_back(fmt::format("{:.6g} with lines lw 2 dt (8,4) lc rgb '#b00020' title {}", target,
                                    gnuplot_text(fmt::format("target, {:.3g} sigma", target))));
  for (std::size_t a = 0; a < adcs.size(); ++a) {
    StatusSeries points(axis);
    for (const MapRow& row : rows) {
      if (row.key.adc != adcs[a]) continue;
      if (row.error.status == TailStatus::refused) {
        parts.refused.push_back(fmt::format("SAWL {} with {}", row.key.sawl, row.key.adc));
        continue;
      }
      const double place = static_cast<double>(index_of(sawls, row.key.sawl));
      points.add(place + beside(a, adcs.size(), series_spread), row.error);
    }
    if (!points.empty()) parts.add(points, fmt::format("series{}", a), adcs[a], series_colour(a));
  }
  for (std::string& entry : StatusSeries::key(parts.drawn, axis)) parts.plots.push_back(std::move(entry));
  std::vector<std::string> labels;
  labels.reserve(sawls.size());
  for (const int sawl : sawls) labels.push_back(fmt::format("SAWL {}", sawl));
  const std::string script = fmt::format(
      "set yrange [0:{:.3g}]\nset xrange [-0.5:{:.3g}]\nset xtics {} noenhanced\n"
      "set ylabel 'sigma at the worst corner' textcolor rgb '#333333'\n",
      axis.top, static_cast<double>(sawls.size()) - 0.5, tics(labels));
  ReportFigure figure;
  figure.name = figure_name("map_" + cell);
  figure.heading = "Map of " + cell;
  figure.caption =
      "Sigma of the error per read at the worst corner, with 95 % intervals, by SAWL and converter. A point "
      "holds where its whole interval lies above the dashed line; what each costs stands in the table. " +
      cheapest_text(data.map) + (data.map.claim.empty() ? "" : ". Claimed: " + data.map.claim) + "." +
      parts.refused_text();
  figure.svg = draw_svg(figure.name, script + plot_command(parts.plots), parts.files);
  return figure;
}

}  // namespace

std::vector<ReportFigure> map_figures(const ReportData& data) {
  std::vector<ReportFigure> figures;
  for (const std::string& cell : distinct(data.map.rows, [](const MapRow& row) { return row.key.cell; }))
    figures.push_back(cell_figure(data, cell));
  return figures;
}

}  // namespace flare::analysis
