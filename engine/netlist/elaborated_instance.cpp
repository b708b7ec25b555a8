#include "engine/netlist/elaborated_instance.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace flare::engine {

FlatDeck::FlatDeck(const Deck& deck) {
  deck_.lines.push_back(deck.lines.front());
  deck_.places.push_back(deck.places.empty() ? DeckPlace{} : deck.places.front());
  deck_.files = deck.files.empty() ? std::vector<std::string>{"deck"} : deck.files;
  deck_.allow_commands = deck.allow_commands;
  deck_.sections_taken = deck.sections_taken;
}

void FlatDeck::add(std::string line, const Statement& statement) {
  deck_.lines.push_back(std::move(line));
  deck_.places.push_back(statement.at);
}

std::string FlatDeck::drawn_text(const NetlistValue& value, const Statement& statement) {
  const std::string start = value_text(value, statement);
  const std::string node = fmt::format("flare_draw_{}", ++drawn_nodes_);
  const std::string source = fmt::format("v{}", node);
  add(fmt::format("{} {} 0 dc 0", source, node), statement);
  const NetlistValue added = combine(Operation::subtract, {value, number(nominal(value))});
  drawn({false, source, "dc", added, statement.place()});
  return fmt::format("({}+v({}))", start, node);
}

std::string FlatDeck::node(const Instance& instance, const std::string& name) const {
  if (globals_.contains(name)) return name == "gnd" ? std::string("0") : name;
  const auto port = instance.nodes.find(name);
  return port != instance.nodes.end() ? port->second : instance.path() + name;
}

std::string value_text(const NetlistValue& value, const Statement& statement) {
  if (!value->temperature) return fmt::format("{}", nominal(value));
  if (value->draws) {
    statement.fail(
        "a value that depends on a draw and on the temperature at once; give the temperature's part to the "
        "model (tc1, tc2)");
  }
  try {
    return fmt::format("{{{}}}", to_text(value));
  } catch (const NetlistExpressionError& error) {
    statement.fail(fmt::format("{}; give the temperature's part to the model (tc1, tc2)", error.what()));
  }
}

NetlistValue evaluated(const ParameterScope& scope, std::string_view text, const ValueContext& context) {
  try {
    return scope.evaluate(text, context);
  } catch (const NetlistExpressionError& error) {
    context.statement->fail(fmt::format("{}; correct the expression", error.what()));
  }
}

std::string_view first_token(std::string_view text) {
  char quote = '\0';
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != '\0') {
      if (c == quote) quote = '\0';
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == '{' || c == '(') {
      ++depth;
    } else if (c == '}' || c == ')') {
      --depth;
    } else if (is_blank(c) && depth <= 0) {
      return text.substr(0, i);
    }
  }
  return text;
}

bool is_braced(std::string_view word) {
  return !word.empty() && (word.front() == '{' || word.front() == '\'');
}

}  // namespace flare::engine
