// A testbench as a netlist of its own, which plain `ngspice -b` runs and which prints the measures.
#pragma once

#include <span>
#include <string>

#include "engine/simulate/testbench.hpp"

namespace flare::engine {

/// The text: circuit, options, settings and analysis as the engine gives them to ngspice (first try), then every measure
/// of a transient or an operating point printed under its name with 16 digits; a measure that ngspice has no word for (a period, an expression)
/// is a comment. `settings`: values of the knobs, one each; empty: the circuit's own. Throws std::invalid_argument where
/// a knob is a .param, std::runtime_error as circuit_lines does.
std::string netlist_text(const Testbench& testbench, std::span<const double> settings = {});

}  // namespace flare::engine
