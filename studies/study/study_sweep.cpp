#include "studies/study/study_sweep.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <limits>

namespace flare::studies {

namespace {

constexpr std::size_t most_points = 1000;

/// A value as written: its number and what follows it; a word has no number.
struct Written {
  double number = std::numeric_limits<double>::quiet_NaN();
  std::string unit;
};

std::string without_quotes(const std::string& toml) {
  const bool quoted = toml.size() >= 2 && (toml.front() == '"' || toml.front() == '\'');
  return quoted ? toml.substr(1, toml.size() - 2) : toml;
}

Written written(const std::string& toml) {
  const std::string text = without_quotes(toml);
  char* rest = nullptr;
  const double number = std::strtod(text.c_str(), &rest);
  if (rest == text.c_str()) return {};
  while (*rest == ' ') ++rest;
  return {number, rest};
}

/// Values of a range: evenly spaced, or in even ratios.
std::vector<std::string> range(Section& s) {
  const Written from = written(s.text_or_number("from"));
  const Written to = written(s.text_or_number("to"));
  if (std::isnan(from.number) || std::isnan(to.number))
    s.fail("from", "a range goes from one quantity to another");
  if (from.unit != to.unit)
    s.fail("to", fmt::format("is in '{}' and 'from' in '{}'; write both in one unit", to.unit, from.unit));
  const auto points =
      static_cast<std::size_t>(s.integer("points", 2, static_cast<std::int64_t>(most_points)));
  const bool ratios = s.choice("spacing", {"linear", "log"}, "linear") == "log";
  if (ratios && !(from.number > 0.0 && to.number > 0.0)) s.fail("spacing", "in ratios needs ends above 0");
  std::vector<std::string> values;
  for (std::size_t i = 0; i < points; ++i) {
    const double share = static_cast<double>(i) / static_cast<double>(points - 1);
    const double value = ratios ? from.number * std::pow(to.number / from.number, share)
                                : from.number + share * (to.number - from.number);
    values.push_back(from.unit.empty() ? fmt::format("{:.10g}", value)
                                       : fmt::format("\"{:.10g} {}\"", value, from.unit));
  }
  return values;
}

void find_numbers(SweepAxis& axis) {
  axis.unit = written(axis.values.front()).unit;
  for (const std::string& value : axis.values) {
    const Written w = written(value);
    axis.numbers.push_back(w.number);
    if (w.unit != axis.unit) axis.unit.clear();
  }
  for (std::size_t i = 0; i < axis.values.size(); ++i) {
    const bool other_unit = written(axis.values[i]).unit != axis.unit;
    if (other_unit) axis.numbers.assign(axis.values.size(), std::numeric_limits<double>::quiet_NaN());
  }
}

SweepAxis read_axis(Section& s) {
  SweepAxis axis;
  axis.place = s.place("");
  axis.key = s.text("key");
  if (axis.key.empty() || axis.key.starts_with("sweep"))
    s.fail("key", "names a key of the study, e.g. \"corners.supply\" or \"variation[vth].pelgrom\"");
  const bool listed = s.has("values");
  if (listed && s.has("from")) s.fail("values", "are a list, 'from' begins a range; give one of them");
  axis.values = listed ? s.values("values") : range(s);
  find_numbers(axis);
  s.finish();
  return axis;
}

}  // namespace

std::vector<SweepAxis> read_sweep(Section& root) {
  std::vector<SweepAxis> axes;
  std::size_t points = 1;
  for (Section& s : root.sections("sweep")) {
    axes.push_back(read_axis(s));
    for (std::size_t a = 0; a + 1 < axes.size(); ++a) {
      if (axes[a].key == axes.back().key) s.fail("key", fmt::format("'{}' is swept twice", axes.back().key));
    }
    points *= axes.back().values.size();
    if (points > most_points) {
      s.fail("",
             fmt::format(
                 "the sweep has {} points or more; at most {} fit one study: take fewer values, or split it",
                 points, most_points));
    }
  }
  return axes;
}

std::size_t sweep_points(const std::vector<SweepAxis>& axes) {
  std::size_t points = 1;
  for (const SweepAxis& axis : axes) points *= axis.values.size();
  return points;
}

std::vector<std::size_t> sweep_place(const std::vector<SweepAxis>& axes, std::size_t p) {
  std::vector<std::size_t> place(axes.size());
  for (std::size_t a = axes.size(); a-- > 0;) {
    place[a] = p % axes[a].values.size();
    p /= axes[a].values.size();
  }
  return place;
}

std::vector<std::string> sweep_assignments(const std::vector<SweepAxis>& axes, std::size_t p) {
  const std::vector<std::size_t> place = sweep_place(axes, p);
  std::vector<std::string> assignments;
  for (std::size_t a = 0; a < axes.size(); ++a)
    assignments.push_back(axes[a].key + "=" + axes[a].values[place[a]]);
  return assignments;
}

}  // namespace flare::studies
