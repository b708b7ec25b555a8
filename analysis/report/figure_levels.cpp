#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "analysis/report/figure_parts.hpp"
#include "analysis/report/report_figures.hpp"

namespace flare::analysis {
namespace {

constexpr double density_decades = 12.0;

struct LevelData {
  std::string counted, reached, beyond;  // "x density" lines
};

// Histogram density of the samples, a third of a sigma a bin.
std::string histogram(const ReportLevel& level) {
  std::map<long, std::size_t> bins;
  const double width = level.sigma / 3.0;
  for (const double x : level.samples) {
    const double bin = std::floor((x - level.mean) / width);
    if (std::fabs(bin) < 1e6) ++bins[static_cast<long>(bin)];
  }
  std::string text;
  for (const auto& [bin, count] : bins) {
    text +=
        fmt::format("{:.9g} {:.6g}\n", level.mean + (static_cast<double>(bin) + 0.5) * width,
                    static_cast<double>(count) / (static_cast<double>(level.samples.size()) * width) * 1e-3);
  }
  return text;
}

/// Densities of the tail runs beyond the plain samples, half a sigma a bin, where four effective ones stand behind it.
std::string tail_density(const ReportLevel& level) {
  std::string text;
  const auto [least, most] = std::minmax_element(level.samples.begin(), level.samples.end());
  for (const TailRuns& runs : level.tail) {
    for (const DensityPoint& point : weighted_density(runs, level.mean, 0.5 * level.sigma, 4.0)) {
      if (!level.samples.empty() && point.x > *least && point.x < *most) continue;
      text += fmt::format("{:.9g} {:.6g}\n", point.x, point.density * 1e-3);
    }
  }
  return text;
}

LevelData level_data(const ReportLevel& level) {
  LevelData data;
  if (!level.shape) return data;
  data.counted = histogram(level);
  const auto [least, most] = std::minmax_element(level.samples.begin(), level.samples.end());
  const double low = level.samples.empty() ? level.mean : *least;
  const double high = level.samples.empty() ? level.mean : *most;
  bool was_reached = false;
  for (double z = -7.5; z <= 7.5; z += 0.1) {
    const double x = level.shape->level(z);
    const std::string line = fmt::format("{:.9g} {:.6g}\n", x, level.shape->density(x) * 1e-3);
    const bool reached = x >= low && x <= high;
    // Both lines get the point where they meet.
    if (reached || was_reached) data.reached += line;
    if (!reached || !was_reached) data.beyond += line;
    if (reached && !was_reached) data.beyond += "\n";
    was_reached = reached;
  }
  return data;
}

// Thresholds in V: level_mean (steps) against mean (V) of the first and last level give the map.
std::vector<double> thresholds_in_volts(const ReportModel& model, const ReportPoint& point) {
  std::vector<double> volts;
  if (point.levels.size() < 2 || model.level_mean.size() != point.levels.size()) return volts;
  const double steps = model.level_mean.back() - model.level_mean.front();
  const double range = point.levels.back().mean - point.levels.front().mean;
  for (const double t : model.thresholds) {
    volts.push_back(point.levels.front().mean + (t - model.level_mean.front()) * range / steps);
  }
  return volts;
}

}  // namespace

ReportFigure level_figure(const ReportPoint& point, const ReportModel& model) {
  std::vector<DataFile> data;
  std::vector<std::string> plots;
  double top = 0.0;
  for (const ReportLevel& level : point.levels) {
    if (level.shape) top = std::max(top, 0.4e-3 / level.sigma);
  }
  const auto frame_top = std::ceil(std::log10(std::max(top, 1e-6)) + 0.6);
  const double bottom = std::pow(10.0, frame_top - density_decades);
  std::string script = "set logscale y\nunset mytics\nset format y '10^{%T}'\nset ytics 100\n";
  script += fmt::format("set yrange [{:.3g}:{:.3g}]\n", bottom, std::pow(10.0, frame_top));
  script += "set xlabel 'bitline level (V)' textcolor rgb '#333333'\n";
  script += "set ylabel 'probability density (1/mV)' textcolor rgb '#333333'\n";
  for (const double t : thresholds_in_volts(model, point)) {
    script += fmt::format(
        "set arrow from {0:.9g}, graph 0 to {0:.9g}, graph 1 nohead lc rgb '#888888' lw 1 dt (6,4) back\n",
        t);
  }
  for (std::size_t i = 0; i < point.levels.size(); ++i) {
    const ReportLevel& level = point.levels[i];
    if (!level.shape) continue;
    const LevelData lines = level_data(level);
    const std::string colour = series_colour(i % 2);
    const auto plot = [&](const char* kind, const std::string& content, const std::string& style) {
      if (content.empty()) return;
      const std::string name = fmt::format("{}{}.dat", kind, level.k);
      data.push_back({name, content});
      plots.push_back(fmt::format("'{}' using 1:2 with {} lc rgb '{}' notitle", name, style, colour));
    };
    plot("beyond", lines.beyond, "lines lw 1.2 dt (3,3)");
    plot("reached", lines.reached, "lines lw 2");
    plot("counted", lines.counted, "points pt 7 ps 0.35");
    plot("tail", tail_density(level), "points pt 6 ps 0.5 lw 1.3");
    script += fmt::format("set label '{}' at {:.9g}, {:.3g} center textcolor rgb '{}' font ',13'\n", level.k,
                          level.mean, top * 2.6, colour);
  }
  if (plots.empty()) return {};
  for (const char* entry : {"NaN with lines lw 2 lc rgb '#444444' title 'fit, where runs reach'",
                            "NaN with lines lw 1.2 dt (3,3) lc rgb '#444444' title 'fit, extrapolated'",
                            "NaN with points pt 7 ps 0.6 lc rgb '#444444' title 'runs (histogram)'",
                            "NaN with points pt 6 ps 0.6 lw 1.3 lc rgb '#444444' title 'tail runs, weighted'",
                            "NaN with lines lw 1 dt (6,4) lc rgb '#888888' title 'threshold'"}) {
    plots.emplace_back(entry);
  }
  ReportFigure figure;
  figure.name = figure_name(fmt::format("levels_{}_sawl{}", point.key.cell, point.key.sawl));
  figure.heading = fmt::format("Levels of SAWL {} ({}, {})", point.key.sawl, point.key.cell,
                               corner_text(point.key.corner));
  figure.caption = fmt::format(
      "Law of each bitline level at the worst corner, labelled by the number of on-cells k, with the "
      "thresholds of {}. A read errs where a level crosses into its neighbour's range.",
      model.key.adc);
  figure.svg = draw_svg(figure.name, script + plot_command(plots), data);
  return figure;
}

}  // namespace flare::analysis
