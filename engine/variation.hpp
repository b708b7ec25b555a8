// What varies from die to die and from device to device, and how a point in standard-normal space becomes
// settings of the simulator.
//
// Every estimator works in standard-normal space: x ~ N(0, I_d), one coordinate per Variable. A Variable's
// Law maps its coordinate to a value (value = F^-1(Phi(x)), so a non-normal law costs nothing extra), and the
// value moves one or more Knobs: a mismatch variable moves one knob of one device, a per-die variable the
// same knob of many devices.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/base/matrix.hpp"

namespace flare::engine {

enum class LawKind {
  normal,     // location + scale x
  lognormal,  // location exp(scale x): `scale` is the sigma of the logarithm
  uniform,    // location - scale ... location + scale
  gumbel,     // largest-value Gumbel with mode `location` and scale `scale`
};

/// The marginal law of one variable, in the SI unit of what it moves.
struct Law {
  LawKind kind = LawKind::normal;
  double location = 0.0;
  double scale = 1.0;

  /// Value at the standard-normal coordinate x: F^-1(Phi(x)). Monotone and finite for |x| <= 38.
  double value(double x) const;
};

enum class Scope {
  instance,  // drawn afresh for every device
  die,       // one draw shared by everything on a die (global process, supply, temperature)
};

/// One effect of a variable: it moves knob `knob` of the testbench by gain * value.
struct Effect {
  std::size_t knob = 0;
  double gain = 1.0;
};

struct Variable {
  std::string name;  // e.g. "xrow3.ma.vth"
  Law law;
  Scope scope = Scope::instance;
  std::string unit;  // of the value, e.g. "V"; "1" for a ratio
  std::vector<Effect> effects;
};

enum class KnobKind {
  device_parameter,  // instance parameter of a device, e.g. delvto of m.xrow3.ma
  source_value,      // DC value of an independent source, e.g. vdd
  temperature,       // circuit temperature, degC
};

enum class Combine {
  sum,      // setting = nominal + sum of contributions
  product,  // setting = nominal * exp(sum of contributions): stays positive
};

/// A setting of the simulator that changes between runs without reloading the netlist.
struct Knob {
  KnobKind kind = KnobKind::device_parameter;
  std::string device;     // flat ngspice name in lower case; empty for the temperature
  std::string parameter;  // for a device_parameter, e.g. "delvto", "mulu0"
  double nominal = 0.0;
  Combine combine = Combine::sum;

  bool operator==(const Knob&) const = default;
};

/// Settings of all knobs at the standard-normal point x (length variables.size()).
/// Throws std::invalid_argument where the lengths differ or an effect names a knob that does not exist.
std::vector<double> knob_settings(const std::vector<Knob>& knobs, const std::vector<Variable>& variables,
                                  const Eigen::Ref<const Eigen::RowVectorXd>& x);

}  // namespace flare::engine
