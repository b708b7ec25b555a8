// Bars, stacks and lines as SVG, in the style of the reports (analysis/report/figure.hpp).
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace flare::studies {

/// A bar with its ends; low = high = value: none drawn. `group` sets its colour.
struct Bar {
  std::string label;
  double value = 0, low = 0, high = 0;
  int group = 0;
};

/// A horizontal band with a name, such as what digital arrays take; high 0: none.
struct Band {
  std::string name;
  double low = 0, high = 0;
};

struct Line {
  std::string title;
  std::vector<std::pair<double, double>> points;
  bool with_line = true;  // false: points alone
};

struct Axes {
  std::string x, y;
  bool log_x = false, log_y = false;
  bool tics_at_points = false;  // x: of the first line
};

// All throw analysis::FigureError. Labels stand under the bars, turned. Bars on a logarithmic axis, `percent`: from 0 to 100.
std::string draw_bars(const std::string& name, const std::string& y, const std::vector<Bar>& bars,
                      const std::vector<std::string>& groups, const Band& band = {}, bool percent = false);
/// From low to high of each, on a linear axis, beside 1: what one cause alone does to a whole.
std::string draw_ranges(const std::string& name, const std::string& y, const std::vector<Bar>& ranges,
                        const Band& band = {});
/// values[bar][part].
std::string draw_stacks(const std::string& name, const std::string& y, const std::vector<std::string>& labels,
                        const std::vector<std::string>& parts, const std::vector<std::vector<double>>& values,
                        const Band& band = {});
std::string draw_lines(const std::string& name, const Axes& axes, const std::vector<Line>& lines,
                       const Band& band = {});

}  // namespace flare::studies
