// What a netlist says beyond its circuit: temperature, initial state, options. Plain data for whoever simulates it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/netlist/deck.hpp"
#include "engine/netlist/deck_options.hpp"

namespace flare::engine {

/// The temperature that counts: of the last .temp, else of the last .options temp=, as in ngspice.
struct DeckTemperature {
  std::string text;               // as it stands
  std::optional<double> celsius;  // none where it is an expression
  std::string place;              // "file:line"
};

/// A device that names its initial state with ic=.
struct DeviceInitialState {
  std::string device;  // as written, lower case; within its subcircuit
  std::string place;
};

struct DeckFacts {
  std::optional<DeckTemperature> temperature;
  std::optional<std::string> use_initial;  // place of a .tran with uic
  std::vector<DeviceInitialState> initial_states;
  std::vector<DeckOption> options;  // in order; of several with one key the last counts
};

/// Reads the facts off a deck. Throws DeckError on an option that ngspice does not know.
DeckFacts facts_of(const Deck& deck);

}  // namespace flare::engine
