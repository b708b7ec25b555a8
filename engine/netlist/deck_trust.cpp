#include "engine/netlist/deck_trust.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <set>
#include <string_view>

#include "engine/netlist/deck.hpp"

namespace flare::engine {
namespace {

/// What the simulator takes as the end of a word besides blanks: `file("x")`, `file=x` and `file 'x'` are one.
constexpr std::string_view word_ends = " \t\r\f\v()[]{}<>,;=\"'`|%~";

/// Code models that open files, run programs or load libraries, whatever their parameters are called.
bool is_dangerous_model(std::string_view word) {
  static const std::set<std::string_view> known{"filesource", "table2d",   "table3d", "d_state",
                                                "d_source",   "d_process", "d_cosim", "d_ram_file"};
  return known.contains(word);
}

/// Code models and numerical device models open the files that parameters such as file= or process_file= name. In a
/// .model every word that ends so is one; elsewhere (nodes and subcircuits have such names) only one that is given a
/// value, or `file` itself.
std::optional<std::string> file_parameter(const std::string& statement) {
  const std::string text = lower(statement);
  const bool model = first_word(text).starts_with(".model");
  if (!model && text.find("file") == std::string::npos) return std::nullopt;
  std::size_t begin = 0;
  std::size_t words = 0;
  while ((begin = text.find_first_not_of(word_ends, begin)) != std::string::npos) {
    const std::size_t end = std::min(text.find_first_of(word_ends, begin), text.size());
    const std::string word = text.substr(begin, end - begin);
    const std::size_t next = text.find_first_not_of(" \t", end);
    const bool given =
        next != std::string::npos && std::string_view("=(\"'").find(text[next]) != std::string_view::npos;
    const bool name_of_model = model && ++words == 2;
    if (word.ends_with("file") && !name_of_model && (model || given || word == "file")) return word;
    if (model && is_dangerous_model(word)) return word;
    begin = end;
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
