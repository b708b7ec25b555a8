// The netlist's own draws as variables of a study.
#pragma once

#include <string>
#include <vector>

#include "engine/netlist/elaborated_circuit.hpp"
#include "engine/simulate/testbench.hpp"
#include "studies/study/study.hpp"

namespace flare::studies {

/// Why a netlist that makes draws was left as it is.
struct NotElaborated {
  std::string why;       // empty: it was elaborated, or has no draws
  bool netlist = false;  // the netlist's fault: `why` is "file:line: ..."
};

/// The deck a study simulates: elaborated where the netlist makes draws (Deck::elaborated), else as it is. A study that
/// moves a .param, or runs the netlist's commands, keeps the netlist as it is. `trouble`: why
/// a netlist with draws could not be elaborated; they may still be switched off.
engine::Deck study_deck(const Study& study, engine::Deck deck, const engine::SimulatorOptions& options,
                        NotElaborated* trouble);

/// Adds a variable for every draw of the testbench's deck that something depends on, and the formulas that follow them.
/// `matched`: as of add_variation; draws of other instances stay at zero, those of the die do not.
void add_netlist_draws(const std::vector<std::string>& matched, engine::Testbench& testbench);

/// A line for every draw of the netlist that the testbench varies: its name, call, mean and standard deviation, and what
/// one standard deviation does to the first value that follows it; then those that never move.
std::vector<std::string> describe_draws(const engine::Testbench& testbench);

}  // namespace flare::studies
