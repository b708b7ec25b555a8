// One element of an elaborated netlist: its statement with flat nodes, its model and its values.
#pragma once

#include "engine/netlist/elaborated_instance.hpp"
#include "engine/netlist/elaborated_models.hpp"

namespace flare::engine {

/// Writes an element that is no instance of a subcircuit. Throws DeckError for what cannot be taken over.
void write_element(const Statement& statement, const Instance& instance, ElaboratedModels& models,
                   FlatDeck& deck);

}  // namespace flare::engine
