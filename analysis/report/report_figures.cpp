#include "analysis/report/report_figures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "analysis/report/status_series.hpp"

namespace flare::analysis {
namespace {

// The axes cover every point up to here; points beyond are marked at the edge.
constexpr double lowest_drawn = 1e-60;
constexpr double most_sigma_drawn = 16.0;

std::string safe_name(const std::string& text) {
  std::string name;
  for (const char c : text.substr(0, 60)) name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
}

template <typename Rows, typename Get>
auto distinct(const Rows& rows, const Get& get) {
  std::vector<std::decay_t<decltype(get(*rows.begin()))>> values;
  for (const auto& row : rows) {
    const auto value = get(row);
    if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
  }
  return values;
}

template <typename Value>
std::size_t index_of(const std::vector<Value>& values, const Value& value) {
  return static_cast<std::size_t>(std::find(values.begin(), values.end(), value) - values.begin());
}

// ('a' 0, 'b' 1, ...): tics at 0, 1, ...
std::string tics(const std::vector<std::string>& labels) {
  std::string text = "(";
  for (std::size_t i = 0; i < labels.size(); ++i) {
    text += (i == 0 ? "" : ", ") + gnuplot_text(labels[i]) + fmt::format(" {}", i);
  }
  return text + ")";
}

std::string join(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "plot " : ", \\\n     ") + part;
  return text + "\n";
}

double spread(std::size_t i, std::size_t n, double width) {
  return n < 2 ? 0.0 : width * (static_cast<double>(i) / static_cast<double>(n - 1) - 0.5);
}

// ---- level distributions -------------------------------------------------------------------------------

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
    script += fmt::format("set label '{}' at {:.9g}, {:.3g} center textcolor rgb '{}' font ',13'\n", level.k,
                          level.mean, top * 2.6, colour);
  }
  if (plots.empty()) return {};
  for (const char* entry : {"NaN with lines lw 2 lc rgb '#444444' title 'fit, where runs reach'",
                            "NaN with lines lw 1.2 dt (3,3) lc rgb '#444444' title 'fit, extrapolated'",
                            "NaN with points pt 7 ps 0.6 lc rgb '#444444' title 'runs (histogram)'",
                            "NaN with lines lw 1 dt (6,4) lc rgb '#888888' title 'threshold'"}) {
    plots.emplace_back(entry);
  }
  ReportFigure figure;
  figure.name = safe_name(fmt::format("levels_{}_sawl{}", point.key.cell, point.key.sawl));
  figure.heading = fmt::format("Levels of SAWL {} ({}, {})", point.key.sawl, point.key.cell,
                               corner_text(point.key.corner));
  figure.caption = fmt::format(
      "Law of each bitline level at the worst corner, labelled by the number of on-cells k, with the "
      "thresholds of {}. "
      "A read errs where a level crosses into its neighbour's range.",
      model.key.adc);
  figure.svg = draw_svg(figure.name, script + join(plots), data);
  return figure;
}

// ---- error per read over SAWL ---------------------------------------------------------------------------

// Below a figure: what could not be drawn in it; empty where all was.
std::string refused_text(const std::vector<std::string>& refused) {
  if (refused.empty()) return "";
  std::string text = " Not drawn, because refused: ";
  for (std::size_t i = 0; i < refused.size(); ++i) text += (i > 0 ? "; " : "") + refused[i];
  return text + ".";
}

// Reaches two decades below the lowest point.
TailAxis error_axis(const ReportData& data) {
  double least = data.target * 1e-3;
  for (const VerdictRow& row : data.verdict)
    if (row.error.status != TailStatus::refused) least = std::min(least, row.error.p.value() * 1e-2);
  return {TailAxis::Quantity::probability, std::max(least, lowest_drawn), 1.0};
}

ReportFigure error_figure(const ReportData& data) {
  const std::vector<int> sawl = distinct(data.verdict, [](const VerdictRow& r) { return r.key.sawl; });
  std::vector<int> order = sawl;
  std::sort(order.begin(), order.end());
  const auto series_of = [](const VerdictRow& r) { return r.key.cell + ", " + r.key.adc; };
  const std::vector<std::string> series = distinct(data.verdict, series_of);
  std::vector<DataFile> files;
  std::vector<std::string> plots;
  const TailAxis axis = error_axis(data);
  StatusSeries::Drawn drawn;
  std::vector<std::string> refused;
  std::vector<std::string> labels;
  for (const int n : order) labels.push_back(std::to_string(n));
  plots.push_back(
      fmt::format("{:.6g} with lines lw 2 dt (8,4) lc rgb '#b00020' title '{:.3g} sigma: {:.3g} per read'",
                  data.target, sigma_of_probability(data.target), data.target));
  for (std::size_t s = 0; s < series.size(); ++s) {
    StatusSeries points(axis);
    std::string line;
    for (const int n : order) {
      for (const VerdictRow& row : data.verdict) {
        if (row.key.sawl != n || series_of(row) != series[s]) continue;
        if (row.error.status == TailStatus::refused) {
          refused.push_back(fmt::format("{}, SAWL {}", series[s], n));
          continue;
        }
        const double x = static_cast<double>(index_of(order, n)) + spread(s, series.size(), 0.16);
        line += fmt::format("{:.4f} {:.6g}\n", x, std::max(row.error.p.value(), axis.bottom));
        points.add(x, row.error);
      }
    }
    if (line.empty()) continue;
    const std::string prefix = fmt::format("series{}", s);
    files.push_back({prefix + "line.dat", line});
    plots.push_back(fmt::format("'{}line.dat' using 1:2 with lines lw 1.4 lc rgb '{}' notitle", prefix,
                                series_colour(s)));
    for (std::string& plot : points.plots(prefix, series[s], series_colour(s), files)) {
      plots.push_back(std::move(plot));
    }
    points.tell(drawn);
  }
  for (std::string& entry : StatusSeries::key(drawn, axis)) plots.push_back(std::move(entry));
  std::string script = "set logscale y\nunset mytics\nset format y '10^{%T}'\n";
  script += fmt::format("set yrange [{:.3g}:1]\nset xrange [-0.5:{}]\n", axis.bottom,
                        static_cast<double>(order.size()) - 0.5);
  script += "set xtics " + tics(labels) + " noenhanced\n";
  script += "set xlabel 'SAWL (rows read at once)' textcolor rgb '#333333'\n";
  script += "set ylabel 'error per read, worst level and corner' textcolor rgb '#333333'\n";
  ReportFigure figure;
  figure.name = "error_over_sawl";
  figure.heading = "Error per read over SAWL";
  figure.caption =
      "Probability of a wrong code of the worst level at the worst corner, with 95 % intervals. Open points "
      "are continued beyond the runs made from the fitted laws; arrowheads are limits. A design passes where "
      "its whole interval lies below the dashed line." +
      refused_text(refused);
  figure.svg = draw_svg(figure.name, script + join(plots), files);
  return figure;
}

// ---- sigma over the corners -----------------------------------------------------------------------------

std::vector<std::string> all_corners(const ReportData& data, const std::string& cell,
                                     const std::string& adc) {
  std::vector<std::string> corners;
  const auto add = [&](const std::string& corner) {
    if (std::find(corners.begin(), corners.end(), corner) == corners.end()) corners.push_back(corner);
  };
  for (const ReportScreening& row : data.screening) {
    if (row.cell == cell && row.adc == adc) add(row.corner);
  }
  for (const ReportModel& model : data.models) {
    if (model.key.cell == cell && model.key.adc == adc) add(model.key.corner);
  }
  return corners;
}

// Above every point of the figure, within reason.
double top_sigma(const ReportData& data, const std::string& cell, const std::string& adc) {
  double most = sigma_of_probability(data.target) + 2.0;
  for (const ReportModel& model : data.models) {
    const bool drawn =
        model.key.cell == cell && model.key.adc == adc && model.error.status != TailStatus::refused;
    if (drawn) most = std::max(most, model.error.sigma() + 0.5);
  }
  for (const ReportScreening& row : data.screening)
    if (row.cell == cell && !row.full && std::isfinite(row.sigma)) most = std::max(most, row.sigma + 0.5);
  return std::min(most, most_sigma_drawn);
}

ReportFigure corner_figure(const ReportData& data, const std::string& cell, const std::string& adc) {
  const std::vector<std::string> corners = all_corners(data, cell, adc);
  std::vector<int> sawl;
  for (const ReportModel& model : data.models) {
    if (model.key.cell == cell && model.key.adc == adc) sawl.push_back(model.key.sawl);
  }
  std::sort(sawl.begin(), sawl.end());
  sawl.erase(std::unique(sawl.begin(), sawl.end()), sawl.end());
  const double target = sigma_of_probability(data.target);
  const TailAxis axis{TailAxis::Quantity::sigma, 0.0, top_sigma(data, cell, adc)};
  StatusSeries::Drawn drawn;
  std::vector<std::string> refused;
  std::vector<DataFile> files;
  std::vector<std::string> plots = {
      fmt::format("{:.6g} with lines lw 2 dt (8,4) lc rgb '#b00020' title '{:.3g} sigma'", target, target)};
  bool screened = false;
  for (std::size_t s = 0; s < sawl.size(); ++s) {
    const auto x_of = [&](const std::string& corner) {
      return static_cast<double>(index_of(corners, corner)) + spread(s, sawl.size(), 0.4);
    };
    StatusSeries points(axis);
    for (const ReportModel& model : data.models) {
      const ModelKey& key = model.key;
      if (key.cell != cell || key.adc != adc || key.sawl != sawl[s]) continue;
      points.add(x_of(key.corner), model.error);
      if (model.error.status == TailStatus::refused)
        refused.push_back(fmt::format("SAWL {} at {}", key.sawl, corner_text(key.corner)));
    }
    points.tell(drawn);
    const std::string prefix = fmt::format("sawl{}", s);
    std::string only_screened;
    for (const ReportScreening& row : data.screening) {
      if (row.cell != cell || row.adc != adc || row.sawl != sawl[s] || row.full || !std::isfinite(row.sigma))
        continue;
      only_screened +=
          fmt::format("{:.4f} {:.5g}\n", x_of(row.corner), std::clamp(row.sigma, axis.bottom, axis.top));
    }
    if (!only_screened.empty()) {
      screened = true;
      files.push_back({prefix + "screened.dat", only_screened});
      plots.push_back(
          fmt::format("'{}screened.dat' using 1:2 with points pt 2 ps 0.7 lw 1.6 lc rgb '{}' notitle", prefix,
                      series_colour(s)));
    }
    for (std::string& plot : points.plots(prefix, fmt::format("SAWL {}", sawl[s]), series_colour(s), files)) {
      plots.push_back(std::move(plot));
    }
  }
  for (std::string& entry : StatusSeries::key(drawn, axis)) plots.push_back(std::move(entry));
  if (screened)
    plots.emplace_back("NaN with points pt 2 ps 0.7 lw 1.6 lc rgb '#444444' title 'screened only'");
  std::vector<std::string> labels;
  for (const std::string& corner : corners) labels.push_back(corner_text(corner));
  const bool many = corners.size() > 5;
  std::string script =
      "set xtics " + tics(labels) + " noenhanced" + (many ? " rotate by -45 left font ',12'" : "") + "\n";
  script += fmt::format("set yrange [0:{:.4g}]\nset xrange [-0.7:{}]\n", axis.top,
                        static_cast<double>(corners.size()) - 0.3);
  script += "set ylabel 'sigma level of the worst level' textcolor rgb '#333333'\n";
  if (many) script += "set bmargin 6.5\nset rmargin 7\n";
  ReportFigure figure;
  figure.name = safe_name(fmt::format("sigma_over_corners_{}_{}", cell, adc));
  figure.heading = fmt::format("Sigma over the corners ({}, {})", cell, adc);
  figure.caption =
      "Sigma level of a read at each corner (process, supply, temperature) with 95 % intervals. Crosses are "
      "corners "
      "that were only screened with a few runs, to find the worst; they carry no interval." +
      refused_text(refused);
  figure.svg = draw_svg(figure.name, script + join(plots), files, {920, many ? 500 : 460});
  return figure;
}

// ---- accuracy over SAWL ---------------------------------------------------------------------------------

bool has_errors(const ReportAccuracy& row) { return row.mode == "read" || row.mode == "die"; }

ReportFigure accuracy_figure(const ReportData& data) {
  std::vector<int> sawl;
  for (const ReportAccuracy& row : data.accuracy) {
    if (has_errors(row)) sawl.push_back(row.sawl);
  }
  std::sort(sawl.begin(), sawl.end());
  sawl.erase(std::unique(sawl.begin(), sawl.end()), sawl.end());
  if (sawl.empty()) return {};
  const auto series_of = [](const ReportAccuracy& r) {
    return r.cell + ", " + r.adc + ", " +
           (r.mode == "die" ? "errors frozen per die" : "errors drawn per read");
  };
  std::vector<std::string> series;
  double least = 1.0;
  double floating = -1.0;
  double exact = -1.0;
  for (const ReportAccuracy& row : data.accuracy) {
    floating = std::max(floating, row.floating);
    least = std::min({least, row.mean - row.std, row.floating});
    if (!has_errors(row)) {
      exact = std::max(exact, row.mean);
    } else if (std::find(series.begin(), series.end(), series_of(row)) == series.end()) {
      series.push_back(series_of(row));
    }
  }
  std::vector<DataFile> files;
  std::vector<std::string> plots;
  if (floating >= 0.0) {
    plots.push_back(fmt::format("{:.6g} with lines lw 1.6 dt (8,4) lc rgb '#444444' title 'floating point'",
                                100.0 * floating));
  }
  if (exact >= 0.0) {
    plots.push_back(fmt::format(
        "{:.6g} with lines lw 1.6 dt (2,3) lc rgb '#444444' title 'quantised, no errors'", 100.0 * exact));
  }
  for (std::size_t s = 0; s < series.size(); ++s) {
    std::string content;
    for (const int n : sawl) {
      for (const ReportAccuracy& row : data.accuracy) {
        if (!has_errors(row) || row.sawl != n || series_of(row) != series[s]) continue;
        content += fmt::format("{:.4f} {:.6g} {:.6g}\n",
                               static_cast<double>(index_of(sawl, n)) + spread(s, series.size(), 0.1),
                               100.0 * row.mean, 100.0 * row.std);
      }
    }
    const std::string name = fmt::format("accuracy{}.dat", s);
    files.push_back({name, content});
    plots.push_back(fmt::format("'{}' using 1:2:3 with yerrorlines pt 7 ps 0.8 lw 1.6 lc rgb '{}' title {}",
                                name, series_colour(s), gnuplot_text(series[s])));
  }
  std::vector<std::string> labels;
  for (const int n : sawl) labels.push_back(std::to_string(n));
  const double bottom = std::floor(std::max(0.0, 100.0 * least - 2.0) / 5.0) * 5.0;
  std::string script = fmt::format("set yrange [{}:100]\nset xrange [-0.5:{}]\n", bottom,
                                   static_cast<double>(sawl.size()) - 0.5);
  script += "set xtics " + tics(labels) + " noenhanced\n";
  script += "set xlabel 'SAWL (rows read at once)' textcolor rgb '#333333'\n";
  script += "set ylabel 'accuracy on the test split (%)' textcolor rgb '#333333'\n";
  ReportFigure figure;
  figure.name = "accuracy_over_sawl";
  figure.heading = "Model accuracy over SAWL";
  figure.caption =
      "Accuracy under the error model of each SAWL; bars are the standard deviation over repeats (reads or "
      "dies). The "
      "dashed line is the model in floating point, the dotted one the quantised model without read errors.";
  figure.svg = draw_svg(figure.name, script + join(plots), files, {920, 480});
  return figure;
}

}  // namespace

std::vector<ReportFigure> draw_report_figures(const ReportData& data) {
  std::vector<ReportFigure> figures;
  const auto add = [&](ReportFigure figure) {
    if (!figure.svg.empty()) figures.push_back(std::move(figure));
  };
  if (!data.verdict.empty()) add(error_figure(data));
  std::set<std::pair<std::string, std::string>> drawn;
  for (const ReportModel& model : data.models) {
    if (drawn.insert({model.key.cell, model.key.adc}).second)
      add(corner_figure(data, model.key.cell, model.key.adc));
  }
  for (const ReportCarriers& carriers : data.carriers) add(carriers_figure(carriers));
  if (!data.accuracy.empty()) add(accuracy_figure(data));
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
