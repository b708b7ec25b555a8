#include "engine/netlist/deck_random.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <string_view>
#include <vector>

#include "engine/netlist/deck_lexer.hpp"
#include "engine/netlist/deck_options.hpp"

namespace flare::engine {
namespace {

constexpr std::array<std::string_view, 5> random_functions{"agauss", "gauss", "aunif", "unif", "limit"};
constexpr std::string_view draw_statement = ".param flare_draw=";

bool is_random_function(std::string_view name) {
  return std::find(random_functions.begin(), random_functions.end(), name) != random_functions.end();
}

/// Weight of the i-th call, between 1 and 2 and unlike all others: golden ratio's multiples fill an interval evenly.
double weight_of(std::size_t i) {
  const double turns = static_cast<double>(i) * 0.6180339887498949;
  return 1.0 + turns - std::floor(turns);
}

/// The name that stands before an opening parenthesis at `open`, lower case, and where it begins.
std::string name_before(std::string_view text, std::size_t open, std::size_t* begin) {
  std::size_t end = open;
  while (end > 0 && is_blank(text[end - 1])) --end;
  *begin = end;
  while (*begin > 0 && is_identifier(text[*begin - 1])) --*begin;
  return lower(text.substr(*begin, end - *begin));
}

/// The end of what a parenthesis at `open` encloses; npos where it is not closed.
std::size_t closing_of(std::string_view text, std::size_t open) {
  int depth = 0;
  for (std::size_t i = open; i < text.size(); ++i) {
    if (text[i] == '(') ++depth;
    if (text[i] == ')' && --depth == 0) return i;
  }
  return std::string_view::npos;
}

std::vector<std::string_view> arguments_of(std::string_view inside) {
  std::vector<std::string_view> arguments;
  int depth = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= inside.size(); ++i) {
    if (i == inside.size() || (inside[i] == ',' && depth == 0)) {
      arguments.push_back(trim(inside.substr(begin, i - begin)));
      begin = i + 1;
    } else if (inside[i] == '(') {
      ++depth;
    } else if (inside[i] == ')') {
      --depth;
    }
  }
  return arguments;
}

/// `name` of `arguments` as a function of flare_draw. Empty where it has the wrong number of them.
std::string without_draw(std::string_view name, const std::vector<std::string>& arguments, double weight) {
  const bool may_have_n = name == "agauss" || name == "gauss" || name == "limit";
  if (arguments.size() < 2 || arguments.size() > (may_have_n ? 3u : 2u)) return {};
  std::string move = fmt::format("flare_draw*{:.6f}*", weight);
  // ngspice takes the first and the last argument of limit.
  move += name == "limit" ? fmt::format("({})", arguments.back()) : fmt::format("({})", arguments[1]);
  if (arguments.size() == 3 && name != "limit") move += fmt::format("/({})", arguments[2]);
  const bool relative = name == "gauss" || name == "unif";
  return relative ? fmt::format("(({})*(1+{}))", arguments[0], move)
                  : fmt::format("(({})+{})", arguments[0], move);
}

/// Statements that nothing of the circuit depends on.
bool asks_for_output(std::string_view word) {
  return word.starts_with(".meas") || word == ".print" || word == ".plot" || word == ".probe" ||
         word == ".save" || word == ".four";
}

/// A parameter's value as one expression. ngspice takes "{a} + b*agauss(...)" as long as there is a draw in it.
std::string as_one_expression(const std::string& value) {
  const char opening = value.front();
  const char closing = opening == '{' ? '}' : '\'';
  const bool one = (opening == '{' || opening == '\'') && value.find(closing, 1) == value.size() - 1;
  if (one) return value;
  std::string inside;
  bool quoted = false;
  for (const char c : value) {
    if (c == '\'') quoted = !quoted;
    const bool opens = c == '{' || (c == '\'' && quoted);
    const bool closes = c == '}' || (c == '\'' && !quoted);
    inside += opens ? '(' : closes ? ')' : c;
  }
  return "{" + inside + "}";
}

/// Takes the draws out of one statement.
class Rewriter {
 public:
  Rewriter(const Statement& statement, const std::function<bool(const std::string&)>& is_defined,
           std::vector<RandomCall>* calls)
      : statement_(statement), is_defined_(is_defined), calls_(calls) {}

  std::string rewrite() const {
    const std::string_view text = statement_.text;
    if (text.find('(') == std::string_view::npos) return statement_.text;
    const std::string word = first_word(text);
    if (asks_for_output(word)) return statement_.text;
    if (is_parameter_statement(word)) return rewrite_values();
    // The name that a .func defines is not a call.
    const std::size_t body = word == ".func" ? text.find(')') : 0;
    if (body == std::string_view::npos) return statement_.text;
    return std::string(text.substr(0, body)) + rewrite(text.substr(body));
  }

 private:
  std::string rewrite_values() const {
    const std::string& text = statement_.text;
    std::string result;
    std::size_t copied = 0;
    for (const Assignment& a : assignments_of(text)) {
      const std::string value = text.substr(a.value_begin, a.value_end - a.value_begin);
      const std::string moved = rewrite(value);
      if (moved == value) continue;
      result += text.substr(copied, a.value_begin - copied) + as_one_expression(moved);
      copied = a.value_end;
    }
    return result + text.substr(copied);
  }

  std::string rewrite(std::string_view text) const {
    std::string result;
    std::size_t copied = 0;
    for (std::size_t open = text.find('('); open != std::string_view::npos; open = text.find('(', open + 1)) {
      std::size_t begin = 0;
      const std::string name = name_before(text, open, &begin);
      if (begin < copied || !is_random_function(name) || is_defined_(name)) continue;
      const std::size_t close = closing_of(text, open);
      if (close == std::string_view::npos) fail(text.substr(begin));
      result += text.substr(copied, begin - copied);
      result += call(name, text.substr(begin, close + 1 - begin), text.substr(open + 1, close - open - 1));
      copied = close + 1;
      open = close;
    }
    return result.append(text.substr(copied));
  }

  std::string call(const std::string& name, std::string_view whole, std::string_view inside) const {
    calls_->push_back({statement_.place(), std::string(whole)});
    const double weight = weight_of(calls_->size());
    std::vector<std::string> arguments;
    for (const std::string_view argument : arguments_of(inside)) arguments.push_back(rewrite(argument));
    std::string replaced = without_draw(name, arguments, weight);
    if (replaced.empty()) fail(whole);
    return replaced;
  }

  [[noreturn]] void fail(std::string_view call) const {
    statement_.fail(fmt::format(
        "{} is not a call that ngspice understands; write agauss(nominal, spread, n), gauss(nominal, "
        "relative, n), aunif(nominal, spread), unif(nominal, relative) or limit(nominal, spread)",
        call));
  }

  const Statement& statement_;
  const std::function<bool(const std::string&)>& is_defined_;
  std::vector<RandomCall>* calls_;
};

/// Names of the functions that a statement defines.
std::vector<std::string> defined_by(std::string_view text, const std::string& word) {
  std::vector<std::string> names;
  if (word == ".func") {
    std::size_t begin = 0;
    const std::size_t open = text.find('(');
    if (open != std::string_view::npos) names.push_back(name_before(text, open, &begin));
  } else if (is_parameter_statement(word)) {
    for (const Assignment& a : assignments_of(text)) {
      if (a.function) names.push_back(a.name);
    }
  }
  return names;
}

/// Which random functions the netlist itself defines, by subcircuit.
class UserFunctions {
 public:
  UserFunctions(const std::set<std::string>& defined, const std::vector<Statement>& statements) {
    scopes_.push_back({0, defined});
    scope_of_.reserve(statements.size());
    std::size_t at = 0;
    for (const Statement& statement : statements) {
      const std::string_view text = statement.text;
      const std::string word = text.front() == '.' ? first_word(text) : std::string();
      if (opens_subcircuit(word)) {
        scopes_.push_back({at, {}});
        at = scopes_.size() - 1;
      }
      scope_of_.push_back(at);
      if (closes_subcircuit(word)) at = scopes_[at].parent;
      for (const std::string& name : defined_by(text, word)) scopes_[at].names.insert(name);
    }
  }

  bool defines(std::size_t statement, const std::string& name) const {
    for (std::size_t at = scope_of_[statement];; at = scopes_[at].parent) {
      if (scopes_[at].names.contains(name)) return true;
      if (at == 0) return false;
    }
  }

 private:
  struct Scope {
    std::size_t parent = 0;
    std::set<std::string> names;
  };
  std::vector<Scope> scopes_;
  std::vector<std::size_t> scope_of_;  // of each statement
};

void refuse_seed(const Statement& statement) {
  for (const OptionEntry& option : option_entries(statement.text)) {
    if (option.key != "seed" && option.key != "seedinfo") continue;
    statement.fail(fmt::format(
        "{}: the numbers of a study come from its own seed; remove the option and set seed in the study",
        option.key));
  }
}

}  // namespace

void take_out_draws(const std::set<std::string>& defined, Deck* deck) {
  const std::vector<Statement> statements = statements_of(*deck);
  const UserFunctions functions(defined, statements);
  std::vector<RandomCall> calls;
  std::vector<std::string> lines{deck->lines.front()};
  std::map<std::size_t, std::string> drawn;
  lines.reserve(statements.size() + 2);
  for (std::size_t i = 0; i < statements.size(); ++i) {
    const Statement& statement = statements[i];
    if (!statement.command && is_options_statement(first_word(statement.text))) refuse_seed(statement);
    const std::function<bool(const std::string&)> is_defined = [&](const std::string& name) {
      return functions.defines(i, name);
    };
    const std::size_t known = calls.size();
    lines.push_back(statement.command ? statement.text : Rewriter(statement, is_defined, &calls).rewrite());
    // One line further down: the parameter of the draws stands before all others.
    if (calls.size() > known) drawn[lines.size()] = statement.text;
  }
  if (calls.empty()) return;
  lines.insert(lines.begin() + 1, std::string(draw_statement) + "0");
  deck->lines = std::move(lines);
  deck->places.insert(deck->places.begin() + 1, deck->places.front());
  deck->random_calls = std::move(calls);
  deck->drawn_lines = std::move(drawn);
  deck->defined_functions = defined;
}

Deck with_draw(const Deck& deck, double draw) {
  Deck moved = deck;
  for (std::string& line : moved.lines) {
    if (!line.starts_with(draw_statement)) continue;
    line = fmt::format("{}{}", draw_statement, draw);
    break;
  }
  return moved;
}

}  // namespace flare::engine
