#include "engine/measures/threshold_search.hpp"

namespace flare::engine {

std::optional<double> search_threshold(const Measure& measure,
                                       const std::function<std::optional<double>(double)>& output) {
  double low = measure.from;
  double high = measure.to.value_or(low);
  const std::optional<double> first = output(low);
  const std::optional<double> last = output(high);
  if (!first || !last) return std::nullopt;
  const bool low_above = *first >= measure.level;
  if (low_above == (*last >= measure.level)) return std::nullopt;
  while (high - low > measure.resolution) {
    const double middle = low + 0.5 * (high - low);
    if (middle <= low || middle >= high) break;  // no number lies between
    const std::optional<double> value = output(middle);
    if (!value) return std::nullopt;
    ((*value >= measure.level) == low_above ? low : high) = middle;
  }
  return measure.scale * (low + 0.5 * (high - low));
}

}  // namespace flare::engine
