// What a study lets vary: the tables [[variation]] and [[die]].
//
// A law says how much; an action says what is done with it. `shift` adds the value to what the loaded circuit says,
// `scale` multiplies it, `replace` puts it in its place:
//
//   sigma = "20 mV"                       shift    nominal + 20 mV z
//   sigma = "3 %"                         scale    nominal (1 + 0.03 z)
//   sigma = "3 %", law = "lognormal"      scale    nominal exp(0.03 z)
//   sigma = "3 %", law = "lognormal", median = "1 kohm"   replace   1 kohm exp(0.03 z)
//   sigma = "20 ohm", median = "1 kohm"   replace  1 kohm + 20 ohm z
//
// `vth` always shifts, `beta` always scales. A Pelgrom coefficient takes the place of sigma: sigma = A / sqrt(W L m).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/simulate/variation.hpp"
#include "studies/toml/toml_section.hpp"

namespace flare::studies {

/// What a [[variation]] moves.
enum class VariationTarget {
  devices,    // an instance parameter of the devices that fit a pattern
  models,     // a parameter of the model cards that fit a pattern, for all their devices at once
  parameter,  // a top-level .param of the netlist
};

struct DeviceVariation {
  std::string place;  // "file:line: key" of the pattern, for errors
  VariationTarget target = VariationTarget::devices;
  std::string pattern = "*";  // over flat device or model names; the name of a .param
  std::string polarity;       // "nmos", "pmos" or empty for both; devices only
  std::string parameter;      // the simulator's: "delvto", "mulu0", "resistance", ...; empty for a .param
  std::string label;          // as the user wrote it: "vth", "beta", ...
  std::string device_types;   // first letters of the elements that have the parameter; empty: any
  engine::Law law;            // of the value; its scale is unused where pelgrom > 0
  engine::Action action = engine::Action::shift;
  std::string unit;      // of the value: "V", "Ohm", "1" for a factor
  double pelgrom = 0.0;  // sigma * sqrt(W L m), SI; sizes are read from the circuit
  engine::Scope scope = engine::Scope::instance;
  std::vector<std::string> cells;  // of a study of several columns: whose cells it moves; empty: all
};

/// A source or the temperature that varies from die to die.
struct DieVariation {
  std::string place;
  std::string source;  // flat name of the source; empty: the temperature
  engine::Law law;     // V, A or K; a factor where it scales
  engine::Action action = engine::Action::shift;
  std::string unit;
};

DeviceVariation read_device_variation(Section& section);
DieVariation read_die_variation(Section& section);

}  // namespace flare::studies
