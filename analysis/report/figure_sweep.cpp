#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/report/figure_parts.hpp"
#include "analysis/report/report_figures.hpp"
#include "analysis/report/sigma_axis.hpp"
#include "analysis/report/sigma_map.hpp"

namespace flare::analysis {
namespace {

std::string head_of(const SweepColumn& column) {
  return column.unit.empty() ? column.key : fmt::format("{} ({})", column.key, column.unit);
}

/// Where the values of an axis stand: numbers where they are, words and uneven maps side by side.
struct Places {
  std::vector<std::string> texts;  // each once

  explicit Places(const SweepColumn& column) {
    texts = distinct(column.texts, [](const std::string& text) { return text; });
  }
  std::size_t of(const SweepColumn& column, std::size_t point) const {
    return index_of(texts, column.texts[point]);
  }
};

std::vector<double> sigmas_of(const Sweep& sweep) {
  std::vector<double> sigmas;
  for (const SweepAnswer& answer : sweep.answers) sigmas.push_back(answer.tail.sigma());
  return sigmas;
}

/// One series: points with intervals, and the line through them.
void add_series(const Sweep& sweep, const std::vector<std::string>& series, std::size_t s,
                const TailAxis& axis, FigureParts& parts) {
  const SweepColumn& column = sweep.columns.front();
  const Places places(column);
  StatusSeries points(axis);
  std::string line;
  for (const SweepAnswer& answer : sweep.answers) {
    if (answer.series != series[s] || answer.point >= sweep.points()) continue;
    const double x = column.has_numbers() ? column.numbers[answer.point]
                                          : static_cast<double>(places.of(column, answer.point));
    if (answer.tail.status == TailStatus::refused) {
      parts.refused.push_back(fmt::format("{} at {}", series[s], column.texts[answer.point]));
      continue;
    }
    line += fmt::format("{:.8g} {:.6g}\n", x, std::clamp(answer.tail.sigma(), axis.bottom, axis.top));
    points.add(x, answer.tail);
  }
  if (line.empty()) return;
  const std::string prefix = fmt::format("series{}", s);
  parts.files.push_back({prefix + "line.dat", line});
  parts.plots.push_back(
      fmt::format("'{}line.dat' using 1:2 with lines lw 1.4 lc rgb '{}' notitle", prefix, series_colour(s)));
  parts.add(points, prefix, series[s], series_colour(s));
}

/// Sigma over one axis.
ReportFigure line_figure(const ReportData& data) {
  const Sweep& sweep = data.sweep;
  const SweepColumn& column = sweep.columns.front();
  const std::vector<std::string> series =
      distinct(sweep.answers, [](const SweepAnswer& a) { return a.series; });
  const double target = sigma_of_probability(data.target);
  const TailAxis axis = sigma_axis(target, 1.0, sigmas_of(sweep));
  FigureParts parts;
  parts.plots.push_back(target_clause(target));
  for (std::size_t s = 0; s < series.size(); ++s) add_series(sweep, series, s, axis, parts);
  for (std::string& entry : StatusSeries::key(parts.drawn, axis)) parts.plots.push_back(std::move(entry));
  std::string script =
      fmt::format("set yrange [0:{:.3g}]\nset offsets graph 0.05, graph 0.05, 0, 0\n", axis.top);
  if (!column.has_numbers()) script += fmt::format("set xtics {} noenhanced\n", tics(Places(column).texts));
  script += fmt::format("set xlabel {} noenhanced textcolor rgb '#333333'\n", gnuplot_text(head_of(column)));
  script += "set ylabel 'sigma at the worst corner' textcolor rgb '#333333'\n";
  ReportFigure figure;
  figure.name = "sweep";
  figure.heading = "Sigma over " + column.key;
  figure.caption =
      "Sigma of the failure probability at the worst corner of every point of the sweep, with 95 % "
      "intervals. A point passes "
      "where its whole interval lies above the dashed line." +
      parts.refused_text();
  figure.svg = draw_svg(figure.name, script + plot_command(parts.plots), parts.files);
  return figure;
}

/// Sigma of one series over two axes, as a map.
ReportFigure map_figure(const ReportData& data, const std::string& series, std::size_t number) {
  const Sweep& sweep = data.sweep;
  const Places across(sweep.columns[0]);
  const Places up(sweep.columns[1]);
  SigmaMap map{across.texts, up.texts, head_of(sweep.columns[0]), head_of(sweep.columns[1]), {}, 0.0};
  map.target = sigma_of_probability(data.target);
  for (const SweepAnswer& answer : sweep.answers) {
    if (answer.series != series || answer.point >= sweep.points()) continue;
    map.cells.push_back({across.of(sweep.columns[0], answer.point), up.of(sweep.columns[1], answer.point),
                         answer.tail, answer.passes});
  }
  ReportFigure figure;
  figure.name = fmt::format("sweep_map{}", number);
  figure.heading =
      fmt::format("Sigma of {} over {} and {}", series, sweep.columns[0].key, sweep.columns[1].key);
  figure.caption = sigma_map_caption(map.target);
  figure.svg = sigma_map_svg(figure.name, map);
  return figure;
}

}  // namespace

std::vector<ReportFigure> sweep_figures(const ReportData& data) {
  std::vector<ReportFigure> figures;
  const Sweep& sweep = data.sweep;
  if (sweep.answers.empty() || sweep.columns.empty()) return figures;
  if (sweep.columns.size() == 1) figures.push_back(line_figure(data));
  if (sweep.columns.size() != 2) return figures;
  const std::vector<std::string> series =
      distinct(sweep.answers, [](const SweepAnswer& a) { return a.series; });
  for (std::size_t s = 0; s < series.size(); ++s) figures.push_back(map_figure(data, series[s], s));
  return figures;
}

}  // namespace flare::analysis
