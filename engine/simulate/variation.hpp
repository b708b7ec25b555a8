// What varies from die to die and from device to device, and how a point in standard-normal space becomes
// settings of the simulator.
//
// Every estimator works in standard-normal space: x ~ N(0, I_d), one coordinate per Variable. A Variable's
// Law maps its coordinate to a value (value = F^-1(Phi(x)), so a non-normal law costs nothing extra), and the
// value moves one or more Knobs: a mismatch variable moves one knob of one device, a per-die variable the
// same knob of many devices. A value shifts, scales or replaces what the loaded circuit says; nothing else is
// ever taken as nominal.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/base/matrix.hpp"
#include "engine/base/move.hpp"
#include "engine/netlist/formula.hpp"

namespace flare::engine {

enum class LawKind {
  normal,     // location + scale x
  lognormal,  // location exp(scale x): location is the median, `scale` the sigma of the logarithm
  uniform,    // location - scale ... location + scale: scale is half the width
  gumbel,     // largest-value Gumbel with mode `location` and scale `scale`
};

/// The marginal law of one variable, in the SI unit of what it moves.
struct Law {
  LawKind kind = LawKind::normal;
  double location = 0.0;
  double scale = 1.0;

  /// Value at the standard-normal coordinate x: F^-1(Phi(x)). Monotone; but for a normal law constant beyond |x| = 38.
  double value(double x) const;
};

enum class Scope {
  instance,  // drawn afresh for every device
  die,       // one draw shared by everything on a die (global process, supply, temperature)
};

/// How the value of a variable enters a setting.
enum class Action {
  shift,    // added to what the circuit says
  scale,    // a factor on what the circuit says
  replace,  // in place of what the circuit says
};

/// One effect of a variable: it moves knob `knob` of the testbench.
struct Effect {
  std::size_t knob = 0;
  Action action = Action::shift;

  bool operator==(const Effect&) const = default;
};

struct Variable {
  std::string name;  // e.g. "xrow3.ma.vth"
  Law law;
  Scope scope = Scope::instance;
  std::string unit;  // of the value, e.g. "V"; "1" for a ratio
  std::vector<Effect> effects;
};

enum class KnobKind {
  instance,     // instance parameter of a device or source: delvto of m.xrow3.ma, dc of vdd
  model,        // parameter of a model card, for all its devices: vth0 of nch
  parameter,    // a top-level .param of the netlist; the circuit is loaded afresh for every run
  temperature,  // circuit temperature, degC
};

/// A setting of the simulator. It has no value of its own: what it starts from is read from the loaded circuit.
struct Knob {
  KnobKind kind = KnobKind::instance;
  std::string device;     // flat ngspice name, lower case: device, source or model; empty for the others
  std::string parameter;  // "delvto", "dc", "vth0"; the name of a .param; empty for the temperature

  bool operator==(const Knob&) const = default;
};

/// What the netlist says of a knob, where that depends on draws of its own: a formula of the coordinates of a run.
/// Variables with effects on the knob move it from there.
struct NetlistFormula {
  std::size_t knob = 0;
  Formula formula;

  bool operator==(const NetlistFormula&) const = default;
};

/// "m.x0.ma[delvto]", ".param vboost", "temperature": for messages.
std::string to_string(const Knob& knob);

/// True for parameters that only make sense above zero: sizes, areas, resistances given as such.
bool must_be_positive(const Knob& knob);

/// One move a knob at the standard-normal point x (length variables.size()). Throws std::invalid_argument where lengths
/// differ, an effect names a knob that does not exist, or two variables replace the same knob.
std::vector<Move> knob_moves(const std::vector<Knob>& knobs, const std::vector<Variable>& variables,
                             const Eigen::Ref<const Eigen::RowVectorXd>& x);

/// Settings of all knobs at the standard-normal point x (length variables.size()). `nominals`: what the circuit says,
/// one value a knob. Throws std::invalid_argument as knob_moves does.
std::vector<double> knob_settings(const std::vector<Knob>& knobs, const std::vector<Variable>& variables,
                                  const std::vector<double>& nominals,
                                  const Eigen::Ref<const Eigen::RowVectorXd>& x);

}  // namespace flare::engine
