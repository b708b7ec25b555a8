// From a study to testbenches: which knobs there are and which variables move them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/simulate/evaluator.hpp"
#include "engine/simulate/testbench.hpp"
#include "studies/run/netlist_draws.hpp"
#include "studies/study/study.hpp"

namespace flare::studies {

/// Gate area W L m (m^2) of every device that Pelgrom's law asks for, by flat name.
using DeviceAreas = std::map<std::string, double>;

/// A circuit as the simulator has loaded it, with what the study's laws need of it.
struct LoadedCircuit {
  engine::Circuit circuit;
  DeviceAreas areas;
};

/// Loads a deck and asks it. `matched`: paths of the elements ("x0.ma") that instance-wide laws move, with all that
/// lies within them; empty: all devices. `trouble`: why study_deck left the draws in the netlist. Throws StudyError where a
/// variation fits nothing or a device has no size, std::runtime_error with the simulator's words where it does not
/// load.
LoadedCircuit load_circuit(engine::Evaluator& evaluator, const Study& study, const engine::Deck& deck,
                           const engine::SimulatorOptions& options, const std::vector<std::string>& matched,
                           const NotElaborated& trouble = {});

/// Adds the study's knobs and variables, and the netlist's own draws, to a testbench whose deck and analysis are set. Throws StudyError where a
/// variation fits nothing or moves what the analysis ignores.
void add_variation(const Study& study, const LoadedCircuit& loaded, const std::vector<std::string>& matched,
                   engine::Testbench& testbench);

/// Throws StudyError where neither the study nor the netlist varies anything.
void refuse_no_variation(const Study& study, const engine::Testbench& testbench);

/// Asks the loaded circuit what every knob starts from. Throws StudyError, in the study's words, where it has no such
/// parameter or the value leaves a law without meaning.
void check_nominals(engine::Evaluator& evaluator, const Study& study, const LoadedCircuit& loaded,
                    const engine::Testbench& testbench);

/// Runs a testbench without variation, and again after another run. Throws StudyError where it does not work, where it
/// remembers the run before, or where a node floats: no number of such a circuit would mean anything. The run without
/// variation.
engine::RunResult rehearse(engine::Evaluator& evaluator, const engine::Circuit& circuit,
                           const engine::Testbench& testbench);

/// The independent source called `name`. Throws StudyError at `place`, with the nearest name, where there is none.
const engine::CircuitDevice& source_of(const std::string& place, const engine::Circuit& circuit,
                                       const std::string& name);

/// A setting of the DC value of a source.
engine::Setting source_setting(const std::string& source, double value);

/// Numerical options of the runs: the study's, else the `netlist`'s own, else the engine's.
engine::SimulatorOptions simulator_options(const Study& study, const engine::SimulatorOptions& netlist = {});

}  // namespace flare::studies
