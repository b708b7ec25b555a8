#include "analysis/report/status_series.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "analysis/tails/tail_text.hpp"

namespace flare::analysis {
namespace {

// gnuplot's point types.
constexpr int filled = 7;
constexpr int open = 6;
constexpr int triangle_up = 8;
constexpr int triangle_down = 10;

// An upper bound on P lies above the truth; the same bound in sigma lies below it. A lower one the other way.
int limit_type(const TailAxis& axis, bool upper) {
  return (axis.quantity == TailAxis::Quantity::sigma) == upper ? triangle_up : triangle_down;
}

const char* limit_text(int type) {
  return type == triangle_up ? "bound: this or more" : "bound: this or less";
}

std::string key_entry(int type, const char* text) {
  return fmt::format("NaN with points pt {} ps 0.9 lc rgb '#444444' title '{}'", type, text);
}

}  // namespace

void StatusSeries::add(double x, const TailProbability& tail) {
  if (tail.status == TailStatus::refused) return;
  const double y = axis_.of(tail.p);
  values_ += fmt::format("{:.4f} {:.6g} \"{}, P {}\"\n", x, std::clamp(y, axis_.bottom, axis_.top),
                         sigma_sentence(tail), probability_text(tail));
  if (!(y >= axis_.bottom && y <= axis_.top)) {
    const bool below = y < axis_.bottom;
    const std::string text =
        axis_.quantity == TailAxis::Quantity::sigma ? sigma_text(tail) : probability_text(tail, 1);
    clipped_ += fmt::format("{:.4f} {:.6g} {} \"{}\"\n", x, below ? axis_.bottom : axis_.top,
                            below ? triangle_down + 1 : triangle_up + 1, text);
    return;
  }
  if (tail.status == TailStatus::bound) {
    (tail.is_upper_bound() ? upper_limits_ : lower_limits_) += fmt::format("{:.4f} {:.6g}\n", x, y);
    return;
  }
  const auto inside = [&](double v) { return std::clamp(v, axis_.bottom, axis_.top); };
  const double a = axis_.of(tail.low);
  const double b = axis_.of(tail.high);
  (tail.status == TailStatus::estimated ? solid_ : open_) +=
      fmt::format("{:.4f} {:.6g} {:.6g} {:.6g}\n", x, y, inside(std::min(a, b)), inside(std::max(a, b)));
}

std::vector<std::string> StatusSeries::plots(const std::string& prefix, const std::string& title,
                                             const std::string& colour, std::vector<DataFile>& files) const {
  std::vector<std::string> plots;
  const auto add = [&](const char* kind, const std::string& content, const std::string& style) {
    if (content.empty()) return;
    const std::string name = prefix + kind + ".dat";
    files.push_back({name, content});
    plots.push_back(fmt::format("'{}' using {} lc rgb '{}' notitle", name, style, colour));
  };
  const auto bars = [](int type) { return fmt::format("1:2:3:4 with yerrorbars pt {} ps 0.9 lw 1.6", type); };
  add("solid", solid_, bars(filled));
  add("open", open_, bars(open));
  const auto triangles = [](int type) { return fmt::format("1:2 with points pt {} ps 1.2 lw 1.6", type); };
  add("limits", upper_limits_, triangles(limit_type(axis_, true)));
  add("lower_limits", lower_limits_, triangles(limit_type(axis_, false)));
  add("clipped", clipped_, "1:2:3 with points pt variable ps 1.2");
  if (!clipped_.empty()) {
    plots.push_back(
        fmt::format("'{}clipped.dat' using 1:2:4 with labels offset char 1,{} left font ',12' "
                    "textcolor rgb '{}' notitle",
                    prefix, axis_.quantity == TailAxis::Quantity::sigma ? "-0.6" : "0.6", colour));
  }
  if (!values_.empty()) {
    const std::string name = prefix + "values.dat";
    files.push_back({name, values_});
    plots.push_back(fmt::format(
        "'{}' using 1:2:3 with labels hypertext point pt {} ps 2 lc rgb '#ff000000' notitle", name, filled));
  }
  plots.push_back(
      fmt::format("NaN with points pt {} ps 0.9 lc rgb '{}' title {}", filled, colour, gnuplot_text(title)));
  return plots;
}

void StatusSeries::tell(Drawn& drawn) const {
  drawn.open = drawn.open || !open_.empty();
  drawn.upper_limits = drawn.upper_limits || !upper_limits_.empty();
  drawn.lower_limits = drawn.lower_limits || !lower_limits_.empty();
  drawn.clipped = drawn.clipped || !clipped_.empty();
}

std::vector<std::string> StatusSeries::key(const Drawn& drawn, const TailAxis& axis) {
  std::vector<std::string> entries = {key_entry(filled, "estimated")};
  if (drawn.open) entries.push_back(key_entry(open, "extrapolated"));
  for (const bool upper : {true, false}) {
    if (!(upper ? drawn.upper_limits : drawn.lower_limits)) continue;
    const int type = limit_type(axis, upper);
    entries.push_back(key_entry(type, limit_text(type)));
  }
  if (drawn.clipped) entries.push_back(key_entry(triangle_down + 1, "outside the axis: value beside it"));
  return entries;
}

}  // namespace flare::analysis
