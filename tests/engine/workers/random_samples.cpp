#include "tests/engine/workers/random_samples.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <stdexcept>

namespace flare::engine::testing {
namespace {

constexpr std::array laws{LawKind::normal, LawKind::lognormal, LawKind::uniform, LawKind::gumbel};
constexpr std::array actions{Action::shift, Action::scale, Action::replace};

/// A law that leaves the circuit what it is: a few per cent, or `spread` as a shift.
Law law_for(const ExpectedKnob& knob, LawKind kind, Action action) {
  const double width = kind == LawKind::uniform ? 2.0 : 1.0;
  const bool lognormal = kind == LawKind::lognormal;
  switch (action) {
    case Action::shift:
      return lognormal ? Law{kind, knob.spread, 0.5} : Law{kind, 0.0, width * knob.spread};
    case Action::scale:
      return {kind, 1.0, 0.03 * width};
    case Action::replace:
      if (lognormal) return {kind, knob.nominal != 0.0 ? knob.nominal : knob.spread, 0.05};
      return {kind, knob.nominal, width * knob.spread};
  }
  throw std::invalid_argument("unknown action");
}

double standard_normal(Dice& dice) {
  const double radius = std::sqrt(-2.0 * std::log(dice.between(1e-3, 1.0)));  // within 3.7 sigma
  return radius * std::cos(2.0 * std::numbers::pi * dice.between(0.0, 1.0));
}

class Sampler {
 public:
  Sampler(std::uint64_t seed, RandomTestbench* t)
      : dice_(~seed), turn_(static_cast<std::size_t>(5 * seed)), t_(*t) {}

  void choose_knobs() {
    std::vector<ExpectedKnob> all = t_.circuit.knobs();
    // A .param makes every run load the circuit afresh: half of the circuits stay as they are loaded.
    if (dice_.chance(0.5))
      std::erase_if(all, [](const ExpectedKnob& k) { return k.knob.kind == KnobKind::parameter; });
    std::stable_sort(all.begin(), all.end(), [](const ExpectedKnob& a, const ExpectedKnob& b) {
      return rank(a.knob.kind) < rank(b.knob.kind);
    });
    // A few of every kind, the more the more there are.
    for (const ExpectedKnob& knob : all) {
      const double chance = knob.knob.kind == KnobKind::instance ? 0.4
                            : knob.knob.kind == KnobKind::model  ? 0.3
                                                                 : 0.6;
      if (dice_.chance(chance)) t_.knobs.push_back(knob);
    }
    if (t_.knobs.empty()) t_.knobs.push_back(all.back());
    for (const ExpectedKnob& knob : t_.knobs) t_.testbench.knobs.push_back(knob.knob);
  }

  /// A corner: values that hold in every run, from which what varies starts.
  void hold() {
    for (const ExpectedKnob& knob : t_.circuit.knobs()) {
      const bool may = (knob.knob.device == "vdd" && knob.knob.parameter == "dc") ||
                       (knob.knob.device == "nch" && knob.knob.parameter == "u0");
      if (may && dice_.chance(0.3))
        t_.testbench.settings.push_back({knob.knob, knob.nominal * dice_.between(0.95, 1.05)});
    }
  }

  /// One variable a knob, by every law and action in turn; a shift or a factor besides for some.
  void vary() {
    for (std::size_t k = 0; k < t_.knobs.size(); ++k) {
      const Action action = actions[(turn_ / laws.size()) % actions.size()];
      add(k, action);
      if (dice_.chance(0.2)) add(k, dice_.chance(0.5) ? Action::shift : Action::scale);
    }
    die_wide();
  }

 private:
  static int rank(KnobKind kind) { return kind == KnobKind::parameter ? 0 : 1; }

  void add(std::size_t knob, Action action) {
    const LawKind kind = laws[turn_++ % laws.size()];
    t_.testbench.variables.push_back({fmt::format("u{}", t_.testbench.variables.size()),
                                      law_for(t_.knobs[knob], kind, action),
                                      Scope::instance,
                                      "1",
                                      {{knob, action}}});
  }

  /// One factor for all sizes and resistances that vary.
  void die_wide() {
    Variable die{"die", {LawKind::lognormal, 1.0, 0.02}, Scope::die, "1", {}};
    for (std::size_t k = 0; k < t_.knobs.size(); ++k) {
      const std::string& key = t_.knobs[k].knob.parameter;
      if (key == "w" || key == "resistance") die.effects.push_back({k, Action::scale});
    }
    if (!die.effects.empty()) t_.testbench.variables.push_back(die);
  }

  Dice dice_;
  std::size_t turn_;
  RandomTestbench& t_;
};

Measure value_at_end(const std::string& vector) {
  Measure measure;
  measure.name = fmt::format("end_{}", vector);
  measure.vector = vector;
  return measure;
}

}  // namespace

double quantile(const Law& law, double x) {
  switch (law.kind) {
    case LawKind::normal:
      return law.location + law.scale * x;
    case LawKind::lognormal:
      return std::exp(std::log(std::fabs(law.location)) + law.scale * x) * (law.location < 0.0 ? -1.0 : 1.0);
    case LawKind::uniform:
      return law.location + law.scale * std::erf(x / std::numbers::sqrt2);
    case LawKind::gumbel: {
      const double below = 0.5 * std::erfc(-x / std::numbers::sqrt2);
      const double above = 0.5 * std::erfc(x / std::numbers::sqrt2);
      return law.location - law.scale * std::log(x > 0.0 ? -std::log1p(-above) : -std::log(below));
    }
  }
  throw std::invalid_argument("unknown law");
}

Changes RandomTestbench::changes(Eigen::Index row) const {
  Changes all;
  for (std::size_t i = 0; i < testbench.variables.size(); ++i) {
    const Variable& variable = testbench.variables[i];
    const double value = quantile(variable.law, points(row, static_cast<Eigen::Index>(i)));
    for (const Effect& effect : variable.effects) {
      Change& change = all[to_string(testbench.knobs[effect.knob])];
      if (effect.action == Action::shift) change.shift += value;
      if (effect.action == Action::scale) change.factor *= value;
      if (effect.action == Action::replace) {
        change.replaced = true;
        change.replacement = value;
      }
    }
  }
  for (const Setting& setting : testbench.settings) {
    Change& change = all[to_string(setting.knob)];
    if (change.replaced) continue;
    change.replaced = true;
    change.replacement = setting.value;
  }
  return all;
}

double RandomTestbench::temperature(Eigen::Index row) const {
  const Changes all = changes(row);
  const auto found = all.find("temperature");
  if (found == all.end()) return circuit.simulator.temperature;
  const Change& change = found->second;
  return (change.replaced ? change.replacement : circuit.simulator.temperature) * change.factor +
         change.shift;
}

std::set<Combination> RandomTestbench::combinations() const {
  std::set<Combination> all;
  for (const Variable& variable : testbench.variables) {
    for (const Effect& effect : variable.effects)
      all.insert({testbench.knobs[effect.knob].kind, variable.law.kind, effect.action});
  }
  return all;
}

RandomTestbench random_testbench(std::uint64_t seed, Eigen::Index samples) {
  RandomTestbench t;
  t.circuit = random_circuit(seed);
  t.testbench.name = fmt::format("seed {}", seed);
  t.testbench.deck = parse_deck(t.circuit.netlist(), "random.cir");
  t.testbench.analysis = t.circuit.analysis;
  t.testbench.options = t.circuit.simulator;
  for (const std::string& vector : t.circuit.observed) t.testbench.measures.push_back(value_at_end(vector));
  Sampler sampler(seed, &t);
  sampler.choose_knobs();
  sampler.vary();
  sampler.hold();
  Dice dice(seed ^ 0x5eed);
  t.points.resize(samples, static_cast<Eigen::Index>(t.testbench.dimension()));
  for (Eigen::Index i = 0; i < t.points.size(); ++i) t.points.data()[i] = standard_normal(dice);
  return t;
}

}  // namespace flare::engine::testing
