#include "studies/paper/drawing.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "analysis/report/figure.hpp"

namespace flare::studies {

namespace {

using analysis::DataFile;
using analysis::gnuplot_text;
using analysis::series_colour;

constexpr const char* band_style = "fs transparent solid 0.55 noborder";

/// In front of bars, which it would hide behind.
std::string band_script(const Band& band) {
  if (!(band.high > 0)) return {};
  return fmt::format(
      "set object 99 rectangle from graph 0, first {:.6e} to graph 1, first {:.6e} fc rgb '#555555' {} "
      "front\n",
      band.low, band.high, band_style);
}

/// Its name in the key.
std::string band_key(const Band& band) {
  if (!(band.high > 0)) return {};
  return fmt::format(", \\\n NaN with boxes {} lc rgb '#555555' title {}", band_style,
                     gnuplot_text(band.name));
}

/// A logarithmic axis that holds every bar, its ends and the band.
std::string log_axis(const std::vector<Bar>& bars, const Band& band) {
  double least = 1e300, most = 0;
  for (const Bar& bar : bars) {
    least = std::min({least, bar.value, bar.low, bar.high});
    most = std::max({most, bar.value, bar.low, bar.high});
  }
  return fmt::format("set logscale y\nset format y '10^{{%L}}'\nset yrange [{:.3e}:{:.3e}]\n",
                     (band.high > 0 ? std::min(least, band.low) : least) / 2, 2 * std::max(most, band.high));
}

std::string tics_of(const std::vector<std::string>& labels) {
  std::string text;
  for (std::size_t i = 0; i < labels.size(); ++i)
    text += fmt::format("{}{} {}", i == 0 ? "" : ", ", gnuplot_text(labels[i]), i);
  return fmt::format("set xtics ({}) rotate by -48 font ',11' noenhanced\nset xrange [-0.6:{}]\n", text,
                     static_cast<double>(labels.size()) - 0.4);
}

/// Room for turned labels, on a page of 700 px.
std::string frame_of(const std::string& y, const std::vector<std::string>& labels) {
  std::size_t longest = 0;
  for (const std::string& label : labels) longest = std::max(longest, label.size());
  return fmt::format(
      "set bmargin at screen {:.3f}\nset rmargin at screen 0.86\nset lmargin at screen 0.1\nset ylabel {} "
      "noenhanced\n",
      std::min(0.55, (50 + 4.7 * static_cast<double>(longest)) / 700), gnuplot_text(y));
}

std::string tics_at(const Line& line) {
  std::string text;
  for (const auto& [x, y] : line.points) text += fmt::format("{}{:g}", text.empty() ? "" : ", ", x);
  return fmt::format("set xtics ({})\n", text);
}

/// A logarithmic horizontal axis that ends with the data.
std::string log_range(const std::vector<Line>& lines) {
  double least = 1e300, most = 0;
  for (const Line& line : lines)
    for (const auto& [x, y] : line.points) {
      least = std::min(least, x);
      most = std::max(most, x);
    }
  return fmt::format("set xrange [{:.4g}:{:.4g}]\n", 0.9 * least, 1.15 * most);
}

}  // namespace

std::string draw_bars(const std::string& name, const std::string& y, const std::vector<Bar>& bars,
                      const std::vector<std::string>& groups, const Band& band, bool percent) {
  std::vector<std::string> labels;
  std::vector<DataFile> files;
  std::string plots;
  labels.reserve(bars.size());
  for (const Bar& bar : bars) labels.push_back(bar.label);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    std::string data;
    for (std::size_t i = 0; i < bars.size(); ++i)
      if (bars[i].group == static_cast<int>(g))
        data += fmt::format("{} {:.6e} {:.6e} {:.6e}\n", i, bars[i].value, bars[i].low, bars[i].high);
    if (data.empty()) continue;
    const std::string file = fmt::format("bars{}.dat", g);
    files.push_back({file, data});
    // Ends as lines: error bars would come with points.
    plots += fmt::format(
        "{0}'{1}' using 1:2:(0.7) with boxes fs solid 0.75 noborder lc rgb '{2}' title {3}, \\\n '{1}' using "
        "1:3:(0):($4-$3) with vectors nohead lw 1.4 lc rgb '#333333' notitle",
        plots.empty() ? "plot " : ", \\\n ", file, series_colour(g), gnuplot_text(groups[g]));
  }
  return analysis::draw_svg(name,
                            frame_of(y, labels) + tics_of(labels) +
                                (percent ? "set yrange [0:105]\n" : log_axis(bars, band)) +
                                band_script(band) + plots + band_key(band) + "\n",
                            files, {1000, 700});
}

std::string draw_ranges(const std::string& name, const std::string& y, const std::vector<Bar>& ranges,
                        const Band& band) {
  std::vector<std::string> labels;
  std::string data;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    labels.push_back(ranges[i].label);
    data += fmt::format("{} {:.6e} {:.6e}\n", i, ranges[i].low, ranges[i].high);
  }
  return analysis::draw_svg(name,
                            frame_of(y, labels) + tics_of(labels) + "set yrange [0:*]\nset boxwidth 0.6\n" +
                                band_script(band) +
                                fmt::format("plot 'ranges.dat' using 1:2:2:3:3 with candlesticks fs solid "
                                            "0.75 noborder lc rgb '{}' notitle, 1 lc "
                                            "rgb '#333333' notitle{}\n",
                                            series_colour(0), band_key(band)),
                            {{"ranges.dat", data}}, {1000, 700});
}

std::string draw_stacks(const std::string& name, const std::string& y, const std::vector<std::string>& labels,
                        const std::vector<std::string>& parts, const std::vector<std::vector<double>>& values,
                        const Band& band) {
  std::string data;
  for (std::size_t i = 0; i < values.size(); ++i) {
    data += fmt::format("{}", i);
    for (const double value : values[i]) data += fmt::format(" {:.6e}", value);
    data += "\n";
  }
  std::string plots;
  for (std::size_t p = 0; p < parts.size(); ++p)
    plots += fmt::format("{}'stacks.dat' using {} fs solid 0.85 noborder lc rgb '{}' title {}",
                         p == 0 ? "plot " : ", \\\n ", p + 2, series_colour(p), gnuplot_text(parts[p]));
  return analysis::draw_svg(
      name,
      fmt::format("set ylabel {} noenhanced\n", gnuplot_text(y)) +
          "set style data histograms\nset style histogram rowstacked\nset boxwidth 0.75\n" + tics_of(labels) +
          "set xtics norotate\n" + "set yrange [0:*]\n" + band_script(band) + plots + band_key(band) + "\n",
      {{"stacks.dat", data}}, {1000, 560});
}

std::string draw_lines(const std::string& name, const Axes& axes, const std::vector<Line>& lines,
                       const Band& band) {
  std::vector<DataFile> files;
  std::string plots;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::string data;
    for (const auto& [x, y] : lines[i].points) data += fmt::format("{:.6e} {:.6e}\n", x, y);
    const std::string file = fmt::format("line{}.dat", i);
    files.push_back({file, data});
    plots += fmt::format("{}'{}' with {} lw 2 pt 7 ps {:.1f} lc rgb '{}' title {}",
                         i == 0 ? "plot " : ", \\\n ", file, lines[i].with_line ? "linespoints" : "points",
                         std::max(0.6, 1.4 - 0.25 * static_cast<double>(i)), series_colour(i),
                         gnuplot_text(lines[i].title));
  }
  return analysis::draw_svg(
      name,
      fmt::format("set xlabel {} noenhanced\nset ylabel {} noenhanced\n{}{}{}", gnuplot_text(axes.x),
                  gnuplot_text(axes.y), axes.log_x ? "set logscale x\n" + log_range(lines) : "",
                  axes.log_y ? "set logscale y\n" : "", axes.tics_at_points ? tics_at(lines.front()) : "") +
          band_script(band) + plots + band_key(band) + "\n",
      files, {1000, 520});
}

}  // namespace flare::studies
