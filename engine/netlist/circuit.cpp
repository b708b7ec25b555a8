#include "engine/netlist/circuit.hpp"

#include <algorithm>
#include <cctype>
#include <numeric>
#include <set>
#include <utility>

#include "engine/netlist/deck_lexer.hpp"

namespace flare::engine {
namespace {

/// Words between blanks, commas, parentheses and equal signs; an equal sign is a word of its own.
std::vector<std::string> listing_words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  const auto finish = [&] {
    if (!word.empty()) words.push_back(std::exchange(word, {}));
  };
  for (const char c : text) {
    if (c == '=') {
      finish();
      words.emplace_back("=");
    } else if (std::isspace(static_cast<unsigned char>(c)) != 0 || c == ',' || c == '(' || c == ')') {
      finish();
    } else {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  finish();
  return words;
}

/// Number of words before the first `key = value`.
std::size_t positional_words(const std::vector<std::string>& words) {
  const auto sign = std::find(words.begin(), words.end(), "=");
  if (sign == words.end()) return words.size();
  return std::max<std::ptrdiff_t>(sign - words.begin() - 1, 1);
}

bool is_time_function(const std::string& word) {
  static const std::set<std::string> functions{"pulse", "pwl",     "sin",      "exp",      "sffm",
                                               "am",    "trnoise", "trrandom", "external", "pat"};
  return functions.contains(word);
}

/// Fewest and most nodes of an element whose model follows them; {0, 0}: it has no model, or a fixed place for it.
std::pair<std::size_t, std::size_t> nodes_before_model(char type) {
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
    case 's':
      return {4, 4};
    default:
      return {0, 0};
  }
}

std::size_t node_count(char type) {
  switch (type) {
    case 't':
    case 'o':
    case 'y':
      return 4;
    case 'k':
      return 0;
    default:
      return 2;
  }
}

/// Disjoint sets of nodes, ground being the set of "0".
class Nodes {
 public:
  std::size_t at(const std::string& name) {
    const auto [place, fresh] = numbers_.emplace(is_ground(name) ? "0" : name, parent_.size());
    if (fresh) parent_.push_back(place->second);
    return place->second;
  }
  std::size_t root(std::size_t n) {
    while (parent_[n] != n) n = parent_[n] = parent_[parent_[n]];
    return n;
  }
  void join(const std::string& a, const std::string& b) { parent_[root(at(a))] = root(at(b)); }
  const std::map<std::string, std::size_t>& all() const { return numbers_; }

 private:
  static bool is_ground(const std::string& name) { return name == "0" || name == "gnd"; }

  std::map<std::string, std::size_t> numbers_;
  std::vector<std::size_t> parent_;
};

/// Joins what a device connects by conductors.
void connect(const CircuitDevice& device, Nodes& nodes) {
  const std::vector<std::string>& n = device.nodes;
  for (const std::string& node : n) nodes.at(node);
  switch (device.type) {
    case 'c':
    case 'i':
    case 'f':  // a controlled current: its conductance, if any, is elsewhere
    case 'k':
      return;
    case 'm':
      // Drain, source and bulk by channel and junctions; the gate by nothing. Further nodes conduct heat.
      if (n.size() >= 4) {
        nodes.join(n[0], n[2]);
        nodes.join(n[0], n[3]);
      }
      return;
    case 's':
    case 'e':
    case 'g':
      if (n.size() >= 2) nodes.join(n[0], n[1]);
      return;
    case 't':
    case 'o':
    case 'y':
      if (n.size() >= 4) {
        nodes.join(n[0], n[2]);
        nodes.join(n[1], n[3]);
      }
      return;
    default:
      for (std::size_t i = 1; i < n.size(); ++i) nodes.join(n[0], n[i]);
  }
}

}  // namespace

Circuit::Circuit(std::span<const std::string> listing, std::vector<std::string> vectors)
    : vectors_(std::move(vectors)) {
  bool titled = false;
  for (const std::string& line : listing) {
    // "17 : statement"; the title has a number too, and stands once without.
    const std::size_t colon = line.find(" : ");
    const bool numbered = colon != std::string::npos && colon > 0 && colon < 12 &&
                          std::all_of(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(colon),
                                      [](unsigned char c) { return std::isdigit(c) != 0 || c == ' '; });
    if (!numbered) continue;
    if (!std::exchange(titled, true)) continue;
    std::string_view text = std::string_view(line).substr(colon + 3);
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0)
      text.remove_prefix(1);
    if (text.empty() || text.front() == '*') continue;
    if (text.front() == '.') {
      const std::string word = lower(text.substr(0, text.find_first_of(" \t(")));
      if (word == ".model") add_model(text);
      if (word == ".ic") add_initial(text);
    } else if (std::isalpha(static_cast<unsigned char>(text.front())) != 0) {
      add_device(text);
    }
  }
  // A model may stand behind its devices, and only a known model tells nodes from the model.
  for (CircuitDevice& device : devices_) {
    const auto [fewest, most] = nodes_before_model(device.type);
    if (fewest == 0) continue;
    for (std::size_t i = fewest; i <= most && i < device.nodes.size(); ++i) {
      if (!models_.contains(device.nodes[i]) && !models_.contains(device.nodes[i] + ".1") &&
          !models_.contains(device.nodes[i] + ".0")) {
        continue;
      }
      device.model = device.nodes[i];
      device.nodes.resize(i);
      break;
    }
    if (device.model.empty() && device.nodes.size() > fewest) {
      device.model = device.nodes[fewest];
      device.nodes.resize(fewest);
    }
  }
}

void Circuit::add_device(std::string_view text) {
  const std::vector<std::string> words = listing_words(text);
  CircuitDevice device;
  device.name = words.front();
  device.type = device.name.front();
  const std::size_t count = positional_words(words);
  const bool has_model = nodes_before_model(device.type).first != 0;
  const std::size_t nodes = has_model || device.type == 'a' ? count - 1 : node_count(device.type);
  for (std::size_t i = 1; i < count && i <= nodes; ++i) device.nodes.push_back(words[i]);
  if (device.type == 'v' || device.type == 'i') {
    device.waveform = std::any_of(words.begin() + 1, words.end(), is_time_function);
    for (std::size_t i = nodes + 1; i < words.size(); ++i) {
      if (const std::optional<double> number = spice_number(words[i])) device.levels.push_back(*number);
    }
  }
  for (std::size_t i = 1; i + 1 < words.size(); ++i)
    device.initial |= words[i] == "ic" && words[i + 1] == "=";
  by_name_.emplace(device.name, devices_.size());
  devices_.push_back(std::move(device));
}

void Circuit::add_model(std::string_view text) {
  const std::vector<std::string> words = listing_words(text);
  if (words.size() < 3) return;
  CircuitModel model{words[2], {}};
  for (std::size_t i = 3; i + 2 < words.size(); ++i) {
    if (words[i] == "level" && words[i + 1] == "=") model.level = words[i + 2];
  }
  models_.emplace(words[1], std::move(model));
}

void Circuit::add_initial(std::string_view text) {
  const std::vector<std::string> words = listing_words(text);
  for (std::size_t i = 1; i + 1 < words.size(); ++i) {
    if (words[i] == "v") initial_.push_back(words[i + 1]);
  }
}

const CircuitDevice* Circuit::find(std::string_view device) const {
  const auto place = by_name_.find(device);
  return place == by_name_.end() ? nullptr : &devices_[place->second];
}

const CircuitModel* Circuit::model_of(const CircuitDevice& device) const {
  if (device.model.empty()) return nullptr;
  const auto place = models_.lower_bound(device.model);
  // "nch" itself, or its bins "nch.1", "nch.2", ...
  const bool found = place != models_.end() &&
                     (place->first == device.model || place->first.starts_with(device.model + "."));
  return found ? &place->second : nullptr;
}

bool Circuit::has_initial(std::string_view node) const {
  return std::find(initial_.begin(), initial_.end(), node) != initial_.end();
}

std::vector<std::string> Circuit::floating_nodes() const {
  Nodes nodes;
  const std::size_t ground = nodes.at("0");
  for (const CircuitDevice& device : devices_) connect(device, nodes);
  std::vector<std::string> floating;
  for (const auto& [name, number] : nodes.all()) {
    if (nodes.root(number) != nodes.root(ground)) floating.push_back(name);
  }
  return floating;
}

}  // namespace flare::engine
