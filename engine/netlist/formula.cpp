#include "engine/netlist/formula.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace flare::engine {
namespace {

/// Turns an expression into steps, what it shares once.
class Compiler {
 public:
  explicit Compiler(const std::map<std::size_t, std::size_t>& coordinate_of)
      : coordinate_of_(coordinate_of) {}

  std::uint32_t add(const NetlistValue& e) {
    const auto [place, fresh] = done_.try_emplace(e.get(), 0);
    if (!fresh) return place->second;
    FormulaStep step{.operation = e->operation, .number = e->number};
    if (e->operation == Operation::temperature)
      throw NetlistExpressionError("a draw and the temperature stand in one expression");
    if (e->operation == Operation::still_draw) step.operation = Operation::number;
    if (e->operation == Operation::draw) {
      const auto coordinate = coordinate_of_.find(e->draw);
      if (coordinate == coordinate_of_.end()) {
        step.operation = Operation::number;
      } else {
        step.coordinate = static_cast<std::uint32_t>(coordinate->second);
      }
    }
    for (std::size_t i = 0; i < e->of.size(); ++i) step.of[i] = add(e->of[i]);
    steps_.push_back(step);
    return done_[e.get()] = static_cast<std::uint32_t>(steps_.size() - 1);
  }

  std::vector<FormulaStep> take() { return std::move(steps_); }

 private:
  const std::map<std::size_t, std::size_t>& coordinate_of_;
  std::map<const Term*, std::uint32_t> done_;
  std::vector<FormulaStep> steps_;
};

}  // namespace

Formula::Formula(const NetlistValue& expression, const std::map<std::size_t, std::size_t>& coordinate_of) {
  Compiler compiler(coordinate_of);
  compiler.add(expression);
  steps_ = compiler.take();
}

Formula::Formula(std::vector<FormulaStep> steps) : steps_(std::move(steps)) {
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const FormulaStep& step = steps_[i];
    const bool leaf = step.operation == Operation::number || step.operation == Operation::draw;
    const bool earlier = std::all_of(step.of.begin(), step.of.end(), [&](std::uint32_t s) { return s < i; });
    const bool known = step.operation <= Operation::uniform && step.operation != Operation::still_draw &&
                       step.operation != Operation::temperature;
    if (!known || !(leaf || earlier))
      throw std::invalid_argument("a formula with a step that has no meaning");
  }
  if (steps_.empty()) throw std::invalid_argument("an empty formula");
}

double Formula::operator()(std::span<const double> x) const {
  std::vector<double> values(steps_.size());
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const FormulaStep& step = steps_[i];
    if (step.operation == Operation::number) {
      values[i] = step.number;
    } else if (step.operation == Operation::draw) {
      values[i] = x[step.coordinate];
    } else {
      values[i] = operate(step.operation, {values[step.of[0]], values[step.of[1]], values[step.of[2]]});
    }
  }
  return values.back();
}

std::size_t Formula::size() const {
  std::size_t size = 0;
  for (const FormulaStep& step : steps_) {
    if (step.operation == Operation::draw) size = std::max<std::size_t>(size, step.coordinate + 1);
  }
  return size;
}

}  // namespace flare::engine
