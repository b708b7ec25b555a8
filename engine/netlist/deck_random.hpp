// Randomness in a netlist: what ngspice would draw once, when it loads, and keep.
//
// agauss(nominal, spread, n), gauss(nominal, relative spread, n), aunif, unif and limit may stand in any expression.
// Kits hold thousands of them multiplied by a switch that is 0, so that they cannot be refused on sight. Every call
// becomes nominal + flare_draw * weight * spread / n (relative: nominal * (1 + ...)), where flare_draw is a parameter
// of the deck: a circuit that changes with it depends on a draw.
#pragma once

#include <set>
#include <string>

#include "engine/netlist/deck.hpp"

namespace flare::engine {

/// Takes the random calls out of a deck that was just read and records them in it; a user's functions and those of
/// `defined` are left alone. Throws DeckError on a call that ngspice does not understand and on .options seed=.
void take_out_draws(const std::set<std::string>& defined, Deck* deck);

}  // namespace flare::engine
