// A formula of standard-normal coordinates, ready to be evaluated for every sample: what becomes of a netlist's
// expression that depends on its draws. Plain data; sent to workers and part of a run's fingerprint.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "engine/netlist/netlist_expression.hpp"

namespace flare::engine {

/// One operation on earlier steps.
struct FormulaStep {
  Operation operation = Operation::number;
  double number = 0.0;                // of a number
  std::uint32_t coordinate = 0;       // of a draw
  std::array<std::uint32_t, 3> of{};  // steps before this one

  bool operator==(const FormulaStep&) const = default;
};

class Formula {
 public:
  Formula() = default;
  /// `coordinate_of`: coordinates of draws; one that has none stays at zero. Throws NetlistExpressionError for what depends on the temperature.
  Formula(const NetlistValue& expression, const std::map<std::size_t, std::size_t>& coordinate_of);
  /// Throws std::invalid_argument where a step is no operation on steps before it.
  explicit Formula(std::vector<FormulaStep> steps);

  /// At the point `x`, of at least size() coordinates.
  double operator()(std::span<const double> x) const;
  /// One past the highest coordinate.
  std::size_t size() const;
  const std::vector<FormulaStep>& steps() const { return steps_; }
  bool operator==(const Formula&) const = default;

 private:
  std::vector<FormulaStep> steps_;
};

}  // namespace flare::engine
