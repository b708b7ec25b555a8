#include "engine/netlist/deck.hpp"

#include <fmt/format.h>

#include <cctype>

#include "engine/netlist/deck_elaboration.hpp"
#include "engine/netlist/deck_lexer.hpp"
#include "engine/netlist/deck_parameters.hpp"
#include "engine/netlist/deck_random.hpp"
#include "engine/netlist/deck_reader.hpp"
#include "engine/netlist/deck_trust.hpp"

namespace flare::engine {
namespace {

/// ngspice takes a file whose title starts with *ng_script for a script, and *# for a command.
std::string safe_title(const std::string& title) {
  const bool plain = !title.empty() && std::isalnum(static_cast<unsigned char>(title.front()));
  return plain ? title : "* " + title;
}

Deck finish(Reader& reader, const DeckOptions& options) {
  std::vector<Statement> statements = reader.take();
  apply_commands(options.commands, &statements);
  for (const Statement& statement : statements) refuse_commas(statement);
  Deck deck;
  deck.allow_commands = options.commands == Commands::run;
  deck.files = reader.files();
  deck.sections_taken = reader.sections_taken();
  deck.lines.reserve(statements.size() + 1);
  deck.places.reserve(statements.size() + 1);
  deck.lines.push_back(safe_title(reader.title()));
  deck.places.push_back({0, 1});
  for (Statement& statement : statements) {
    deck.lines.push_back(std::move(statement.text));
    deck.places.push_back(statement.at);
  }
  set_parameters(options.parameters, &deck);
  take_out_draws(options.defined_functions, &deck);
  devices_of(statements_of(deck), options.limits.max_devices);
  return deck;
}

/// Shell pattern; `*` any text, `?` any character.
bool glob(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || (pattern[p] != '*' && pattern[p] == text[t]))) {
      ++p;
      ++t;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace

std::string Deck::text() const {
  std::string all;
  for (const std::string& line : lines) all += line + "\n";
  return all + ".end\n";
}

std::string Deck::place(std::size_t index) const {
  const bool known = places.size() == lines.size() && index < places.size();
  return known ? fmt::format("{}:{}", files[places[index].file], places[index].line)
               : fmt::format("deck:{}", index + 1);
}

Deck read_deck(const std::filesystem::path& file, const DeckOptions& options) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file, ignored)) {
    throw DeckError(fmt::format("{}:1: there is no such file; check the path", file.string()));
  }
  Reader reader(options);
  reader.read_main(file);
  return finish(reader, options);
}

Deck parse_deck(std::string_view text, const std::filesystem::path& origin, const DeckOptions& options) {
  Reader reader(options);
  reader.read_text(text, origin);
  return finish(reader, options);
}

bool matches(std::string_view pattern, std::string_view device) {
  const std::string wanted = lower(pattern);
  if (glob(wanted, device)) return true;
  const bool flat = device.size() > 2 && device[1] == '.';
  return flat && glob(wanted, device.substr(2));
}

}  // namespace flare::engine