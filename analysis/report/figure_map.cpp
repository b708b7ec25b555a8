#include "analysis/report/figure_map.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/report/figure_parts.hpp"
#include "analysis/report/report_figures.hpp"
#include "analysis/report/sigma_axis.hpp"
#include "analysis/report/sigma_map.hpp"
#include "analysis/verdict/verdict.hpp"

namespace flare::analysis {
namespace {

constexpr double series_spread = 0.5;  // of a SAWL's place on the axis

/// Rows of the map or of the verdict.
template <typename Row>
std::vector<Row> rows_of(const std::vector<Row>& all, const std::string& cell) {
  std::vector<Row> rows;
  std::copy_if(all.begin(), all.end(), std::back_inserter(rows),
               [&](const Row& row) { return row.key.cell == cell; });
  return rows;
}

/// Of rows of the map or of the verdict.
template <typename Row>
std::vector<int> sawls_of(const std::vector<Row>& rows) {
  std::vector<int> sawls = distinct(rows, [](const Row& row) { return row.key.sawl; });
  std::sort(sawls.begin(), sawls.end());
  return sawls;
}

std::vector<double> sigmas_of(const std::vector<MapRow>& rows) {
  std::vector<double> sigmas;
  sigmas.reserve(rows.size());
  for (const MapRow& row : rows) sigmas.push_back(row.error.sigma());
  return sigmas;
}

/// SAWLs stand side by side, converters beside one another at each.
ReportFigure cell_figure(const ReportData& data, const std::string& cell) {
  const std::vector<MapRow> rows = rows_of(data.map.rows, cell);
  const std::vector<int> sawls = sawls_of(rows);
  const std::vector<std::string> adcs = distinct(rows, [](const MapRow& row) { return row.key.adc; });
  const double target = sigma_of_probability(data.target);
  if (adcs.size() > most_series) return {};  // enob_figure has them all
  const TailAxis axis = sigma_axis(target, 1.0, sigmas_of(rows));
  FigureParts parts;
  parts.plots.push_back(target_clause(target));
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
      cheapest_text(data.map, data.target_text) +
      (data.map.claim.empty() ? "" : ". Claimed: " + data.map.claim) + "." + parts.refused_text();
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

ReportFigure enob_figure(const ReportData& data, const std::string& cell) {
  const std::vector<VerdictRow> rows = rows_of(data.verdict, cell);
  const std::vector<int> sawl = sawls_of(rows);
  std::vector<std::string> converters = distinct(rows, [](const VerdictRow& r) { return r.key.adc; });
  if (lines_show_all(data) && (sawl.size() < 2 || converters.size() < 2)) return {};
  const auto enob = [&](const std::string& converter) {
    const auto at =
        std::find_if(rows.begin(), rows.end(), [&](const VerdictRow& r) { return r.key.adc == converter; });
    return at->enob;
  };
  std::stable_sort(converters.begin(), converters.end(),
                   [&](const std::string& a, const std::string& b) { return enob(a) < enob(b); });
  SigmaMap map;
  map.target = sigma_of_probability(data.target);
  map.across_title = "SAWL (rows read at once)";
  map.up_title = "converter, ENOB (bit) at its smallest SAWL";
  for (const int n : sawl) map.across.push_back(std::to_string(n));
  for (const std::string& converter : converters)
    map.up.push_back(fmt::format("{}, {:.2f}", converter, enob(converter)));
  ReportFigure figure;
  for (const VerdictRow& row : rows) {
    map.cells.push_back(
        {index_of(sawl, row.key.sawl), index_of(converters, row.key.adc), row.error, row.passes});
    figure.rows.push_back(verdict_row_id(row.key));
  }
  figure.name = figure_name("sawl_enob_" + cell);
  figure.word = "map";
  figure.heading = fmt::format("Sigma over SAWL and ENOB ({})", cell);
  figure.caption = sigma_map_caption(map.target);
  figure.svg = sigma_map_svg(figure.name, map);
  return figure;
}

}  // namespace flare::analysis
