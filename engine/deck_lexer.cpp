#include "engine/deck_lexer.hpp"

#include <fmt/format.h>

#include <cctype>
#include <utility>

namespace flare::engine {

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

std::string_view without_comment(std::string_view line) {
  char quote = '\0';
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote != '\0') {
      if (c == quote) quote = '\0';
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == ';' || (c == '/' && i + 1 < line.size() && line[i + 1] == '/') ||
               (c == '$' && i > 0 && (is_blank(line[i - 1]) || line[i - 1] == ','))) {
      return trim(line.substr(0, i));
    }
  }
  return line;
}

std::vector<std::string> words_of(std::string_view line) {
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
    } else if (is_blank(c) || c == ',') {
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

void fail_at(const std::string& file, std::size_t line, const std::string& what) {
  throw DeckError(fmt::format("{}:{}: {}", file, line, what));
}

std::vector<Statement> statements_of(const Deck& deck) {
  std::vector<Statement> statements;
  bool in_control = false;
  for (std::size_t i = 1; i < deck.lines.size(); ++i) {
    const std::string_view text = trim(deck.lines[i]);
    if (text.empty()) continue;
    // A comment of the form "*#" is a command to ngspice.
    if (text.front() == '*' && !text.starts_with("*#")) continue;
    const std::string start = lower(text.substr(0, 8));
    if (start == ".control") in_control = true;
    statements.push_back({std::string(text), "deck", i + 1, in_control});
    if (start.rfind(".endc", 0) == 0) in_control = false;
    if (start == ".end") break;
  }
  return statements;
}

}  // namespace flare::engine
