#include "engine/measures/measure_set.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace flare::engine {
namespace {

constexpr double undefined = std::numeric_limits<double>::quiet_NaN();

std::size_t position(std::span<const Measure> measures, const std::string& name, const Measure& asking) {
  const auto found =
      std::find_if(measures.begin(), measures.end(), [&](const Measure& m) { return m.name == name; });
  if (found == measures.end()) {
    throw ExpressionError("measure " + asking.name + " uses " + name + ", which no measure is called");
  }
  return static_cast<std::size_t>(found - measures.begin());
}

std::vector<std::size_t> used(std::span<const Measure> measures, const Measure& measure) {
  std::vector<std::size_t> positions;
  if (measure.kind != MeasureKind::expression) return positions;
  const Expression expression(measure.expression);
  for (const std::string& name : expression.names()) positions.push_back(position(measures, name, measure));
  return positions;
}

}  // namespace

std::vector<std::size_t> evaluation_order(std::span<const Measure> measures) {
  std::vector<std::vector<std::size_t>> uses;
  for (const Measure& measure : measures) uses.push_back(used(measures, measure));
  std::vector<std::size_t> order;
  std::vector<bool> placed(measures.size(), false);
  for (bool more = true; more;) {
    more = false;
    for (std::size_t m = 0; m < measures.size(); ++m) {
      if (placed[m] || !std::all_of(uses[m].begin(), uses[m].end(), [&](std::size_t u) { return placed[u]; }))
        continue;
      placed[m] = more = true;
      order.push_back(m);
    }
  }
  return order;
}

MeasureSet::MeasureSet(std::vector<Measure> measures) : measures_(std::move(measures)) {
  const std::vector<std::size_t> order = evaluation_order(measures_);
  if (order.size() < measures_.size()) throw ExpressionError("measures use one another in a circle");
  for (const std::size_t m : order) {
    if (measures_[m].kind != MeasureKind::expression) continue;
    expressions_.emplace_back(measures_[m].expression);
    steps_.push_back({expressions_.size() - 1, m, used(measures_, measures_[m])});
  }
}

std::vector<double> MeasureSet::evaluate(const Waveforms& waveforms, const std::vector<double>& searched) {
  std::vector<double> values(measures_.size(), undefined);
  for (std::size_t m = 0; m < measures_.size(); ++m) {
    if (measures_[m].kind == MeasureKind::expression) continue;
    if (measures_[m].kind == MeasureKind::search) {
      if (m < searched.size()) values[m] = searched[m];
      continue;
    }
    values[m] = engine::evaluate(measures_[m], waveforms).value_or(undefined);
  }
  std::vector<double> inputs;
  for (const Step& step : steps_) {
    inputs.clear();
    for (const std::size_t m : step.from) inputs.push_back(values[m]);
    const double value = expressions_[step.expression].value(inputs) * measures_[step.measure].scale;
    values[step.measure] = std::isfinite(value) ? value : undefined;
  }
  return values;
}

}  // namespace flare::engine
