// What the figures of the report are put together from.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <type_traits>
#include <vector>

#include "analysis/report/figure.hpp"
#include "analysis/report/status_series.hpp"

namespace flare::analysis {

/// A figure on its way: data files, plot clauses, and what is told below it.
struct FigureParts {
  std::vector<DataFile> files;
  std::vector<std::string> plots;
  StatusSeries::Drawn drawn;
  std::vector<std::string> refused;  // what is not drawn

  /// The points of one series, in its colour.
  void add(const StatusSeries& points, const std::string& prefix, const std::string& title,
           const std::string& colour);
  /// " Not drawn, because refused: a; b."; empty where all was drawn.
  std::string refused_text() const;
};

/// A figure's name from any text: letters, digits and "_", at most 60 of them.
std::string figure_name(const std::string& text);

/// ('a' 0, 'b' 1, ...): tics at 0, 1, ...
std::string tics(const std::vector<std::string>& labels);

/// The x axis of SAWL, a tic each.
std::string sawl_axis(const std::vector<int>& sawl);

/// One plot command of all clauses.
std::string plot_command(const std::vector<std::string>& clauses);

/// "x y value" lines of `file` as coloured cells one wide and high; a cell may be missing.
std::string palette_cells(const std::string& file);

/// Where series i of n stands beside its tic, all within `width`.
double beside(std::size_t i, std::size_t n, double width);

/// The values of `get(row)`, each once, in the order of the rows.
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

}  // namespace flare::analysis
