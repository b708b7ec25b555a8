#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "analysis/report/figure_parts.hpp"
#include "analysis/report/report_figures.hpp"

namespace flare::analysis {
namespace {

constexpr std::size_t most_plain_points = 400;

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void add(double x) {
    if (!std::isfinite(x)) return;
    low = std::min(low, x);
    high = std::max(high, x);
  }
  double width() const { return high - low; }
};

/// What is asked of a measure: where, and how many sigma away it was found, with its sign on the quantile plot.
struct Asked {
  std::string spec;
  double limit = 0.0;
  Side side = Side::below;
  TailProbability tail;  // refused where the limit shares its answer with another side
};

/// All in the unit that the axis names: 1e3 of them where it is "kHz".
struct MeasurePlot {
  const ReportMeasure& measure;
  std::vector<double> plain;
  std::vector<Asked> asked;
  std::vector<std::pair<Side, TailPoint>> tails;
  double mean = 0.0, sigma = 0.0;
  Range range;
  std::string title;  // of the axis
};

/// Several proposals may have looked at one side: the one that reaches furthest out with enough runs is drawn.
std::vector<TailPoint> furthest_tail(const std::vector<TailRuns>& weighted, Side side) {
  std::vector<TailPoint> best;
  for (const TailRuns& runs : weighted) {
    std::vector<TailPoint> tail = weighted_tail(runs, side);
    if (!tail.empty() && (best.empty() || tail.front().p < best.front().p)) best = std::move(tail);
  }
  return best;
}

std::vector<Asked> asked_of(const ReportData& data, const ReportMeasure& measure) {
  std::vector<Asked> asked;
  for (const SpecRow& spec : data.specs) {
    if (spec.measure != measure.name || spec.corner != measure.corner) continue;
    const bool both = std::isfinite(spec.min) && std::isfinite(spec.max);
    for (const Side side : {Side::below, Side::above}) {
      const double limit = side == Side::below ? spec.min : spec.max;
      if (std::isfinite(limit))
        asked.push_back({spec.spec, limit, side, both ? TailProbability{} : spec.failure});
    }
  }
  for (const LimitRow& row : data.limits) {
    if (row.measure != measure.name || row.corner != measure.corner || std::isnan(row.held.limit)) continue;
    TailProbability tail;
    tail.p = tail.low = tail.high = Probability(row.target);
    tail.status = row.held.status;
    asked.push_back({row.spec, row.held.limit, row.side, tail});
  }
  return asked;
}

/// A prefix for the largest of the plain samples.
struct Prefix {
  double unit = 1.0;
  std::string text;
};
Prefix prefix_of(const ReportMeasure& measure) {
  constexpr const char* names[] = {"f", "p", "n", "u", "m", "", "k", "M", "G", "T"};
  double most = 0.0;
  for (const double x : measure.plain) most = std::max(most, std::fabs(x));
  if (measure.unit.empty() || !(most > 0.0)) return {};
  const double step = std::clamp(std::floor(std::log10(most) / 3.0), -5.0, 4.0);
  return {std::pow(10.0, 3.0 * step), names[static_cast<std::size_t>(step + 5.0)]};
}

MeasurePlot plot_of(const ReportData& data, const ReportMeasure& measure) {
  MeasurePlot plot{measure, measure.plain, asked_of(data, measure), {}, 0.0, 0.0, {}, measure.name};
  const Prefix prefix = prefix_of(measure);
  if (!measure.unit.empty()) plot.title += " (" + prefix.text + measure.unit + ")";
  for (double& x : plot.plain) x /= prefix.unit;
  for (Asked& a : plot.asked) a.limit /= prefix.unit;
  for (const Side side : {Side::below, Side::above}) {
    for (const TailPoint& point : furthest_tail(measure.weighted, side))
      plot.tails.push_back({side, {point.x / prefix.unit, point.p}});
  }
  const auto n = static_cast<double>(plot.plain.size());
  plot.mean = std::accumulate(plot.plain.begin(), plot.plain.end(), 0.0) / n;
  double squares = 0.0;
  for (const double x : plot.plain) squares += (x - plot.mean) * (x - plot.mean);
  plot.sigma = std::sqrt(squares / std::max(1.0, n - 1.0));
  for (const double x : plot.plain) plot.range.add(x);
  for (const auto& [side, point] : plot.tails) plot.range.add(point.x);
  for (const Asked& a : plot.asked) plot.range.add(a.limit);
  return plot;
}

/// Counts by bins, about as many as the root of the runs.
std::string histogram(const std::vector<double>& values, double* width) {
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  const auto bins = static_cast<std::size_t>(
      std::clamp(std::ceil(std::sqrt(static_cast<double>(values.size()))), 5.0, 40.0));
  *width = (*most - *least) / static_cast<double>(bins);
  std::vector<std::size_t> counts(bins, 0);
  for (const double x : values) ++counts[std::min(bins - 1, static_cast<std::size_t>((x - *least) / *width))];
  std::string text;
  for (std::size_t b = 0; b < bins; ++b)
    text += fmt::format("{:.9g} {}\n", *least + (static_cast<double>(b) + 0.5) * *width, counts[b]);
  return text;
}

/// "x z": every sample beside the normal quantile of its rank.
std::string plain_quantiles(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t step = values.size() / most_plain_points + 1;
  const auto n = static_cast<double>(values.size());
  std::string text;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool end = i < 10 || i + 10 >= values.size();
    if (!end && i % step != 0) continue;
    text +=
        fmt::format("{:.9g} {:.5g}\n", values[i], -sigma_of_probability((static_cast<double>(i) + 0.5) / n));
  }
  return text;
}

/// Both panels end at the same limits of the measure.
std::string axis_text(const MeasurePlot& plot) {
  const double margin = 0.06 * plot.range.width();
  std::string script =
      fmt::format("set xrange [{:.9g}:{:.9g}]\n", plot.range.low - margin, plot.range.high + margin);
  for (const Asked& a : plot.asked) {
    script += fmt::format(
        "set arrow from {0:.9g}, graph 0 to {0:.9g}, graph 1 nohead lc rgb '#b00020' lw 1.6 dt (8,4) back\n",
        a.limit);
  }
  return script;
}

/// Answers stand where their limit is: above their own side's zero.
std::string answers_of(const MeasurePlot& plot, std::string* values) {
  std::string text;
  for (const Asked& a : plot.asked) {
    if (a.tail.status == TailStatus::refused) continue;
    const double sign = a.side == Side::below ? -1.0 : 1.0;
    const double ends[] = {sign * a.tail.sigma_low(), sign * std::min(a.tail.sigma_high(), 38.0)};
    text += fmt::format("{:.9g} {:.5g} {:.5g} {:.5g}\n", a.limit, sign * a.tail.sigma(),
                        std::min(ends[0], ends[1]), std::max(ends[0], ends[1]));
    *values += fmt::format("{:.9g} {:.5g} \"{:.4g} sigma at {:.5g}\"\n", a.limit, sign * a.tail.sigma(),
                           a.tail.sigma(), a.limit);
  }
  return text;
}

std::string histogram_panel(const MeasurePlot& plot, std::vector<DataFile>& files) {
  double width = 0.0;
  files.push_back({"counts.dat", histogram(plot.plain, &width)});
  return fmt::format(
      "set origin 0, 0.62\nset size 1, 0.38\nunset key\nset bmargin 0.6\nset tmargin 1.2\nset format x "
      "''\nunset "
      "xlabel\n"
      "set ylabel 'samples'\nset yrange [0:*]\nset boxwidth {:.6g}\n"
      "plot 'counts.dat' using 1:2 with boxes lc rgb '#0072b2' title 'plain samples'\n",
      0.94 * width);
}

std::string quantile_panel(const ReportData& data, const MeasurePlot& plot, std::vector<DataFile>& files) {
  FigureParts parts;
  std::string tails;
  double reach = 4.0;
  for (const auto& [side, point] : plot.tails) {
    const double z = sigma_of_probability(point.p);
    reach = std::max(reach, z + 0.5);
    tails += fmt::format("{:.9g} {:.5g}\n", point.x, side == Side::below ? -z : z);
  }
  std::string values;
  const std::string answers = answers_of(plot, &values);
  for (const Asked& a : plot.asked)
    if (a.tail.status != TailStatus::refused) reach = std::max(reach, std::min(a.tail.sigma() + 0.7, 12.0));
  const double target = sigma_of_probability(data.target);
  parts.plots.push_back(
      fmt::format("(x - {:.9g}) / {:.9g} with lines lw 1.2 dt (3,3) lc rgb '#444444' "
                  "title 'normal law of mean and sigma'",
                  plot.mean, plot.sigma));
  parts.plots.emplace_back(
      "'plain.dat' using 1:2 with points pt 7 ps 0.4 lc rgb '#0072b2' title 'plain samples'");
  files.push_back({"plain.dat", plain_quantiles(plot.plain)});
  if (!tails.empty()) {
    files.push_back({"tails.dat", tails});
    parts.plots.emplace_back(
        "'tails.dat' using 1:2 with points pt 6 ps 0.6 lw 1.4 lc rgb '#d55e00' title 'tail runs, weighted'");
  }
  if (!answers.empty()) {
    files.push_back({"answers.dat", answers});
    files.push_back({"values.dat", values});
    parts.plots.emplace_back(
        "'answers.dat' using 1:2:3:4 with yerrorbars pt 9 ps 1.1 lw 1.6 lc rgb '#b00020' title 'estimate at "
        "the limit'");
    parts.plots.emplace_back(
        "'values.dat' using 1:2:3 with labels hypertext point pt 7 ps 2 lc rgb '#ff000000' notitle");
  }
  for (const double line : {-target, target}) {
    parts.plots.push_back(fmt::format("{:.6g} with lines lw 1 dt (2,4) lc rgb '#888888' {}", line,
                                      line < 0.0 ? "notitle" : "title 'target'"));
  }
  return fmt::format(
             "set origin 0, 0\nset size 1, 0.64\nset tmargin 0.8\nset bmargin 3.4\nset format x '%g'\n"
             "set key inside left top vertical opaque fc rgb '#ffffff' Left reverse samplen 2.4 noenhanced\n"
             "set xlabel {} noenhanced textcolor rgb '#333333'\nset ylabel 'normal quantile (sigma)'\n"
             "set yrange [{:.3g}:{:.3g}]\n",
             gnuplot_text(plot.title), -reach, reach) +
         plot_command(parts.plots);
}

}  // namespace

ReportFigure measure_figure(const ReportData& data, const ReportMeasure& measure) {
  if (measure.plain.size() < 5) return {};
  const MeasurePlot plot = plot_of(data, measure);
  if (!(plot.sigma > 0.0)) return {};
  std::vector<DataFile> files;
  std::string script = "set multiplot\nset lmargin 9\nset rmargin 3\n" + axis_text(plot);
  script += histogram_panel(plot, files);
  script += quantile_panel(data, plot, files) + "unset multiplot\n";
  ReportFigure figure;
  figure.name = figure_name(fmt::format("measure_{}_{}", measure.name, measure.corner));
  figure.heading = fmt::format("Distribution of {} at {}", measure.name, corner_text(measure.corner));
  figure.caption =
      "Samples counted, and beside the quantiles of the normal law: what is normal lies on a straight line. "
      "Dashed: limits.";
  if (!plot.tails.empty()) {
    figure.caption += fmt::format(
        " Tail runs with their weights reach further out; they are drawn where at least {:.0f} effective "
        "ones stand behind "
        "a point.",
        min_effective);
  }
  for (const Asked& a : plot.asked) figure.rows.push_back("spec_" + figure_name(a.spec));
  figure.word = "distribution";
  figure.svg = draw_svg(figure.name, script, files, {920, 640});
  return figure;
}

}  // namespace flare::analysis
