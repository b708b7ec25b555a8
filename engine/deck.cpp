#include "engine/deck.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <memory>
#include <optional>
#include <set>
#include <utility>

namespace flare::engine {
namespace {

constexpr std::size_t max_subcircuit_depth = 64;

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

/// Cuts off a comment that starts within a line: `;`, `//` or a `$` after a blank, outside quotes.
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

/// Words of a statement; what stands in quotes, braces or apostrophes is one word, `=` is a word of its own.
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

/// One logical statement and where it stands.
struct Statement {
  std::string text;
  std::string file;
  std::size_t line = 0;
  bool command = false;  // inside .control

  [[noreturn]] void fail(const std::string& what) const {
    throw DeckError(fmt::format("{}:{}: {}", file, line, what));
  }
};

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

/// "; did you mean X" for the nearest of `known`, else "; REMEDY".
template <typename Names>
std::string remedy(const std::string& name, const Names& known, const std::string& otherwise) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, name.size() / 3) + 1;
  for (const auto& candidate : known) {
    const std::size_t d = distance(name, candidate);
    if (d < best_distance) {
      best_distance = d;
      best = candidate;
    }
  }
  return best.empty() ? "; " + otherwise : "; did you mean " + best + "?";
}

// ---------------------------------------------------------------------------------------------------------
// What a netlist may say

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

// ---------------------------------------------------------------------------------------------------------
// Reading

/// Reads files into statements, following .include and .lib.
class Reader {
 public:
  explicit Reader(const DeckOptions& options) : options_(options) {}

  void read_main(const std::filesystem::path& file);
  void read_text(std::string_view text, const std::filesystem::path& origin);
  std::vector<Statement> take() { return std::move(statements_); }
  const std::string& title() const { return title_; }

 private:
  using Lines = std::vector<std::string>;
  struct Place {
    std::string file;
    std::filesystem::path folder;
    std::size_t line = 0;
    std::size_t depth = 0;
    [[noreturn]] void fail(const std::string& what) const {
      throw DeckError(fmt::format("{}:{}: {}", file, line, what));
    }
  };

  std::shared_ptr<const Lines> lines_of(const std::filesystem::path& file);
  std::shared_ptr<const Lines> split(std::string_view text, const std::string& name);
  std::filesystem::path resolve(const std::string& name, const Place& place) const;
  void read(const Lines& lines, const std::filesystem::path& file, std::size_t depth, bool has_title,
            const std::string* section);
  bool statement(std::string_view line, Place& place);
  void include(const std::vector<std::string>& words, const Place& place);
  void library(const std::vector<std::string>& words, const Place& place);
  void append(std::string_view line, const Place& place);
  void join(std::string_view line, const Place& place);

  const DeckOptions& options_;
  std::vector<Statement> statements_;
  std::string title_;
  std::map<std::string, std::shared_ptr<const Lines>> files_;
  std::size_t bytes_ = 0;
  std::size_t lines_ = 0;
  bool in_control_ = false;
  bool may_continue_ = false;  // a `+` belongs to the last statement
};

std::string unquoted(std::string text) {
  if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'') && text.back() == text.front()) {
    return text.substr(1, text.size() - 2);
  }
  return text;
}

std::shared_ptr<const Reader::Lines> Reader::split(std::string_view text, const std::string& name) {
  bytes_ += text.size();
  if (bytes_ > options_.limits.max_bytes) {
    throw DeckError(
        fmt::format("{}:1: the netlist is larger than {} MB; raise the limit if it is meant to be", name,
                    options_.limits.max_bytes >> 20));
  }
  auto lines = std::make_shared<Lines>();
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    if (line.find('\0') != std::string_view::npos) {
      throw DeckError(fmt::format("{}:{}: this is not text; give a netlist", name, lines->size() + 1));
    }
    lines->emplace_back(trim(line));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

std::shared_ptr<const Reader::Lines> Reader::lines_of(const std::filesystem::path& file) {
  auto& cached = files_[file.string()];
  if (cached) return cached;
  std::error_code error;
  const auto size = std::filesystem::file_size(file, error);
  if (error) throw DeckError(fmt::format("{}:1: {}; check the path", file.string(), error.message()));
  if (size > options_.limits.max_bytes)
    split(std::string(options_.limits.max_bytes + 1, '\n'), file.string());
  std::string text(size, '\0');
  std::ifstream stream(file, std::ios::binary);
  stream.read(text.data(), static_cast<std::streamsize>(size));
  if (!stream) throw DeckError(fmt::format("{}:1: cannot be read; check its permissions", file.string()));
  return cached = split(text, file.string());
}

std::filesystem::path Reader::resolve(const std::string& name, const Place& place) const {
  const std::filesystem::path path(name);
  std::vector<std::filesystem::path> tried;
  if (path.is_absolute()) {
    tried.push_back(path);
  } else {
    tried.push_back(place.folder / path);
    for (const auto& folder : options_.search_paths) tried.push_back(folder / path);
  }
  for (const auto& candidate : tried) {
    std::error_code ignored;
    if (std::filesystem::is_regular_file(candidate, ignored)) return candidate.lexically_normal();
  }
  std::string places;
  for (const auto& candidate : tried) places += (places.empty() ? "" : ", ") + candidate.string();
  place.fail(fmt::format("there is no file {}; looked for {}", name, places));
}

void Reader::append(std::string_view line, const Place& place) {
  if (++lines_ > options_.limits.max_lines) {
    place.fail(
        fmt::format("more than {} lines; raise the limit if that is meant", options_.limits.max_lines));
  }
  statements_.push_back({std::string(line), place.file, place.line, in_control_});
}

void Reader::join(std::string_view line, const Place& place) {
  if (!may_continue_ || statements_.empty())
    place.fail("a continuation line with nothing to continue; remove the +");
  if (++lines_ > options_.limits.max_lines) place.fail("too many lines; raise the limit if that is meant");
  statements_.back().text += ' ';
  statements_.back().text += trim(line.substr(1));
}

void Reader::include(const std::vector<std::string>& words, const Place& place) {
  if (words.size() != 2) place.fail(".include takes one file; write .include \"FILE\"");
  const std::filesystem::path file = resolve(unquoted(words[1]), place);
  read(*lines_of(file), file, place.depth + 1, false, nullptr);
}

void Reader::library(const std::vector<std::string>& words, const Place& place) {
  const std::filesystem::path file = resolve(unquoted(words[1]), place);
  const auto chosen = options_.library_sections.find(std::filesystem::absolute(file).lexically_normal());
  const std::string section = lower(chosen == options_.library_sections.end() ? words[2] : chosen->second);
  const std::shared_ptr<const Lines> lines = lines_of(file);
  std::set<std::string> sections;
  for (const std::string& line : *lines) {
    if (line.empty() || line.front() != '.' || lower(line.substr(0, 4)) != ".lib") continue;
    const std::vector<std::string> inner = words_of(without_comment(line));
    if (inner.size() == 2) sections.insert(lower(inner[1]));
  }
  if (!sections.contains(section)) {
    std::string all;
    for (const std::string& name : sections) all += (all.empty() ? "" : ", ") + name;
    place.fail(
        fmt::format("{} has no section {}; it has {}", file.string(), section, all.empty() ? "none" : all));
  }
  read(*lines, file, place.depth + 1, false, &section);
}

/// Takes in one line that is not a comment. False at .end.
bool Reader::statement(std::string_view line, Place& place) {
  if (in_control_) {
    append(line, place);
    if (lower(line.substr(0, 5)) == ".endc") in_control_ = false;
    return true;
  }
  if (line.front() == '+') {
    join(without_comment(line), place);
    return true;
  }
  line = without_comment(line);
  if (line.empty()) return true;
  may_continue_ = false;
  if (line.front() == '.') {
    const std::string word = lower(line.substr(0, line.find_first_of(" \t(=")));
    const std::vector<std::string> words = words_of(line);
    if (word == ".end") return false;
    if (word == ".include" || word == ".inc") {
      include(words, place);
      return true;
    }
    if (word == ".lib" && words.size() == 3) {
      library(words, place);
      return true;
    }
    if (word == ".lib" || word == ".endl") place.fail(word + " cannot be read; write .lib \"FILE\" SECTION");
    if (word == ".control") in_control_ = true;
    if (word == ".title") {
      title_ = std::string(trim(line.substr(6)));
      return true;
    }
  }
  append(line, place);
  may_continue_ = true;
  return true;
}

void Reader::read(const Lines& lines, const std::filesystem::path& file, std::size_t depth, bool has_title,
                  const std::string* section) {
  Place place{file.string(), file.parent_path(), 0, depth};
  if (depth > options_.limits.max_include_depth) {
    place.line = 1;
    place.fail(fmt::format("files include each other more than {} deep; break the circle",
                           options_.limits.max_include_depth));
  }
  bool wanted = section == nullptr;  // outside every section
  bool inside = false;
  may_continue_ = false;
  for (const std::string& line : lines) {
    ++place.line;
    if (place.line == 1 && has_title) {
      title_ = line;
      continue;
    }
    if (line.empty() || line.front() == '*') continue;
    const std::string start = lower(std::string_view(line).substr(0, 5));
    const bool is_lib = start.rfind(".lib", 0) == 0 && (line.size() == 4 || is_blank(line[4]));
    if (is_lib && !in_control_) {
      const std::vector<std::string> words = words_of(without_comment(line));
      if (words.size() == 2) {  // a section begins
        if (inside) place.fail("a library section inside another; end it with .endl first");
        inside = true;
        wanted = section != nullptr && lower(words[1]) == *section;
        continue;
      }
    }
    if (start == ".endl" && !in_control_) {
      if (!inside) place.fail(".endl without .lib; remove it");
      inside = false;
      wanted = section == nullptr;
      continue;
    }
    if (wanted && !statement(line, place)) break;
  }
  if (inside) place.fail("a library section without its end; add .endl");
  may_continue_ = false;
}

void Reader::read_main(const std::filesystem::path& file) {
  const std::filesystem::path path = file.lexically_normal();
  read(*lines_of(path), path, 0, true, nullptr);
}

void Reader::read_text(std::string_view text, const std::filesystem::path& origin) {
  read(*split(text, origin.string()), origin, 0, true, nullptr);
}

// ---------------------------------------------------------------------------------------------------------
// Circuit structure

struct Subcircuit {
  std::string name;
  std::size_t ports = 0;
  const Subcircuit* parent = nullptr;
  std::vector<const Statement*> elements;
  std::map<std::string, std::string> models;  // name -> type
  std::map<std::string, std::unique_ptr<Subcircuit>> inner;
};

/// Words before the first `key = value` (and before `params:`).
std::size_t positional(const std::vector<std::string>& words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "=") return i == 0 ? 0 : i - 1;
    if (lower(words[i]) == "params:") return i;
  }
  return words.size();
}

void add_model(const Statement& statement, std::map<std::string, std::string>* models) {
  std::vector<std::string> words = words_of(statement.text);
  if (words.size() < 3) statement.fail("a .model needs a name and a type; write .model NAME TYPE (...)");
  const std::string name = lower(words[1]);
  const std::string type = lower(words[2].substr(0, words[2].find('(')));
  (*models)[name] = type;
  // "nch.3" is one bin of nch.
  const std::size_t dot = name.rfind('.');
  if (dot == std::string::npos || dot == 0 || dot + 1 == name.size()) return;
  const bool bin = std::all_of(name.begin() + static_cast<std::ptrdiff_t>(dot) + 1, name.end(),
                               [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; });
  if (bin) models->emplace(name.substr(0, dot), type);
}

/// The tree of subcircuits; the top level is the root.
std::unique_ptr<Subcircuit> structure_of(const std::vector<Statement>& statements) {
  auto root = std::make_unique<Subcircuit>();
  Subcircuit* at = root.get();
  std::vector<const Statement*> open;
  int conditions = 0;
  for (const Statement& statement : statements) {
    if (statement.command || statement.text.empty()) continue;
    if (statement.text.front() != '.') {
      if (conditions > 0) {
        statement.fail(
            "a device inside .if: which devices there are must not depend on a parameter; use a subcircuit");
      }
      at->elements.push_back(&statement);
      continue;
    }
    const std::vector<std::string> words = words_of(statement.text);
    const std::string word = lower(words.front());
    if (word == ".if") ++conditions;
    if (word == ".endif") --conditions;
    if (word == ".model") add_model(statement, &at->models);
    if (word == ".subckt") {
      if (words.size() < 2) statement.fail("a .subckt needs a name; write .subckt NAME NODE...");
      if (open.size() >= max_subcircuit_depth)
        statement.fail("subcircuits are defined too deep inside each other");
      auto inner = std::make_unique<Subcircuit>();
      inner->name = lower(words[1]);
      inner->ports = positional(words) - 2;
      inner->parent = at;
      Subcircuit* next = inner.get();
      at->inner[inner->name] = std::move(inner);
      at = next;
      open.push_back(&statement);
    }
    if (word == ".ends") {
      if (open.empty()) statement.fail(".ends without .subckt; remove it");
      open.pop_back();
      // The node is owned by its parent, which may be changed.
      at = const_cast<Subcircuit*>(at->parent);
    }
  }
  if (!open.empty()) open.back()->fail("a .subckt without its end; add .ends");
  return root;
}

const Subcircuit* find_subcircuit(const Subcircuit* scope, const std::string& name) {
  for (; scope; scope = scope->parent) {
    const auto found = scope->inner.find(name);
    if (found != scope->inner.end()) return found->second.get();
  }
  return nullptr;
}

bool has_model(const Subcircuit* scope, const std::string& name) {
  for (; scope; scope = scope->parent) {
    if (scope->models.contains(name)) return true;
  }
  return false;
}

template <typename Member>
std::set<std::string> names_in(const Subcircuit* scope, Member member) {
  std::set<std::string> names;
  for (; scope; scope = scope->parent) {
    for (const auto& entry : scope->*member) names.insert(entry.first);
  }
  return names;
}

/// Where the model stands in an element's words: fewest and most nodes before it. {0, 0}: it needs none.
std::pair<std::size_t, std::size_t> model_position(char type) {
  switch (type) {
    case 'm':
      return {4, 7};
    case 'd':
      return {2, 3};
    case 'q':
      return {3, 5};
    case 'j':
    case 'z':
      return {3, 3};
    default:
      return {0, 0};
  }
}

bool has_time_function(const std::vector<std::string>& words) {
  static const std::set<std::string> functions{"pulse", "pwl",     "sin",      "exp",     "sffm",
                                               "am",    "trnoise", "trrandom", "external"};
  return std::any_of(words.begin() + 1, words.end(), [](const std::string& word) {
    return functions.contains(lower(word.substr(0, word.find('('))));
  });
}

class Expansion {
 public:
  Expansion(std::size_t max_devices, std::vector<DeviceInstance>* devices)
      : max_devices_(max_devices), devices_(devices) {}

  void expand(const Subcircuit& circuit, const std::string& path, std::size_t depth) {
    for (const Statement* element : circuit.elements) {
      const std::vector<std::string> words = words_of(element->text);
      if (words.empty()) continue;
      const char type = lower(words[0].front());
      if (type == 'x') {
        enter(circuit, *element, words, path, depth);
      } else {
        add(circuit, *element, words, path);
      }
    }
  }

 private:
  void enter(const Subcircuit& scope, const Statement& element, const std::vector<std::string>& words,
             const std::string& path, std::size_t depth) {
    const std::size_t count = positional(words);
    if (count < 2) element.fail("an instance needs a subcircuit; write xNAME NODE... SUBCIRCUIT");
    const std::string name = lower(words[count - 1]);
    const Subcircuit* inner = find_subcircuit(&scope, name);
    if (!inner) {
      const std::string hint =
          remedy(name, names_in(&scope, &Subcircuit::inner), "add its .subckt or .include its file");
      element.fail(fmt::format("subcircuit {} is not defined{}", name, hint));
    }
    if (count - 2 != inner->ports) {
      element.fail(fmt::format("{} connects {} nodes, subcircuit {} has {}; correct one of them", words[0],
                               count - 2, name, inner->ports));
    }
    if (depth + 1 > max_subcircuit_depth) {
      element.fail(
          fmt::format("subcircuits stand more than {} deep inside each other; does {} contain itself?",
                      max_subcircuit_depth, name));
    }
    expand(*inner, path + lower(words[0]) + ".", depth + 1);
  }

  void add(const Subcircuit& scope, const Statement& element, const std::vector<std::string>& words,
           const std::string& path) {
    if (devices_->size() >= max_devices_) {
      element.fail(fmt::format("more than {} devices; raise the limit if that is meant", max_devices_));
    }
    DeviceInstance device;
    const std::string name = lower(words[0]);
    device.type = name.front();
    device.name = path.empty() ? name : std::string(1, device.type) + "." + path + name;
    device.model = model_of(scope, element, words, device.type);
    device.waveform = (device.type == 'v' || device.type == 'i') && has_time_function(words);
    devices_->push_back(std::move(device));
  }

  static std::string model_of(const Subcircuit& scope, const Statement& element,
                              const std::vector<std::string>& words, char type) {
    const auto [fewest, most] = model_position(type);
    if (fewest == 0) return {};
    const std::size_t count = positional(words);
    for (std::size_t i = fewest + 1; i <= most + 1 && i < count; ++i) {
      const std::string name = lower(words[i]);
      if (has_model(&scope, name)) return name;
    }
    if (count <= fewest + 1) element.fail(fmt::format("{} lacks nodes or a model; complete it", words[0]));
    const std::string name = lower(words[fewest + 1]);
    const std::string hint = remedy(name, names_in(&scope, &Subcircuit::models), "add its .model or .lib");
    element.fail(fmt::format("model {} is not defined{}", name, hint));
  }

  std::size_t max_devices_;
  std::vector<DeviceInstance>* devices_;
};

std::vector<DeviceInstance> devices_of(const std::vector<Statement>& statements, std::size_t max_devices) {
  std::vector<DeviceInstance> devices;
  const std::unique_ptr<Subcircuit> root = structure_of(statements);
  Expansion(max_devices, &devices).expand(*root, "", 0);
  return devices;
}

/// The statements of a deck already read; its lines are numbered as they stand in it.
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

void collect_models(const Subcircuit& circuit, std::map<std::string, std::string>* models) {
  models->insert(circuit.models.begin(), circuit.models.end());
  for (const auto& [name, inner] : circuit.inner) collect_models(*inner, models);
}

/// ngspice takes a file whose title starts with *ng_script for a script, and *# for a command.
std::string safe_title(const std::string& title) {
  const bool plain = !title.empty() && std::isalnum(static_cast<unsigned char>(title.front()));
  return plain ? title : "* " + title;
}

Deck finish(Reader& reader, const DeckOptions& options) {
  const std::vector<Statement> statements = reader.take();
  Deck deck;
  deck.allow_commands = options.allow_commands;
  deck.lines.reserve(statements.size() + 1);
  deck.lines.push_back(safe_title(reader.title()));
  for (const Statement& statement : statements) {
    if (!options.allow_commands) refuse_if_dangerous(statement);
    deck.lines.push_back(statement.text);
  }
  devices_of(statements, options.limits.max_devices);
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

std::vector<DeviceInstance> list_devices(const Deck& deck, const DeckLimits& limits) {
  return devices_of(statements_of(deck), limits.max_devices);
}

std::map<std::string, std::string> list_models(const Deck& deck) {
  std::map<std::string, std::string> models;
  const std::vector<Statement> statements = statements_of(deck);
  collect_models(*structure_of(statements), &models);
  return models;
}

bool matches(std::string_view pattern, std::string_view device) {
  const std::string wanted = lower(pattern);
  if (glob(wanted, device)) return true;
  const bool flat = device.size() > 2 && device[1] == '.';
  return flat && glob(wanted, device.substr(2));
}

}  // namespace flare::engine
