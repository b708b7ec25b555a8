#include "engine/netlist/deck_identifiers.hpp"

#include <algorithm>
#include <cctype>
#include <set>

#include "engine/netlist/deck_lexer.hpp"

namespace flare::engine {
namespace {

using Identifiers = std::vector<std::string>;

/// Words that could name a parameter, lower case, in order: letters, digits and _, not beginning with a digit.
Identifiers identifiers_of(const std::string& line) {
  Identifiers words;
  std::string word;
  const auto finish = [&] {
    if (!word.empty() && std::isdigit(static_cast<unsigned char>(word.front())) == 0) words.push_back(word);
    word.clear();
  };
  for (const char c : line) {
    const auto u = static_cast<unsigned char>(c);
    if (std::isalnum(u) != 0 || c == '_') {
      word += static_cast<char>(std::tolower(u));
    } else {
      finish();
    }
  }
  finish();
  return words;
}

/// Number of nodes between an element's name and what may be an expression: node names are no parameters.
std::size_t nodes_of(const std::string& element) {
  return element.empty() || element.front() == '.' || element.front() == 'x' ? 0 : 2;
}

/// A statement behind its name and its nodes, whose names are no parameters.
std::string behind_nodes(const std::string& line, const std::string& word) {
  std::size_t at = 0;
  for (std::size_t i = 0; i <= nodes_of(word); ++i) {
    at = line.find_first_not_of(" \t", at);
    if (at == std::string::npos) return {};
    at = line.find_first_of(" \t", at);
    if (at == std::string::npos) return {};
  }
  return line.substr(at);
}

bool uses(const std::string& line, const std::string& word, const std::set<std::string>& parameters) {
  const Identifiers words = identifiers_of(behind_nodes(line, word));
  return std::any_of(words.begin(), words.end(),
                     [&](const std::string& w) { return parameters.contains(w); });
}

/// `parameter` and every .param whose definition rests on it.
std::set<std::string> dependents(const Deck& deck, const std::string& parameter) {
  std::set<std::string> all{parameter};
  for (bool grown = true; grown;) {
    grown = false;
    for (const std::string& line : deck.lines) {
      if (first_word(line) != ".param") continue;
      // ".param a = expression b = expression": whatever stands on the line may rest on the rest of it.
      const Identifiers words = identifiers_of(line);
      const bool rests =
          words.size() > 2 &&
          std::any_of(words.begin() + 2, words.end(), [&](const std::string& w) { return all.contains(w); });
      if (rests && all.insert(words[1]).second) grown = true;
    }
  }
  return all;
}

}  // namespace

std::vector<std::string> parameters_of(const Deck& deck, const std::string& element) {
  const std::vector<std::string> names = parameter_names(deck);
  std::vector<std::string> found;
  for (std::size_t i = 1; i < deck.lines.size(); ++i) {
    if (first_word(deck.lines[i]) != element) continue;
    for (const std::string& word : identifiers_of(behind_nodes(deck.lines[i], element))) {
      if (std::binary_search(names.begin(), names.end(), word)) found.push_back(word);
    }
  }
  return found;
}

std::vector<std::string> users_of(const Deck& deck, const std::string& parameter, const std::string& except) {
  const std::set<std::string> parameters = dependents(deck, parameter);
  std::vector<std::string> users;
  for (std::size_t i = 1; i < deck.lines.size(); ++i) {
    const std::string word = first_word(deck.lines[i]);
    if (word.empty() || word == ".param" || word == except) continue;
    if (uses(deck.lines[i], word, parameters)) users.push_back(word);
  }
  return users;
}

}  // namespace flare::engine
