// What a netlist may say: which statements describe a circuit, and which run commands or touch files.
#pragma once

#include "engine/deck_lexer.hpp"

namespace flare::engine {

/// Throws DeckError on a statement that is not known to be harmless.
void refuse_if_dangerous(const Statement& statement);

}  // namespace flare::engine
