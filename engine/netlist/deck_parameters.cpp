#include "engine/netlist/deck_parameters.hpp"

#include <fmt/format.h>

#include <set>
#include <vector>

#include "engine/base/nearest_name.hpp"

namespace flare::engine {
namespace {

constexpr std::string_view own_parameter = "flare_draw";

/// Calls `visit` with every line that holds a .param of the top level; `visit` may change it.
template <typename Lines, typename Visit>
void each_parameter_line(Lines& lines, const Visit& visit) {
  int depth = 0;
  bool in_control = false;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    if (!lines[i].starts_with('.')) continue;
    const std::string word = first_word(lines[i]);
    if (word == ".control") in_control = true;
    if (word == ".endc") in_control = false;
    if (in_control) continue;
    if (opens_subcircuit(word)) ++depth;
    if (closes_subcircuit(word)) --depth;
    if (depth == 0 && is_parameter_statement(word)) visit(lines[i]);
  }
}

/// A number or an expression without its braces or quotes.
std::string bare_value(const std::string& name, const std::string& text) {
  const std::string value(trim(text));
  const bool whole = value.size() >= 2 && ((value.front() == '{' && value.back() == '}') ||
                                           (value.front() == '\'' && value.back() == '\''));
  const std::string inside = whole ? value.substr(1, value.size() - 2) : value;
  if (trim(inside).empty() || inside.find_first_of("{}'\"\n\r;") != std::string::npos) {
    throw DeckError(
        fmt::format("parameter {}: '{}' is no number or expression; write 0.9 or '2*w'", name, text));
  }
  return inside;
}

/// The value as it can stand behind a sign of assignment.
std::string as_value(const std::string& name, const std::string& text) {
  return fmt::format("{{{}}}", bare_value(name, text));
}

/// `value_of(name, text)`: what becomes of a parameter whose value stands there as `text`.
template <typename ValueOf>
void replace_values(const std::set<std::string>& names, const ValueOf& value_of, std::string* line,
                    std::set<std::string>* replaced) {
  std::string result;
  std::size_t copied = 0;
  for (const Assignment& assignment : assignments_of(*line)) {
    if (!names.contains(assignment.name) || assignment.function) continue;
    const std::string text =
        line->substr(assignment.value_begin, assignment.value_end - assignment.value_begin);
    result += line->substr(copied, assignment.value_begin - copied) + value_of(assignment.name, text);
    copied = assignment.value_end;
    replaced->insert(assignment.name);
  }
  if (copied > 0) *line = result + line->substr(copied);
}

void refuse_unknown(const std::string& name, const Deck& deck) {
  const std::string nearest = nearest_name(name, parameter_names(deck));
  const std::string file = deck.files.empty() ? "deck" : deck.files.front();
  throw DeckError(fmt::format(
      "{}:1: the netlist has no parameter {} at its top level; {}", file, name,
      nearest.empty() ? fmt::format("add .param {}=...", name) : "did you mean " + nearest + "?"));
}

/// Gives every parameter of `names` the value that `value_of` makes of its own. Throws DeckError for one that is not
/// there.
template <typename ValueOf>
void change_parameters(const std::set<std::string>& names, const ValueOf& value_of, Deck* deck) {
  std::set<std::string> replaced;
  each_parameter_line(deck->lines,
                      [&](std::string& line) { replace_values(names, value_of, &line, &replaced); });
  for (const std::string& name : names) {
    if (!replaced.contains(name)) refuse_unknown(name, *deck);
  }
}

}  // namespace

std::vector<std::string> parameter_names(const Deck& deck) {
  std::set<std::string> names;
  each_parameter_line(deck.lines, [&](const std::string& line) {
    for (const Assignment& assignment : assignments_of(line)) {
      if (!assignment.function && assignment.name != own_parameter) names.insert(assignment.name);
    }
  });
  return {names.begin(), names.end()};
}

void refuse_commas(const Statement& statement) {
  const std::string word = statement.text.starts_with('.') ? first_word(statement.text) : std::string();
  if (!is_parameter_statement(word) && !opens_subcircuit(word)) return;
  const std::vector<Assignment> assignments = assignments_of(statement.text);
  for (std::size_t i = 1; i < assignments.size(); ++i) {
    const std::size_t end = assignments[i - 1].value_end;
    if (statement.text[end] == ',')
      statement.fail(
          fmt::format("ngspice does not come back from a comma between parameters; write a blank before {}",
                      assignments[i].name));
  }
}

void set_parameters(const std::map<std::string, std::string>& values, Deck* deck) {
  if (values.empty()) return;
  std::map<std::string, std::string> wanted;
  std::set<std::string> names;
  for (const auto& [name, value] : values) {
    wanted[lower(name)] = as_value(name, value);
    names.insert(lower(name));
  }
  change_parameters(
      names, [&](const std::string& name, const std::string&) { return wanted.at(name); }, deck);
}

Deck with_moved_parameters(const Deck& deck, const std::map<std::string, Move>& moves) {
  std::map<std::string, Move> wanted;
  std::set<std::string> names;
  for (const auto& [name, move] : moves) {
    wanted[lower(name)] = move;
    names.insert(lower(name));
  }
  Deck moved = deck;
  change_parameters(
      names,
      [&](const std::string& name, const std::string& text) {
        const Move& move = wanted.at(name);
        if (move.replacement) return fmt::format("{{{}}}", move.of(0.0));
        return fmt::format("{{({})*({})+({})}}", bare_value(name, text), move.factor, move.shift);
      },
      &moved);
  return moved;
}

}  // namespace flare::engine
