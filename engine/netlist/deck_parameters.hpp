// Parameters of a netlist's top level: which there are, and other values for them.
#pragma once

#include <map>
#include <string>

#include "engine/base/move.hpp"
#include "engine/netlist/deck.hpp"
#include "engine/netlist/deck_lexer.hpp"

namespace flare::engine {

/// Throws DeckError on parameters in a row with a comma right behind a value: ngspice 39 hangs on it.
void refuse_commas(const Statement& statement);

/// Gives parameters of the top level other values, numbers or expressions. Throws DeckError.
void set_parameters(const std::map<std::string, std::string>& values, Deck* deck);

/// The deck with parameters of its top level moved from what they are there. One that is an expression of others stays
/// that expression, so it starts from where those have moved to. Every definition of a name is moved (of several ngspice
/// takes the last). Throws DeckError, with the nearest name, for one that is not there.
Deck with_moved_parameters(const Deck& deck, const std::map<std::string, Move>& moves);

}  // namespace flare::engine
