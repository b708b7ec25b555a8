// A netlist as the simulator has loaded it, or why it cannot be taken.
#pragma once

#include "engine/simulate/evaluator.hpp"
#include "studies/run/netlist_draws.hpp"

namespace flare::studies {

/// `trouble`: why study_deck left draws in the netlist. Throws StudyError where the circuit depends on such a draw, or where
/// a reason with a file and a line is known for what does not load; else std::runtime_error with the simulator's words.
engine::Listing circuit_listing(engine::Evaluator& evaluator, const engine::Deck& deck,
                                const engine::SimulatorOptions& options, const NotElaborated& trouble);

}  // namespace flare::studies
