// All measures of a testbench, those that are arithmetic over others included.
#pragma once

#include <span>
#include <vector>

#include "engine/measures/expression.hpp"
#include "engine/measures/measure.hpp"

namespace flare::engine {

/// Positions of `measures` in an order in which every expression stands behind what it uses. Shorter than `measures`
/// where expressions use one another in a circle: those, and what rests on them, are left out. Throws
/// ExpressionError for an expression that cannot be read or uses a name that no measure has.
std::vector<std::size_t> evaluation_order(std::span<const Measure> measures);

class MeasureSet {
 public:
  /// Throws ExpressionError as evaluation_order does, and for a circle.
  explicit MeasureSet(std::vector<Measure> measures);

  /// One value a measure, in their order; NaN where it is not defined. An expression is undefined where a measure it
  /// uses is. `searched`: what searches found, by measure, NaN where they found nothing; empty: there are none. Throws
  /// std::invalid_argument where a vector was not saved.
  std::vector<double> evaluate(const Waveforms& waveforms, const std::vector<double>& searched = {});

 private:
  struct Step {
    std::size_t expression;         // in expressions_
    std::size_t measure;            // that it gives
    std::vector<std::size_t> from;  // that it uses, in the order of its names
  };
  std::vector<Measure> measures_;
  std::vector<Expression> expressions_;
  std::vector<Step> steps_;  // in the order of evaluation
};

}  // namespace flare::engine
