#include "engine/deck_trust.hpp"

#include <fmt/format.h>

#include <cctype>
#include <optional>
#include <set>

#include "engine/deck.hpp"

namespace flare::engine {
namespace {

/// The statements that describe a circuit or ask for results. Everything else is refused: a list of the
/// harmless stays safe when the simulator learns something new.
bool is_harmless_statement(const std::string& word) {
  static const std::set<std::string> harmless{
      ".subckt",  ".ends",   ".model",   ".param", ".params", ".global",  ".ic",    ".nodeset",
      ".options", ".option", ".opt",     ".temp",  ".func",   ".csparam", ".if",    ".elseif",
      ".else",    ".endif",  ".tran",    ".op",    ".dc",     ".ac",      ".noise", ".tf",
      ".sens",    ".pz",     ".disto",   ".pss",   ".print",  ".plot",    ".probe", ".save",
      ".four",    ".meas",   ".measure", ".width", ".title",  ".end"};
  return harmless.contains(word);
}

/// Code models and numerical device models open the files that parameters such as file= or process_file=
/// name.
std::optional<std::string> file_parameter(const std::string& text) {
  if (lower(text).find("file") == std::string::npos) return std::nullopt;
  const std::vector<std::string> words = words_of(text);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string word = lower(words[i]);
    const bool assigned = i + 1 < words.size() && words[i + 1] == "=";
    if (assigned && word.ends_with("file")) return word;
    // `pwl file "..."`, `pwl(file=...)` and the like, without a sign.
    if (word == "file" || word.ends_with("(file")) return word;
  }
  return std::nullopt;
}

constexpr const char* trust = "remove it, or allow commands in the study if you trust this netlist";

}  // namespace

void refuse_if_dangerous(const Statement& statement) {
  const std::string_view text = statement.text;
  const std::string word = lower(text.substr(0, text.find_first_of(" \t(=")));
  if (statement.command || word == ".control" || word == ".endc") {
    statement.fail(std::string("a .control block runs commands when the netlist is loaded; ") + trust);
  }
  if (word.front() == '.' && !is_harmless_statement(word)) {
    statement.fail(fmt::format("{} is not a statement of a circuit; {}", word, trust));
  }
  if (word.front() != '.' && !std::isalpha(static_cast<unsigned char>(word.front()))) {
    statement.fail(fmt::format("\"{}\" is neither an element nor a statement; {}", word, trust));
  }
  if (const auto name = file_parameter(statement.text)) {
    statement.fail(fmt::format("{} opens a file; {}", *name, trust));
  }
}

void refuse_commands(const Deck& deck) {
  if (deck.allow_commands || deck.lines.empty()) return;
  if (deck.lines.front().starts_with("*ng_") || deck.lines.front().starts_with("*#")) {
    throw DeckError(std::string("deck:1: the title makes this a script; ") + trust);
  }
  for (std::size_t i = 0; i < deck.lines.size(); ++i) {
    if (deck.lines[i].find_first_of("\n\r") == std::string::npos) continue;
    throw DeckError(fmt::format("deck:{}: several lines in one; {}", i + 1, trust));
  }
  for (const Statement& statement : statements_of(deck)) refuse_if_dangerous(statement);
}

}  // namespace flare::engine
