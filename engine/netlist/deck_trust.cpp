#include "engine/netlist/deck_trust.hpp"

#include <fmt/format.h>

#include <cctype>
#include <optional>
#include <set>

#include "engine/netlist/deck.hpp"

namespace flare::engine {
namespace {

/// Code models and numerical device models open the files that parameters such as file= or process_file= name.
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

constexpr const char* trust = "remove it, or set commands = \"run\" in the study if you trust this netlist";

/// Whether a line of a .control block ends the simulator.
bool quits(std::string_view line) {
  while (!line.empty()) {
    const std::size_t end = line.find(';');
    const std::string_view command = trim(line.substr(0, end));
    const std::string word = lower(command.substr(0, command.find_first_of(" \t")));
    if (word == "quit" || word == "exit") return true;
    line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  }
  return false;
}

}  // namespace

bool is_circuit_statement(const std::string& word) {
  static const std::set<std::string> known{
      ".subckt", ".ends",  ".macro",   ".eom",     ".model",  ".global", ".ic",    ".nodeset",
      ".temp",   ".func",  ".if",      ".csparam", ".elseif", ".else",   ".endif", ".tran",
      ".op",     ".dc",    ".ac",      ".noise",   ".tf",     ".sens",   ".pz",    ".disto",
      ".pss",    ".sp",    ".optran",  ".print",   ".plot",   ".probe",  ".save",  ".four",
      ".meas",   ".width", ".measure", ".title",   ".end",    ".prot",   ".unprot"};
  return known.contains(word) || is_parameter_statement(word) || is_options_statement(word);
}

void refuse_if_dangerous(const Statement& statement) {
  const std::string word = first_word(statement.text);
  if (statement.command || word == ".control" || word == ".endc") {
    statement.fail(
        "a .control block runs commands when the netlist is loaded; set commands = \"leave out\" in the "
        "study, or \"run\" if you trust it");
  }
  if (word.empty()) statement.fail("a line that begins with a sign; remove it");
  if (word.front() == '.' && !is_circuit_statement(word)) {
    statement.fail(fmt::format("{} is not a statement of a circuit; {}", word, trust));
  }
  if (word.front() != '.' && !std::isalpha(static_cast<unsigned char>(word.front()))) {
    statement.fail(fmt::format("\"{}\" is neither an element nor a statement; {}", word, trust));
  }
  if (const auto name = file_parameter(statement.text)) {
    statement.fail(fmt::format("{} opens a file; {}", *name, trust));
  }
}

void apply_commands(Commands commands, std::vector<Statement>* statements) {
  if (commands == Commands::leave_out) {
    std::erase_if(*statements, [](const Statement& s) { return s.command; });
  }
  for (const Statement& statement : *statements) {
    if (commands != Commands::run) {
      refuse_if_dangerous(statement);
    } else if (statement.command && quits(statement.text)) {
      statement.fail(
          "this ends the simulator while it loads the netlist; leave the block out (commands = \"leave "
          "out\")");
    }
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
