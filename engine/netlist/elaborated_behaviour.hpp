// Expressions that the simulator evaluates while it simulates (B sources, value={...}, r='...v(a)...'): parameters and
// functions of the netlist are put in, nodes and sources get their flat names, and what depends on a draw becomes the
// voltage of a node of its own.
#pragma once

#include <string>
#include <string_view>

#include "engine/netlist/elaborated_instance.hpp"

namespace flare::engine {

/// Whether an expression speaks of voltages, currents, time, frequency or temperature.
bool is_behavioural(std::string_view text);

/// The text as it stands in the flat deck. `element`: for the names of draws. Throws DeckError.
std::string behaviour_text(std::string_view text, const Instance& instance, const ValueContext& context,
                           FlatDeck& deck);

/// v(node) and v(a,b) of a .ic or .nodeset with flat nodes, the rest as it stands.
std::string with_flat_nodes(std::string_view text, const Instance& instance, const FlatDeck& deck);

}  // namespace flare::engine
