// From a testbench to SPICE text and ngspice's commands: the one place that says what is written. What the engine
// loads, what `flare check` writes out and what runs under plain `ngspice -b` are the same lines.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/netlist/deck.hpp"
#include "engine/simulate/testbench.hpp"

namespace flare::engine {

/// How hard ngspice tries: the rungs of the retry ladder. Rung 0 is the testbench as asked.
inline constexpr int rungs = 3;

/// The `.options` card and the analysis of one rung.
std::string option_card(const SimulatorOptions& options, int rung);
std::string analysis_command(const Analysis& analysis, int rung);

/// The circuit as ngspice is given it: analyses, output requests and the options we set ourselves are left out of the
/// deck; `save` lists the vectors that are kept (empty: all). Throws std::runtime_error for a deck with random sources,
/// std::invalid_argument for names that are none.
std::vector<std::string> circuit_lines(const Deck& deck, const SimulatorOptions& options, int rung,
                                       std::span<const std::string> save);

/// True where what the deck or the options set would stay for the next circuit in the same process.
bool leaves_traces(const Deck& deck, const SimulatorOptions& options);

/// The command that sets a knob in the loaded circuit. Throws std::invalid_argument for names that are none and for a
/// .param, which only a fresh load moves.
std::string knob_command(const Knob& knob, double value);

/// Names come from studies and result files and go into commands: nothing in them may end a command or begin
/// another. Throws std::invalid_argument.
void check_name(std::string_view name);

/// "bl" -> "v(bl)", "vdd#branch" -> "i(vdd)", "@m.x1.m1[id]" as it is: a plotted name as measures write it.
std::string vector_name(const std::string& plotted);

/// The vectors the measures need, each once.
std::vector<std::string> measured_vectors(const Testbench& testbench);

/// The analysis, ended where the last measure is decided; its time steps are those of the whole one.
Analysis trimmed_analysis(const Testbench& testbench);

/// The vector that parameter_line() makes of a top-level .param, and that line.
std::string parameter_vector(const std::string& parameter);
std::string parameter_line(const std::string& parameter);

}  // namespace flare::engine
