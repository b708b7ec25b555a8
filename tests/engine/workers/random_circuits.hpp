// Small random circuits for the property test of the engine, with all that a test may want to know of them: what
// stands in the netlist, what the simulator must make of it, and the same netlist with other values written into its
// text, which is how a sample is simulated without the engine.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/simulate/testbench.hpp"

namespace flare::engine::testing {

/// Uniform numbers that are the same with every standard library.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}

  std::uint64_t bits();  // SplitMix64 (Steele, Lea, Flood, OOPSLA 2014)
  double between(double low, double high);
  /// log-uniform, three digits, so that a netlist reads like one that somebody wrote.
  double decade(double low, double high);
  int below(int n);
  bool chance(double probability) { return between(0.0, 1.0) < probability; }

 private:
  std::uint64_t state_;
};

/// A value of the netlist: a literal or an expression of parameters.
struct CircuitValue {
  std::string key;      // as a knob names it: "resistance", "w", "vth0"
  std::string text;     // "1200" or "2*r0"; what holds where it is not written
  bool literal = true;  // else it stands in braces
  bool written = true;  // false: not in the netlist, the simulator's default
};

struct CircuitElement {
  std::string name;  // as in the netlist: "m1"
  std::vector<std::string> nodes;
  std::string model;                 // model or subcircuit; empty: none
  std::vector<CircuitValue> values;  // the first stands without its key for r, c, v and i
  std::string tail;                  // time function
  std::string condition = {};        // the element stands in .if (condition)
  bool present = true;               // the condition holds

  char type() const { return name.front(); }
};

struct CircuitModelCard {
  std::string name;
  std::string type;
  std::vector<CircuitValue> values;  // those that may vary
  std::string rest;                  // all others, as text
};

struct CircuitBlock {  // a subcircuit, or the top level
  std::string name;
  std::vector<std::string> ports;
  std::vector<CircuitValue> parameters;  // with defaults; of the top level its .param statements
  std::vector<CircuitElement> elements;
  std::vector<CircuitModelCard> models;
};

/// What becomes of a value in one sample: (replacement, else what stands there) * factor + shift.
struct Change {
  bool replaced = false;
  double replacement = 0.0;
  double factor = 1.0;
  double shift = 0.0;
};
/// By to_string(knob).
using Changes = std::map<std::string, Change>;

/// What a circuit is built to show.
enum class Flavour {
  plain,
  latch,          // two stable states
  floating,       // a node without a DC path
  extra_options,  // gmin, rshunt, cshunt: the circuits after it must not see them
  dialect,        // an expression that a compatibility mode reads differently
  binned,         // models in bins of the width
};
inline constexpr std::array flavours{Flavour::plain,         Flavour::latch,   Flavour::floating,
                                     Flavour::extra_options, Flavour::dialect, Flavour::binned};

struct ExpectedDevice {
  std::string name;
  char type = 'r';
  std::vector<std::string> nodes;
  std::string model;  // as the listing has it: "x1.x2:dl" of a subcircuit's own
  bool waveform = false;
};

/// A knob that the circuit has, and how far it is sensible to move it.
struct ExpectedKnob {
  Knob knob;
  double nominal = 0.0;  // with nominal parameters
  double spread = 0.0;   // one sigma of a shift
};

struct RandomCircuit {
  std::uint64_t seed = 0;
  Flavour flavour = Flavour::plain;
  CircuitBlock top;
  std::vector<CircuitBlock> subcircuits;
  std::vector<std::string> statements;  // .options and .ic
  std::vector<std::string> floating;
  Analysis analysis;
  SimulatorOptions simulator;
  std::vector<std::string> observed;  // vectors: "v(n3)", "i(vdd)"

  /// The netlist as a user would write it.
  std::string netlist() const;
  /// The netlist of one sample: every instance has a subcircuit of its own with the values changed in the text.
  /// No .end: analyses can be added.
  std::string changed_netlist(const Changes& changes, double temperature) const;

  std::vector<ExpectedDevice> devices() const;
  /// Every value that may vary, in the order of the netlist. Those that hang on a parameter have it at its nominal.
  std::vector<ExpectedKnob> knobs() const;

  const CircuitBlock& subcircuit(const std::string& name) const;
};

/// The circuit of a seed; `flavour` is seed modulo the number of flavours.
RandomCircuit random_circuit(std::uint64_t seed);

/// Value of an arithmetic expression of `parameters`: numbers, names, + - * / and parentheses.
double value_of_expression(const std::string& text, const std::map<std::string, double>& parameters);

}  // namespace flare::engine::testing
