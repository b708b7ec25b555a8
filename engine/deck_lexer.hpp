// The words of a netlist: what separates them, what a comment is, what one statement is.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "engine/deck.hpp"

namespace flare::engine {

char lower(char c);
std::string lower(std::string_view text);

/// White space within a line.
bool is_blank(char c);
std::string_view trim(std::string_view text);

/// Cuts off a comment that starts within a line: `;`, `//` or a `$` after a blank, outside quotes.
std::string_view without_comment(std::string_view line);

/// Words of a statement; what stands in quotes, braces or apostrophes is one word, `=` is a word of its own.
std::vector<std::string> words_of(std::string_view line);

/// The number of words before the first `key = value` (and before `params:`).
std::size_t positional(const std::vector<std::string>& words);

/// The text without the quotes around it, if there are any.
std::string unquoted(std::string text);

/// Throws DeckError "file:line: what".
[[noreturn]] void fail_at(const std::string& file, std::size_t line, const std::string& what);

/// One logical statement and where it stands.
struct Statement {
  std::string text;
  std::string file;
  std::size_t line = 0;
  bool command = false;  // inside .control

  [[noreturn]] void fail(const std::string& what) const { fail_at(file, line, what); }
};

/// The statements of a deck already read; its lines are numbered as they stand in it.
std::vector<Statement> statements_of(const Deck& deck);

}  // namespace flare::engine
