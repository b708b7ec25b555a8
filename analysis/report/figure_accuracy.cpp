#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>

#include "analysis/report/figure_parts.hpp"
#include "analysis/report/report_figures.hpp"
#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {
namespace {

bool has_errors(const AccuracyRow& row) {
  return !row.is_loss() && (row.mode == "read" || row.mode == "die");
}

std::string series_of(const AccuracyRow& row) {
  return row.cell + ", " + row.adc + ", " +
         (row.mode == "die" ? "errors frozen per die" : "errors drawn per read");
}

/// What the rows span; -1: no such row.
struct AccuracyRange {
  double least = 1.0, floating = -1.0, exact = -1.0;
};

AccuracyRange range_of(const std::vector<AccuracyRow>& rows) {
  AccuracyRange range;
  for (const AccuracyRow& row : rows) {
    range.floating = std::max(range.floating, row.floating);
    range.least = std::min({range.least, std::isnan(row.low) ? row.mean - row.std : row.low, row.floating});
    if (!has_errors(row)) range.exact = std::max(range.exact, row.mean);
  }
  return range;
}

void add_limits(const AccuracyRange& range, FigureParts& parts) {
  if (range.floating >= 0.0) {
    parts.plots.push_back(fmt::format(
        "{:.6g} with lines lw 1.6 dt (8,4) lc rgb '#444444' title 'floating point'", 100.0 * range.floating));
  }
  if (range.exact >= 0.0) {
    parts.plots.push_back(
        fmt::format("{:.6g} with lines lw 1.6 dt (2,3) lc rgb '#444444' title 'quantised, no errors'",
                    100.0 * range.exact));
  }
}

void add_series(const std::vector<AccuracyRow>& rows, const std::vector<int>& sawl,
                const std::vector<std::string>& series, std::size_t s, FigureParts& parts) {
  std::string content;
  for (const int n : sawl) {
    for (const AccuracyRow& row : rows) {
      if (row.sawl != n || series_of(row) != series[s]) continue;
      // Files of earlier versions hold the spread over repeats instead of an interval.
      const bool limits = !std::isnan(row.low);
      content += fmt::format("{:.4f} {:.6g} {:.6g} {:.6g}\n",
                             static_cast<double>(index_of(sawl, n)) + beside(s, series.size(), 0.1),
                             100.0 * row.mean, 100.0 * (limits ? row.low : row.mean - row.std),
                             100.0 * (limits ? row.high : row.mean + row.std));
    }
  }
  const std::string name = fmt::format("accuracy{}.dat", s);
  parts.files.push_back({name, content});
  parts.plots.push_back(
      fmt::format("'{}' using 1:2:3:4 with yerrorlines pt 7 ps 0.8 lw 1.6 lc rgb '{}' title {}", name,
                  series_colour(s), gnuplot_text(series[s])));
}

/// Sigma of the error per read on the right axis, of the converters whose accuracy is drawn. False where nothing is.
bool add_sigma(const ReportData& data, const std::vector<AccuracyRow>& rows, const std::vector<int>& sawl,
               FigureParts& parts) {
  std::map<std::string, std::string> lines;
  for (const VerdictRow& v : data.verdict) {
    const bool drawn = std::any_of(rows.begin(), rows.end(), [&](const AccuracyRow& r) {
      return r.cell == v.key.cell && r.adc == v.key.adc && r.sawl == v.key.sawl;
    });
    const double sigma = v.error.p.sigma();
    if (drawn && std::isfinite(sigma))
      lines[v.key.cell + ", " + v.key.adc] += fmt::format("{} {:.4f}\n", index_of(sawl, v.key.sawl), sigma);
  }
  for (const auto& [name, content] : lines) {
    const std::string file = fmt::format("sigma{}.dat", parts.files.size());
    parts.files.push_back({file, content});
    parts.plots.push_back(fmt::format(
        "'{}' using 1:2 axes x1y2 with linespoints pt 5 ps 0.7 lw 1.2 dt (4,3) lc rgb '#a04000' title {}",
        file, gnuplot_text(name + ": sigma (right)")));
  }
  if (!lines.empty())
    parts.plots.push_back(fmt::format("{:.4f} axes x1y2 with lines lw 1 dt (1,3) lc rgb '#a04000' title {}",
                                      sigma_of_probability(data.target),
                                      gnuplot_text(data.target_text + " (right)")));
  return !lines.empty();
}

}  // namespace

ReportFigure accuracy_figure(const ReportData& data) {
  std::vector<AccuracyRow> rows;
  std::copy_if(data.accuracy.begin(), data.accuracy.end(), std::back_inserter(rows), has_errors);
  if (rows.empty()) return {};
  std::vector<int> sawl = distinct(rows, [](const AccuracyRow& r) { return r.sawl; });
  std::sort(sawl.begin(), sawl.end());
  const std::vector<std::string> series = distinct(rows, series_of);
  const AccuracyRange range = range_of(data.accuracy);
  FigureParts parts;
  add_limits(range, parts);
  for (std::size_t s = 0; s < series.size(); ++s) add_series(rows, sawl, series, s, parts);
  const double bottom = std::floor(std::max(0.0, 100.0 * range.least - 2.0) / 5.0) * 5.0;
  std::string script = fmt::format("set yrange [{}:100]\n", bottom) + sawl_axis(sawl);
  if (add_sigma(data, rows, sawl, parts))
    script +=
        "set ytics nomirror\nset y2tics\nset y2range [0:*]\nset y2label 'sigma' textcolor rgb '#a04000'\n";
  script += "set ylabel 'accuracy on the test split (%)' textcolor rgb '#333333'\n";
  ReportFigure figure;
  figure.name = "accuracy_over_sawl";
  figure.heading = "Model accuracy over SAWL";
  figure.caption =
      "Accuracy under the error model of each SAWL; bars are 95 % intervals (in files of earlier versions "
      "the standard deviation over repeats). The dashed line is the model in floating point, the dotted one "
      "the quantised model without "
      "read errors.";
  figure.svg = draw_svg(figure.name, script + plot_command(parts.plots), parts.files, {920, 480});
  return figure;
}

}  // namespace flare::analysis
