#include "engine/netlist/deck_facts.hpp"

#include <algorithm>

#include "engine/netlist/deck_lexer.hpp"

namespace flare::engine {
namespace {

DeckTemperature temperature_from(const std::string& text, const Statement& statement) {
  return {text, spice_number(unquoted(text)), statement.place()};
}

bool has_word(const std::vector<std::string>& words, std::size_t from, std::string_view wanted) {
  for (std::size_t i = from; i < words.size(); ++i) {
    if (lower(words[i]) == wanted) return true;
  }
  return false;
}

/// ic= on an element; an instance of a subcircuit may have a parameter of that name.
bool has_initial_state(const std::string& text) {
  constexpr std::size_t after_nodes = 3;
  return lower(text.front()) != 'x' && has_word(words_of(text), after_nodes, "ic");
}

}  // namespace

DeckFacts facts_of(const Deck& deck) {
  DeckFacts facts;
  std::optional<DeckTemperature> option_temperature;
  for (const Statement& statement : statements_of(deck)) {
    if (statement.command) continue;
    if (statement.text.front() != '.') {
      if (has_initial_state(statement.text))
        facts.initial_states.push_back({first_word(statement.text), statement.place()});
      continue;
    }
    const std::string word = first_word(statement.text);
    if (word == ".temp") {
      const std::vector<std::string> words = words_of(statement.text);
      if (words.size() > 1) facts.temperature = temperature_from(words.back(), statement);
    } else if (word == ".tran") {
      if (has_word(words_of(statement.text), 1, "uic")) facts.use_initial = statement.place();
    } else if (is_options_statement(word)) {
      for (DeckOption& option : options_of(statement)) {
        if (option.key == "temp") option_temperature = temperature_from(option.value, statement);
        facts.options.push_back(std::move(option));
      }
    }
  }
  if (!facts.temperature) facts.temperature = option_temperature;
  return facts;
}

}  // namespace flare::engine
