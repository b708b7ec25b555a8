#include <fmt/format.h>

#include <algorithm>

#include "analysis/report/figure_parts.hpp"
#include "analysis/report/report_figures.hpp"

namespace flare::analysis {
namespace {

// The axis covers every point up to here; points beyond are marked at the edge.
constexpr double lowest_drawn = 1e-60;

// Reaches two decades below the lowest point.
TailAxis error_axis(const ReportData& data) {
  double least = 1.0;
  for (const VerdictRow& row : data.verdict) least = std::min(least, row.target * 1e-3);
  for (const VerdictRow& row : data.verdict)
    if (row.error.status != TailStatus::refused) least = std::min(least, row.error.p.value() * 1e-2);
  return {TailAxis::Quantity::probability, std::max(least, lowest_drawn), 1.0};
}

std::string series_of(const VerdictRow& row) { return row.key.cell + ", " + row.key.adc; }

// One series: its points by SAWL, and the line through them.
void add_series(const ReportData& data, const std::vector<int>& order, const std::vector<std::string>& series,
                std::size_t s, const TailAxis& axis, FigureParts& parts) {
  StatusSeries points(axis);
  std::string line;
  for (const int n : order) {
    for (const VerdictRow& row : data.verdict) {
      if (row.key.sawl != n || series_of(row) != series[s]) continue;
      if (row.error.status == TailStatus::refused) {
        parts.refused.push_back(fmt::format("{}, SAWL {}", series[s], n));
        continue;
      }
      const double x = static_cast<double>(index_of(order, n)) + beside(s, series.size(), 0.16);
      line += fmt::format("{:.4f} {:.6g}\n", x, std::max(row.error.p.value(), axis.bottom));
      points.add(x, row.error);
    }
  }
  if (line.empty()) return;
  const std::string prefix = fmt::format("series{}", s);
  parts.files.push_back({prefix + "line.dat", line});
  parts.plots.push_back(
      fmt::format("'{}line.dat' using 1:2 with lines lw 1.4 lc rgb '{}' notitle", prefix, series_colour(s)));
  parts.add(points, prefix, series[s], series_colour(s));
}

// The dashed line: level, or, of a macro's yield, over SAWL, once for what is frozen and once for what is drawn per read.
void add_target(const ReportData& data, const std::vector<int>& order, FigureParts& parts) {
  constexpr const char* style = "with lines lw 2 dt (8,4) lc rgb '#b00020'";
  const std::vector<double> targets = distinct(data.verdict, [](const VerdictRow& r) { return r.target; });
  if (targets.size() == 1) {
    parts.plots.push_back(
        fmt::format("{:.6g} {} title {}", targets.front(), style,
                    gnuplot_text(fmt::format("{}: {:.3g} per read", data.target_text, targets.front()))));
    return;
  }
  for (const bool per_read : {false, true}) {
    std::string line;
    for (const int n : order) {
      const auto at = std::find_if(data.verdict.begin(), data.verdict.end(), [&](const VerdictRow& r) {
        return r.key.sawl == n && r.per_read == per_read;
      });
      if (at != data.verdict.end()) line += fmt::format("{} {:.6g}\n", index_of(order, n), at->target);
    }
    if (line.empty()) continue;
    const std::string name = per_read ? "target_read.dat" : "target_die.dat";
    parts.files.push_back({name, line});
    const std::string title = data.target_text + (per_read ? ", drawn per read" : "");
    parts.plots.push_back(fmt::format("'{}' using 1:2 {} title {}", name, style, gnuplot_text(title)));
  }
}

}  // namespace

bool lines_show_all(const ReportData& data) {
  return distinct(data.verdict, series_of).size() <= most_series;
}

ReportFigure error_figure(const ReportData& data) {
  std::vector<int> order = distinct(data.verdict, [](const VerdictRow& r) { return r.key.sawl; });
  std::sort(order.begin(), order.end());
  const std::vector<std::string> series = distinct(data.verdict, series_of);
  if (!lines_show_all(data)) return {};  // the maps of the cells have them all
  const TailAxis axis = error_axis(data);
  FigureParts parts;
  add_target(data, order, parts);
  for (std::size_t s = 0; s < series.size(); ++s) add_series(data, order, series, s, axis, parts);
  for (std::string& entry : StatusSeries::key(parts.drawn, axis)) parts.plots.push_back(std::move(entry));
  std::string script = "set logscale y\nunset mytics\nset format y '10^{%T}'\n";
  script += fmt::format("set yrange [{:.3g}:1]\n", axis.bottom) + sawl_axis(order);
  script += "set ylabel 'error per read, worst level and corner' textcolor rgb '#333333'\n";
  ReportFigure figure;
  figure.name = "error_over_sawl";
  figure.heading = "Error per read over SAWL";
  figure.caption =
      "Probability of a wrong code of the worst level at the worst corner, with 95 % intervals. Open points "
      "are continued beyond the runs made from the fitted laws; arrowheads are limits. A design passes where "
      "its whole interval lies below the dashed line." +
      parts.refused_text();
  figure.svg = draw_svg(figure.name, script + plot_command(parts.plots), parts.files);
  return figure;
}

}  // namespace flare::analysis
