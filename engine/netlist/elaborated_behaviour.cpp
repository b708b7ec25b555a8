#include "engine/netlist/elaborated_behaviour.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>
#include <vector>

namespace flare::engine {
namespace {

bool begins_name(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }

std::size_t skip_blanks(std::string_view text, std::size_t at) {
  while (at < text.size() && is_blank(text[at])) ++at;
  return at;
}

/// One past the end of the number at `at`, with its exponent and its unit.
std::size_t number_end(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    const char c = text[at];
    const bool exponent_sign = (c == '+' || c == '-') && text[at - 1] == 'e' && at + 1 < text.size() &&
                               std::isdigit(static_cast<unsigned char>(text[at + 1])) != 0;
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '.' && !exponent_sign) break;
    ++at;
  }
  return at;
}

std::size_t name_end(std::string_view text, std::size_t at) {
  while (at < text.size() && (is_identifier(text[at]) || text[at] == '[' || text[at] == ']')) ++at;
  return at;
}

/// The closing parenthesis of the one at `open`.
std::size_t closing(std::string_view text, std::size_t open) {
  int depth = 0;
  for (std::size_t i = open; i < text.size(); ++i) {
    if (text[i] == '(') ++depth;
    if (text[i] == ')' && --depth == 0) return i;
  }
  return text.size();
}

/// "a,b" with every node flat.
std::string flat_nodes(std::string_view inside, const Instance& instance, const FlatDeck& deck) {
  std::string nodes;
  while (true) {
    const std::size_t comma = inside.find(',');
    nodes += deck.node(instance, std::string(trim(inside.substr(0, comma))));
    if (comma == std::string_view::npos) return nodes;
    nodes += ",";
    inside.remove_prefix(comma + 1);
  }
}

bool asks_for_simulation(std::string_view name) {
  return name == "time" || name == "hertz" || name == "temper";
}

/// Walks over an expression and copies it, one word at a time.
class Writer {
 public:
  Writer(const Instance& instance, const ValueContext& context, FlatDeck& deck)
      : instance_(instance), context_(context), deck_(deck) {}

  std::string write(std::string_view text) {
    std::string result;
    std::size_t at = 0;
    while (at < text.size()) {
      const char c = text[at];
      if (std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '.') {
        const std::size_t end = number_end(text, at + 1);
        result += text.substr(at, end - at);
        at = end;
      } else if (begins_name(c)) {
        at = word(text, at, &result);
      } else if (c == '@') {
        context_.statement->fail(
            "an expression that asks for a device's parameter (@...); measure it in the study instead");
      } else {
        result += c == '{' ? '(' : c == '}' ? ')' : c == '\'' ? quote() : c;
        ++at;
      }
    }
    return result;
  }

 private:
  char quote() { return std::exchange(quoted_, !quoted_) ? ')' : '('; }

  std::size_t word(std::string_view text, std::size_t at, std::string* result) {
    const std::size_t end = name_end(text, at);
    const std::string name(text.substr(at, end - at));
    const std::size_t next = skip_blanks(text, end);
    const bool call = next < text.size() && text[next] == '(';
    if (call && (name == "v" || name == "i")) {
      const std::size_t close = closing(text, next);
      const std::string_view inside = text.substr(next + 1, close - next - 1);
      *result += name == "v" ? fmt::format("v({})", flat_nodes(inside, instance_, deck_))
                             : fmt::format("i({})", instance_.flat_name(std::string(trim(inside))));
      return std::min(close + 1, text.size());
    }
    const bool assigned =
        next < text.size() && text[next] == '=' && (next + 1 == text.size() || text[next + 1] != '=');
    if (call) return called(text, at, next, name, result);
    if (!assigned && !asks_for_simulation(name) && instance_.scope->finds(name)) {
      *result += value(evaluated(*instance_.scope, name, context_));
    } else {
      *result += name;
    }
    return end;
  }

  /// A function of the netlist or a draw is evaluated as a whole; ngspice's own stays, with what is in it.
  std::size_t called(std::string_view text, std::size_t at, std::size_t open, const std::string& name,
                     std::string* result) {
    const std::size_t close = closing(text, open);
    if (!instance_.scope->defines(name)) {
      *result += name;
      return open;
    }
    const std::string_view whole = text.substr(at, close + 1 - at);
    if (is_behavioural(whole)) {
      context_.statement->fail(
          fmt::format("{}: a function of the netlist of what is simulated; write the function out", whole));
    }
    *result += value(evaluated(*instance_.scope, whole, context_));
    return std::min(close + 1, text.size());
  }

  std::string value(const NetlistValue& e) {
    std::vector<bool> moving;
    collect_draws(e, false, &moving);
    if (!moving.empty()) return deck_.drawn_text(e, *context_.statement);
    if (e->draws) deck_.drawn({false, "", "", e, context_.statement->place()});
    std::string text = value_text(e, *context_.statement);
    std::replace(text.begin(), text.end(), '{', '(');
    std::replace(text.begin(), text.end(), '}', ')');
    return fmt::format("({})", text);
  }

  const Instance& instance_;
  const ValueContext& context_;
  FlatDeck& deck_;
  bool quoted_ = false;
};

}  // namespace

bool is_behavioural(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    if (!begins_name(text[at])) {
      at = std::isdigit(static_cast<unsigned char>(text[at])) != 0 ? number_end(text, at + 1) : at + 1;
      continue;
    }
    const std::size_t end = name_end(text, at);
    const std::string_view name = text.substr(at, end - at);
    const std::size_t next = skip_blanks(text, end);
    const bool call = next < text.size() && text[next] == '(';
    if (asks_for_simulation(name) || (call && (name == "v" || name == "i"))) return true;
    at = end;
  }
  return false;
}

std::string behaviour_text(std::string_view text, const Instance& instance, const ValueContext& context,
                           FlatDeck& deck) {
  return Writer(instance, context, deck).write(text);
}

std::string with_flat_nodes(std::string_view text, const Instance& instance, const FlatDeck& deck) {
  std::string result;
  std::size_t copied = 0;
  for (std::size_t at = 0; at + 1 < text.size(); ++at) {
    const std::size_t open = skip_blanks(text, at + 1);
    const bool voltage = text[at] == 'v' && (at == 0 || !is_identifier(text[at - 1])) && open < text.size() &&
                         text[open] == '(';
    if (!voltage) continue;
    const std::size_t close = closing(text, open);
    result += text.substr(copied, at - copied);
    result += fmt::format("v({})", flat_nodes(text.substr(open + 1, close - open - 1), instance, deck));
    copied = std::min(close + 1, text.size());
    at = copied - 1;
  }
  return result.append(text.substr(copied));
}

}  // namespace flare::engine
