#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/report/figure_parts.hpp"
#include "analysis/report/report_figures.hpp"

namespace flare::analysis {
namespace {

// Rates below are drawn at the edge: nothing happens there any more.
constexpr double lowest_rate = 1e-15;

/// The error per read that a row's accuracy was found under: that of its converter at its SAWL in the verdict; 0: not known.
double rate_of(const ReportData& data, const AccuracyRow& row) {
  for (const VerdictRow& v : data.verdict) {
    if (v.key.cell == row.cell && v.key.sawl == row.sawl && v.key.adc == row.adc &&
        v.error.status != TailStatus::refused) {
      return std::max(v.error.p.value(), lowest_rate);
    }
  }
  return 0.0;
}

}  // namespace

ReportFigure error_rate_figure(const ReportData& data) {
  FigureParts parts;
  ReportFigure figure;
  double floating = -1.0, least = 1.0;
  std::size_t drawn = 0;
  for (const char* word : {"read", "die"}) {
    const std::string mode(word);
    std::string content, values;
    for (const AccuracyRow& row : data.accuracy) {
      const double rate = rate_of(data, row);
      if (row.is_loss() || row.mode != mode || !(rate > 0.0)) continue;
      const bool limits = !std::isnan(row.low);
      const double low = limits ? row.low : row.mean - row.std;
      content += fmt::format("{:.5g} {:.6g} {:.6g} {:.6g}\n", rate, 100.0 * row.mean, 100.0 * low,
                             100.0 * (limits ? row.high : row.mean + row.std));
      values += fmt::format("{:.5g} {:.6g} \"SAWL {}: {:.2f} % at {:.2g} errors a read\"\n", rate,
                            100.0 * row.mean, row.sawl, 100.0 * row.mean, rate);
      floating = std::max(floating, row.floating);
      least = std::min(least, low);
      figure.rows.push_back(verdict_row_id({row.cell, row.sawl, row.adc, row.corner}));
      ++drawn;
    }
    if (content.empty()) continue;
    parts.files.push_back({mode + ".dat", content});
    parts.files.push_back({mode + "_values.dat", values});
    const std::string colour = series_colour(mode == "die" ? 1 : 0);
    parts.plots.push_back(
        fmt::format("'{}.dat' using 1:2:3:4 with yerrorbars pt 7 ps 0.8 lw 1.6 lc rgb '{}' title '{}'", mode,
                    colour, mode == "die" ? "errors frozen per die" : "errors drawn per read"));
    parts.plots.push_back(fmt::format(
        "'{}_values.dat' using 1:2:3 with labels hypertext point pt 7 ps 2 lc rgb '#ff000000' notitle",
        mode));
  }
  if (drawn < 2) return {};
  parts.plots.push_back(fmt::format(
      "{:.6g} with lines lw 1.6 dt (8,4) lc rgb '#444444' title 'floating point'", 100.0 * floating));
  std::sort(figure.rows.begin(), figure.rows.end());
  figure.rows.erase(std::unique(figure.rows.begin(), figure.rows.end()), figure.rows.end());
  const std::string script = fmt::format(
      "set logscale x\nset format x '10^{{%T}}'\nset offsets graph 0.05, graph 0.05, 0, 0\nset yrange "
      "[{}:100]\n"
      "set xlabel 'error per read of the worst level and corner' textcolor rgb '#333333'\n"
      "set ylabel 'accuracy on the test split (%)' textcolor rgb '#333333'\n",
      std::floor(std::max(0.0, 100.0 * least - 2.0) / 5.0) * 5.0);
  figure.name = "accuracy_over_error_rate";
  figure.word = "accuracy";
  figure.heading = "Model accuracy over the error rate";
  figure.caption = fmt::format(
      "Accuracy of every SAWL and converter that was evaluated, over its error per read, with 95 % "
      "intervals. Rates "
      "below {:.0e} stand there. What every read wrong by one code at a given rate would do: flare accuracy "
      "--sweep.",
      lowest_rate);
  figure.svg = draw_svg(figure.name, script + plot_command(parts.plots), parts.files);
  return figure;
}

}  // namespace flare::analysis
