#include "engine/netlist/deck_lexer.hpp"

#include <fmt/format.h>

#include <cctype>
#include <charconv>
#include <utility>

namespace flare::engine {
namespace {

/// Words, with `also_blank` between them too.
std::vector<std::string> split_words(std::string_view line, std::string_view also_blank) {
  std::vector<std::string> words;
  std::string word;
  const auto finish = [&] {
    if (!word.empty()) words.push_back(std::exchange(word, {}));
  };
  char closing = '\0';
  int depth = 0;
  for (const char c : line) {
    if (closing != '\0') {
      word += c;
      if (closing == '}' && c == '{') ++depth;
      if (c == closing && (closing != '}' || --depth == 0)) closing = '\0';
    } else if (c == '{' || c == '\'' || c == '"') {
      closing = c == '{' ? '}' : c;
      depth = 1;
      word += c;
    } else if (is_blank(c) || c == ',' || also_blank.find(c) != std::string_view::npos) {
      finish();
    } else if (c == '=') {
      finish();
      words.emplace_back("=");
    } else {
      word += c;
    }
  }
  finish();
  return words;
}

/// Walks over a text, telling where it is outside quotes, braces and parentheses.
class Nesting {
 public:
  bool outside() const { return quote_ == '\0' && depth_ == 0; }
  void step(char c) {
    if (quote_ != '\0') {
      if (c == quote_) quote_ = '\0';
    } else if (c == '"' || c == '\'') {
      quote_ = c;
    } else if (c == '{' || c == '(') {
      ++depth_;
    } else if ((c == '}' || c == ')') && depth_ > 0) {
      --depth_;
    }
  }

 private:
  char quote_ = '\0';
  int depth_ = 0;
};

/// Where the name that ends before `end` begins; takes in the arguments of a function.
std::size_t name_begin(std::string_view text, std::size_t end, bool* function) {
  while (end > 0 && is_blank(text[end - 1])) --end;
  *function = end > 0 && text[end - 1] == ')';
  if (*function) {
    end = text.rfind('(', end);
    if (end == std::string_view::npos) return 0;
    while (end > 0 && is_blank(text[end - 1])) --end;
  }
  while (end > 0 && is_identifier(text[end - 1])) --end;
  return end;
}

std::string_view without_trailing(std::string_view text, std::string_view characters) {
  while (!text.empty() && (is_blank(text.back()) || characters.find(text.back()) != std::string_view::npos)) {
    text.remove_suffix(1);
  }
  return text;
}

}  // namespace

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = lower(c);
  return result;
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v'; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

bool is_identifier(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '$' || c == '#';
}

std::string_view without_comment(std::string_view line) {
  char quote = '\0';
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote != '\0') {
      if (c == quote) quote = '\0';
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == ';' || (c == '/' && i + 1 < line.size() && line[i + 1] == '/') ||
               (c == '$' && (i == 0 || is_blank(line[i - 1]) || line[i - 1] == ','))) {
      return trim(line.substr(0, i));
    }
  }
  return line;
}

std::vector<std::string> words_of(std::string_view line) { return split_words(line, ""); }

std::vector<std::string> words_without_parentheses(std::string_view line) { return split_words(line, "()"); }

std::size_t positional(const std::vector<std::string>& words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "=") return i == 0 ? 0 : i - 1;
    if (lower(words[i]) == "params:") return i;
  }
  return words.size();
}

std::string unquoted(std::string text) {
  if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'') && text.back() == text.front()) {
    return text.substr(1, text.size() - 2);
  }
  return text;
}

bool is_expression(std::string_view word) { return word.find_first_of("{'\"") != std::string_view::npos; }

std::string first_word(std::string_view line) { return lower(line.substr(0, line.find_first_of(" \t(="))); }

bool is_parameter_statement(std::string_view word) { return word.starts_with(".para"); }
bool opens_subcircuit(std::string_view word) { return word == ".subckt" || word == ".macro"; }
bool closes_subcircuit(std::string_view word) { return word == ".ends" || word == ".eom"; }
bool is_options_statement(std::string_view word) { return word.starts_with(".opt") && word != ".optran"; }

std::vector<Assignment> assignments_of(std::string_view statement) {
  std::vector<Assignment> found;
  Nesting nesting;
  for (std::size_t i = 0; i < statement.size(); ++i) {
    const char c = statement[i];
    const bool compared = i > 0 && std::string_view("=<>!").find(statement[i - 1]) != std::string_view::npos;
    const bool equal = i + 1 < statement.size() && statement[i + 1] == '=';
    if (nesting.outside() && c == '=' && !compared && !equal) {
      Assignment assignment;
      assignment.begin = name_begin(statement, i, &assignment.function);
      const std::string_view name = statement.substr(assignment.begin, i - assignment.begin);
      assignment.name = lower(trim(name.substr(0, name.find('('))));
      assignment.value_begin = i + 1;
      while (assignment.value_begin < statement.size() && is_blank(statement[assignment.value_begin]))
        ++assignment.value_begin;
      if (!found.empty()) found.back().value_end = assignment.begin;
      found.push_back(std::move(assignment));
    }
    nesting.step(c);
  }
  if (!found.empty()) found.back().value_end = statement.size();
  for (Assignment& a : found) {
    const std::size_t begin = std::min(a.value_begin, a.value_end);
    a.value_begin = begin;
    a.value_end = begin + without_trailing(statement.substr(begin, a.value_end - begin), ",;").size();
  }
  return found;
}

std::optional<double> spice_number(std::string_view text) {
  text = trim(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0.0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  const std::string suffix = lower(text.substr(static_cast<std::size_t>(rest - text.data())));
  for (const char c : suffix) {
    if (std::isalpha(static_cast<unsigned char>(c)) == 0) return std::nullopt;
  }
  if (suffix.starts_with("meg")) return value * 1e6;
  if (suffix.starts_with("mil")) return value * 25.4e-6;
  switch (suffix.empty() ? '\0' : suffix.front()) {
    case 't':
      return value * 1e12;
    case 'g':
      return value * 1e9;
    case 'k':
      return value * 1e3;
    case 'm':
      return value * 1e-3;
    case 'u':
      return value * 1e-6;
    case 'n':
      return value * 1e-9;
    case 'p':
      return value * 1e-12;
    case 'f':
      return value * 1e-15;
    case 'a':
      return value * 1e-18;
    default:
      return value;
  }
}

void fail_at(const std::string& file, std::size_t line, const std::string& what) {
  throw DeckError(fmt::format("{}:{}: {}", file, line, what));
}

std::string Statement::place() const { return fmt::format("{}:{}", (*files)[at.file], at.line); }

std::vector<Statement> statements_of(const Deck& deck) {
  static const std::vector<std::string> unknown{"deck"};
  const bool known = deck.places.size() == deck.lines.size();
  std::vector<Statement> statements;
  bool in_control = false;
  for (std::size_t i = 1; i < deck.lines.size(); ++i) {
    const std::string_view text = trim(deck.lines[i]);
    if (text.empty()) continue;
    // A comment of the form "*#" is a command to ngspice.
    if (text.front() == '*' && !text.starts_with("*#")) continue;
    const std::string start = lower(text.substr(0, 8));
    if (start == ".control") in_control = true;
    const DeckPlace at = known ? deck.places[i] : DeckPlace{0, static_cast<std::uint32_t>(i + 1)};
    statements.push_back({std::string(text), at, known ? &deck.files : &unknown, in_control});
    if (start.rfind(".endc", 0) == 0) in_control = false;
    if (start == ".end") break;
  }
  return statements;
}

}  // namespace flare::engine
