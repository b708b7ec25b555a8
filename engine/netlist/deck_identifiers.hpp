// Which parameters of a netlist's top level hang on what: read from the text, for questions that the loaded circuit,
// in which every expression is a number, can no longer answer.
#pragma once

#include <string>
#include <vector>

#include "engine/netlist/deck.hpp"

namespace flare::engine {

/// Parameters of the top level that stand in the statement of element `element` (flat name, lower case) at the top
/// level; empty where there is no such statement or no such parameter in it.
std::vector<std::string> parameters_of(const Deck& deck, const std::string& element);

/// Names of the other elements and statements that use `parameter`, directly or through other parameters; without
/// `except`.
std::vector<std::string> users_of(const Deck& deck, const std::string& parameter, const std::string& except);

}  // namespace flare::engine
