#include "engine/deck_elaboration.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "engine/nearest_name.hpp"

namespace flare::engine {
namespace {

constexpr std::size_t max_subcircuit_depth = 64;

struct Subcircuit {
  std::string name;
  std::size_t ports = 0;
  const Subcircuit* parent = nullptr;
  std::vector<const Statement*> elements;
  std::map<std::string, std::string> models;  // name -> type
  std::map<std::string, std::unique_ptr<Subcircuit>> inner;
};

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

void collect_models(const Subcircuit& circuit, std::map<std::string, std::string>* models) {
  models->insert(circuit.models.begin(), circuit.models.end());
  for (const auto& [name, inner] : circuit.inner) collect_models(*inner, models);
}

}  // namespace

std::vector<DeviceInstance> devices_of(const std::vector<Statement>& statements, std::size_t max_devices) {
  std::vector<DeviceInstance> devices;
  const std::unique_ptr<Subcircuit> root = structure_of(statements);
  Expansion(max_devices, &devices).expand(*root, "", 0);
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
