// What a netlist may say: which statements describe a circuit, and which run commands or touch files.
#pragma once

#include <string>
#include <vector>

#include "engine/netlist/deck.hpp"
#include "engine/netlist/deck_lexer.hpp"

namespace flare::engine {

/// The statements (".tran", ...) that describe a circuit or ask for results. Everything else is refused: a list
/// of the harmless stays safe when the simulator learns something new.
bool is_circuit_statement(const std::string& word);

/// Throws DeckError on a statement that is not known to be harmless.
void refuse_if_dangerous(const Statement& statement);

/// Deals with .control blocks as asked; all else that runs commands or opens files is refused unless they run.
/// Throws DeckError, also for a block that would end the simulator.
void apply_commands(Commands commands, std::vector<Statement>* statements);

}  // namespace flare::engine
