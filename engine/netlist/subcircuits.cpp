#include "engine/netlist/subcircuits.hpp"

#include <algorithm>
#include <set>

#include "engine/netlist/deck_lexer.hpp"

namespace flare::engine {
namespace {

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

SubcircuitInterface interface_of(const Statement& statement) {
  const std::vector<std::string> words = words_without_parentheses(statement.text);
  SubcircuitInterface subcircuit;
  if (words.size() > 1) subcircuit.name = lower(words[1]);
  for (std::size_t i = 2; i < positional(words); ++i) subcircuit.ports.push_back(lower(words[i]));
  for (const Assignment& assignment : assignments_of(statement.text)) {
    subcircuit.parameters.push_back(assignment.name);
  }
  subcircuit.place = statement.place();
  return subcircuit;
}

}  // namespace

bool SubcircuitInterface::has_parameter(std::string_view parameter) const {
  return contains(parameters, parameter);
}

bool SubcircuitInterface::has_element(std::string_view element) const { return contains(elements, element); }

std::vector<SubcircuitInterface> subcircuits_of(const Deck& deck) {
  std::vector<SubcircuitInterface> found;
  std::set<std::string> names;
  int depth = 0;
  bool taken = false;  // the one that is open
  for (const Statement& statement : statements_of(deck)) {
    if (statement.command || statement.text.empty()) continue;
    const std::string word = first_word(statement.text);
    if (opens_subcircuit(word) && ++depth == 1) {
      SubcircuitInterface subcircuit = interface_of(statement);
      taken = names.insert(subcircuit.name).second;
      if (taken) found.push_back(std::move(subcircuit));
    } else if (closes_subcircuit(word)) {
      --depth;
    } else if (depth == 1 && taken && word.front() != '.' && !found.back().has_element(word)) {
      found.back().elements.push_back(word);
    }
  }
  return found;
}

}  // namespace flare::engine
