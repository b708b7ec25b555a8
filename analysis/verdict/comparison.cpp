#include "analysis/verdict/comparison.hpp"

#include <cmath>

namespace flare::analysis {

std::string_view to_string(Difference difference) {
  switch (difference) {
    case Difference::none:
      return "";
    case Difference::beyond_intervals:
      return "beyond the intervals";
    case Difference::verdict:
      return "the verdict changed";
    case Difference::only_before:
      return "only in the first";
    case Difference::only_after:
      return "only in the second";
  }
  return "";
}

Difference difference_of(const std::optional<Compared>& before, const std::optional<Compared>& after) {
  if (!before || !after)
    return before ? Difference::only_before : after ? Difference::only_after : Difference::none;
  if (before->passes != after->passes) return Difference::verdict;
  const bool refused = std::isnan(before->value);
  if (refused || std::isnan(after->value))
    return refused == std::isnan(after->value) ? Difference::none : Difference::verdict;
  const bool rises = after->value > before->value;
  const Compared& low = rises ? *before : *after;
  const Compared& high = rises ? *after : *before;
  const double allowed = std::hypot(low.high - low.value, high.value - high.low);
  return high.value - low.value > allowed ? Difference::beyond_intervals : Difference::none;
}

}  // namespace flare::analysis
