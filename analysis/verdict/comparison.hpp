// Two answers to one question, from two results: do they differ by more than their intervals allow?
//
// Independent estimates a < b with the half-widths that face each other, h_a of a's upper and h_b of b's lower side, differ
// at 95 % where b - a > sqrt(h_a^2 + h_b^2). Results of one study share their random numbers and differ by less; a change
// that shows is real.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace flare::analysis {

/// A number with its interval, in whatever unit; NaN: refused.
struct Compared {
  double value = 0.0;
  double low = 0.0;
  double high = 0.0;
  bool passes = false;
  std::string text;  // as it is shown
};

enum class Difference {
  none,
  beyond_intervals,
  verdict,  // what passes changed
  only_before,
  only_after,
};
std::string_view to_string(Difference difference);

Difference difference_of(const std::optional<Compared>& before, const std::optional<Compared>& after);

/// One question asked of both results.
struct ComparedRow {
  std::string name;
  std::optional<Compared> before;
  std::optional<Compared> after;

  Difference difference() const { return difference_of(before, after); }
};

}  // namespace flare::analysis
