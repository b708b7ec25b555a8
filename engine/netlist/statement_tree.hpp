// The statements of a deck by the subcircuit they stand in.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/netlist/deck.hpp"
#include "engine/netlist/deck_lexer.hpp"

namespace flare::engine {

/// A subcircuit's definition, or the top level.
struct SubcircuitBody {
  const Statement* head = nullptr;  // its .subckt; null at the top level
  const SubcircuitBody* parent = nullptr;
  std::vector<std::string> ports;            // lower case, in order
  std::size_t parameters_begin = 0;          // where the defaults begin in the head's text
  std::vector<const Statement*> statements;  // of its own, in order
  std::map<std::string, std::unique_ptr<SubcircuitBody>> inner;

  /// The definition that a call from this body means; null where there is none.
  const SubcircuitBody* find(const std::string& name) const;
};

/// Refers to the statements. Of several definitions with one name the first counts, as in ngspice.
std::unique_ptr<SubcircuitBody> statement_tree(const std::vector<Statement>& statements);

/// The statements of a deck, in lower case, with the draws that read_deck took out of them.
std::vector<Statement> drawn_statements(const Deck& deck);

}  // namespace flare::engine
