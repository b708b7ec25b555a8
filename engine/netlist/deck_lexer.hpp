// The words of a netlist: what separates them, what a comment is, what one statement is.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/netlist/deck.hpp"

namespace flare::engine {

char lower(char c);
std::string lower(std::string_view text);

/// White space within a line.
bool is_blank(char c);
std::string_view trim(std::string_view text);

/// Part of a parameter's or a function's name.
bool is_identifier(char c);

/// Cuts off a comment that starts within a line: `;`, `//` or a `$` after a blank or at the start, outside quotes.
std::string_view without_comment(std::string_view line);

/// Words of a statement; what stands in quotes, braces or apostrophes is one word, `=` is a word of its own.
std::vector<std::string> words_of(std::string_view line);

/// The same with parentheses taken as blanks, outside quotes: "x1 (a b) s", "PULSE (0 1".
std::vector<std::string> words_without_parentheses(std::string_view line);

/// The number of words before the first `key = value` (and before `params:`).
std::size_t positional(const std::vector<std::string>& words);

/// The text without the quotes around it, if there are any.
std::string unquoted(std::string text);

/// A word whose value the simulator works out: "{w}", "'2*w'".
bool is_expression(std::string_view word);

/// First word of a statement, lower case: ".param".
std::string first_word(std::string_view line);

/// .param in every way that ngspice takes it: .params, .parameter.
bool is_parameter_statement(std::string_view first_word);
bool opens_subcircuit(std::string_view first_word);   // .subckt, .macro
bool closes_subcircuit(std::string_view first_word);  // .ends, .eom
bool is_options_statement(std::string_view first_word);

/// "name = value" or "name(arguments) = value" in a statement; the value reaches up to the next assignment.
struct Assignment {
  std::string name;       // lower case
  bool function = false;  // has arguments
  std::size_t begin = 0;  // of the name, in the statement
  std::size_t value_begin = 0;
  std::size_t value_end = 0;
};
std::vector<Assignment> assignments_of(std::string_view statement);

/// A number as SPICE writes it ("27", "1.5meg", "10u"), with whatever unit behind it; none if it is no number.
std::optional<double> spice_number(std::string_view text);

/// Throws DeckError "file:line: what".
[[noreturn]] void fail_at(const std::string& file, std::size_t line, const std::string& what);

/// One logical statement and where it stands.
struct Statement {
  std::string text;
  DeckPlace at;
  const std::vector<std::string>* files = nullptr;  // of whoever read it, and lives longer
  bool command = false;                             // inside .control

  std::string place() const;
  /// Throws DeckError "file:line: what".
  [[noreturn]] void fail(const std::string& what) const { fail_at((*files)[at.file], at.line, what); }
};

/// The statements of a deck already read, without its title. They refer to the deck.
std::vector<Statement> statements_of(const Deck& deck);

}  // namespace flare::engine
