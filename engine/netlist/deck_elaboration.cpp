#include "engine/netlist/deck_elaboration.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "engine/base/nearest_name.hpp"

namespace flare::engine {
namespace {

constexpr std::size_t max_subcircuit_depth = 64;

/// An element, and whether it stands inside .if: what it needs may then be missing, ngspice drops it.
struct Element {
  const Statement* statement = nullptr;
  bool conditional = false;
};

struct Subcircuit {
  std::string name;
  std::size_t ports = 0;
  bool conditional = false;  // defined inside .if, perhaps several times
  const Subcircuit* parent = nullptr;
  std::vector<Element> elements;
  std::set<std::string> conditional_names;    // of elements
  std::map<std::string, std::string> models;  // name -> type
  std::map<std::string, std::unique_ptr<Subcircuit>> inner;
  std::vector<std::unique_ptr<Subcircuit>> repeated;  // definitions that ngspice ignores: the first counts
};

void add_model(const Statement& statement, std::map<std::string, std::string>* models) {
  const std::vector<std::string> words = words_of(statement.text);
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

/// Builds the tree of subcircuits, statement by statement.
class Structure {
 public:
  void add(const Statement& statement) {
    if (statement.command || statement.text.empty()) return;
    if (statement.text.front() != '.') return add_element(statement);
    const std::string word = first_word(statement.text);
    if (word == ".if") ++conditions_;
    if (word == ".endif") --conditions_;
    if (word == ".model") add_model(statement, &at_->models);
    if (opens_subcircuit(word)) open(statement);
    if (closes_subcircuit(word)) {
      if (open_.empty()) statement.fail(word + " without .subckt; remove it");
      open_.pop_back();
      at_ = const_cast<Subcircuit*>(at_->parent);  // owned by it, and being built
    }
  }

  std::unique_ptr<Subcircuit> finish() {
    if (!open_.empty()) open_.back()->fail("a .subckt without its end; add .ends");
    return std::move(root_);
  }

 private:
  void add_element(const Statement& statement) {
    const bool conditional = conditions_ > 0;
    // The branches of an .if hold the same device under the same name.
    const bool again = conditional && !at_->conditional_names.insert(first_word(statement.text)).second;
    if (!again) at_->elements.push_back({&statement, conditional});
  }

  void open(const Statement& statement) {
    const std::vector<std::string> words = words_without_parentheses(statement.text);
    if (words.size() < 2) statement.fail("a .subckt needs a name; write .subckt NAME NODE...");
    if (open_.size() >= max_subcircuit_depth)
      statement.fail("subcircuits are defined too deep inside each other");
    auto inner = std::make_unique<Subcircuit>();
    inner->name = lower(words[1]);
    inner->ports = std::max<std::size_t>(positional(words), 2) - 2;
    inner->conditional = conditions_ > 0;
    inner->parent = at_;
    open_.push_back(&statement);
    auto& place = at_->inner[inner->name];
    if (place) {
      place->conditional = place->conditional || inner->conditional;
      at_->repeated.push_back(std::move(inner));
      at_ = at_->repeated.back().get();
    } else {
      place = std::move(inner);
      at_ = place.get();
    }
  }

  std::unique_ptr<Subcircuit> root_ = std::make_unique<Subcircuit>();
  Subcircuit* at_ = root_.get();
  std::vector<const Statement*> open_;
  int conditions_ = 0;
};

/// The tree of subcircuits; the top level is the root.
std::unique_ptr<Subcircuit> structure_of(const std::vector<Statement>& statements) {
  Structure structure;
  for (const Statement& statement : statements) structure.add(statement);
  return structure.finish();
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
std::vector<std::string> names_in(const Subcircuit* scope, Member member) {
  std::vector<std::string> names;
  for (; scope; scope = scope->parent) {
    for (const auto& entry : scope->*member) names.push_back(entry.first);
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// "; did you mean X?" for the nearest of `known`, else "; REMEDY".
std::string remedy(const std::string& name, const std::vector<std::string>& known,
                   const std::string& otherwise) {
  const std::string best = nearest_name(name, known);
  return best.empty() ? "; " + otherwise : "; did you mean " + best + "?";
}

/// Where the model stands in an element's words: fewest, usual and most nodes before it.
struct ModelPosition {
  std::size_t fewest = 0;  // 0: the element needs no model, or may do without
  std::size_t usual = 0;
  std::size_t most = 0;
};

ModelPosition model_position(char type) {
  switch (type) {
    case 'm':
      return {3, 4, 7};  // a power MOSFET (VDMOS) has three
    case 'd':
      return {2, 2, 3};
    case 'q':
      return {3, 3, 5};
    case 'j':
    case 'z':
      return {3, 3, 3};
    default:
      return {};
  }
}

bool is_time_function(const std::string& word) {
  static const std::set<std::string> functions{"pulse", "pwl",     "sin",      "sine",     "exp", "sffm",
                                               "am",    "trnoise", "trrandom", "external", "pat"};
  return functions.contains(word);
}

/// Whether an independent source says how it moves in time, in whatever way: "PULSE(0 1", "dc 0 pulse 0 1".
bool has_time_function(const std::string& text) {
  const std::vector<std::string> words = words_without_parentheses(text);
  // A node may be called "am" or "exp".
  return std::any_of(words.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(3, words.size())),
                     words.end(), [](const std::string& word) { return is_time_function(lower(word)); });
}

/// Whether an independent source says its DC value: right behind its nodes, or anywhere behind "dc".
bool has_dc_value(const std::string& text) {
  const std::vector<std::string> words = words_without_parentheses(text);
  if (words.size() <= 3) return false;
  const std::string first = lower(words[3]);
  if (first != "ac" && !is_time_function(first)) return true;
  return std::any_of(words.begin() + 3, words.end(), [](const std::string& word) {
    return lower(word).substr(0, 3) == "dc=" || lower(word) == "dc";
  });
}

/// Where an expansion has got to.
struct Scope {
  const Subcircuit* circuit = nullptr;
  std::string path;  // "xrow3.", "" at the top
  std::size_t depth = 0;
  bool conditional = false;  // below an .if: what is missing is not missed
};

class Expansion {
 public:
  Expansion(std::size_t max_devices, std::vector<DeviceInstance>* devices)
      : max_devices_(max_devices), devices_(devices) {}

  void expand(const Scope& scope) {
    for (const Element& element : scope.circuit->elements) {
      Scope here = scope;
      here.conditional = scope.conditional || element.conditional;
      if (lower(element.statement->text.front()) == 'x') {
        enter(here, *element.statement);
      } else {
        add(here, *element.statement);
      }
    }
  }

 private:
  void enter(const Scope& scope, const Statement& element) {
    const std::vector<std::string> words = words_without_parentheses(element.text);
    const std::size_t count = positional(words);
    if (count < 2) element.fail("an instance needs a subcircuit; write xNAME NODE... SUBCIRCUIT");
    const std::string name = lower(words[count - 1]);
    const Subcircuit* inner = find_subcircuit(scope.circuit, name);
    if (!inner) {
      if (scope.conditional || is_expression(name)) return;
      const std::string hint =
          remedy(name, names_in(scope.circuit, &Subcircuit::inner), "add its .subckt or .include its file");
      element.fail(fmt::format("subcircuit {} is not defined{}", name, hint));
    }
    if (count - 2 != inner->ports && !scope.conditional && !inner->conditional) {
      element.fail(fmt::format("{} connects {} nodes, subcircuit {} has {}; correct one of them", words[0],
                               count - 2, name, inner->ports));
    }
    if (scope.depth + 1 > max_subcircuit_depth) {
      element.fail(
          fmt::format("subcircuits stand more than {} deep inside each other; does {} contain itself?",
                      max_subcircuit_depth, name));
    }
    if (++calls_ > max_devices_) {
      element.fail(fmt::format("more than {} devices and subcircuits; raise the limit if that is meant",
                               max_devices_));
    }
    expand({inner, scope.path + lower(words[0]) + ".", scope.depth + 1, scope.conditional});
  }

  void add(const Scope& scope, const Statement& element) {
    if (devices_->size() >= max_devices_) {
      element.fail(fmt::format("more than {} devices; raise the limit if that is meant", max_devices_));
    }
    const std::vector<std::string> words = words_of(element.text);
    if (words.empty()) return;  // nothing but separators: left to ngspice
    DeviceInstance device;
    const std::string name = lower(words[0]);
    device.type = name.front();
    device.name = scope.path.empty() ? name : std::string(1, device.type) + "." + scope.path + name;
    device.model = model_of(scope, element, words, device.type);
    device.waveform = (device.type == 'v' || device.type == 'i') && has_time_function(element.text);
    device.dc_value = !device.waveform || has_dc_value(element.text);
    devices_->push_back(std::move(device));
  }

  static std::string model_of(const Scope& scope, const Statement& element,
                              const std::vector<std::string>& words, char type) {
    const ModelPosition position = model_position(type);
    if (position.fewest == 0) return {};
    const std::size_t count = positional(words);
    for (std::size_t i = position.fewest + 1; i <= position.most + 1 && i < count; ++i) {
      std::string name = lower(words[i]);
      if (has_model(scope.circuit, name)) return name;
      if (is_expression(name)) return {};  // a text parameter may name the model
    }
    if (scope.conditional) return {};
    if (count <= position.fewest + 1) {
      element.fail(fmt::format("{} lacks nodes or a model; complete it", words[0]));
    }
    const std::string name = lower(words[std::min(position.usual + 1, count - 1)]);
    const std::string hint =
        remedy(name, names_in(scope.circuit, &Subcircuit::models), "add its .model or .lib");
    element.fail(fmt::format("model {} is not defined{}", name, hint));
  }

  std::size_t max_devices_;
  std::size_t calls_ = 0;
  std::vector<DeviceInstance>* devices_;
};

void collect_models(const Subcircuit& circuit, std::map<std::string, std::string>* models) {
  models->insert(circuit.models.begin(), circuit.models.end());
  for (const auto& [name, inner] : circuit.inner) collect_models(*inner, models);
}

}  // namespace

std::vector<DeviceInstance> devices_of(const std::vector<Statement>& statements, std::size_t max_devices) {
  std::vector<DeviceInstance> devices;
  const std::unique_ptr<Subcircuit> root = structure_of(statements);
  Expansion(max_devices, &devices).expand({root.get(), "", 0, false});
  return devices;
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

}  // namespace flare::engine
