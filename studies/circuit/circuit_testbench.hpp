// The testbench of a circuit study at one corner: the netlist with all that the corner sets, what varies, what is
// measured; and the checks that a corner does what its name says.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/simulate/evaluator.hpp"
#include "studies/run/study_testbench.hpp"
#include "studies/study/study.hpp"

namespace flare::studies {

/// A testbench ready to run, and what the user should know of how the corner was applied.
struct CircuitTestbench {
  std::shared_ptr<const engine::Testbench> testbench;
  std::vector<std::string> notes;
};

/// The netlist at a corner: the corner's sections in place of the netlist's own, its .params set. Throws StudyError
/// where the corner asks for what no line of the netlist takes, engine::DeckError for the netlist.
engine::Deck circuit_deck(const Study& study, const Corner& corner);

/// Builds the testbench and asks the loaded circuit whether it is what the study means. Throws StudyError.
CircuitTestbench circuit_testbench(const Study& study, const Corner& corner, engine::Evaluator& evaluator);

}  // namespace flare::studies
