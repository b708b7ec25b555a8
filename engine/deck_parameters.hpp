// Parameters of a netlist's top level: which there are, and other values for them.
#pragma once

#include <map>
#include <string>

#include "engine/deck.hpp"

namespace flare::engine {

/// Gives parameters of the top level other values, numbers or expressions. Throws DeckError.
void set_parameters(const std::map<std::string, std::string>& values, Deck* deck);

}  // namespace flare::engine
