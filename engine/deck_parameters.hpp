// Parameters of a netlist's top level: which there are, and other values for them.
#pragma once

#include <map>
#include <string>

#include "engine/deck.hpp"
#include "engine/deck_lexer.hpp"

namespace flare::engine {

/// Throws DeckError on parameters in a row with a comma right behind a value: ngspice 39 hangs on it.
void refuse_commas(const Statement& statement);

/// Gives parameters of the top level other values, numbers or expressions. Throws DeckError.
void set_parameters(const std::map<std::string, std::string>& values, Deck* deck);

}  // namespace flare::engine
