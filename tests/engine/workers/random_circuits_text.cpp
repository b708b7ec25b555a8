// Random circuits as text, and what the simulator must make of that text.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <set>
#include <stdexcept>

#include "engine/simulate/spice_text.hpp"
#include "tests/engine/workers/random_circuits.hpp"

namespace flare::engine::testing {
namespace {

using Parameters = std::map<std::string, double>;

class Arithmetic {
 public:
  Arithmetic(const std::string& text, const Parameters& parameters) : text_(text), parameters_(parameters) {}
  double sum() {
    double value = product();
    while (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-'))
      value = text_[at_++] == '+' ? value + product() : value - product();
    return value;
  }

 private:
  double product() {
    double value = factor();
    while (at_ < text_.size() && (text_[at_] == '*' || text_[at_] == '/'))
      value = text_[at_++] == '*' ? value * factor() : value / factor();
    return value;
  }
  double factor() {
    if (text_.at(at_) == '(') {
      ++at_;
      const double value = sum();
      ++at_;
      return value;
    }
    if (std::isalpha(static_cast<unsigned char>(text_[at_])) == 0) {
      std::size_t used = 0;
      const double value = std::stod(text_.substr(at_), &used);
      at_ += used;
      return value;
    }
    std::size_t end = at_;
    while (end < text_.size() && std::isalnum(static_cast<unsigned char>(text_[end])) != 0) ++end;
    const std::string name = text_.substr(at_, end - at_);
    at_ = end;
    return parameters_.at(name);
  }

  const std::string& text_;
  const Parameters& parameters_;
  std::size_t at_ = 0;
};

std::string flat_name(const std::string& path, const CircuitElement& element) {
  return path.empty() ? element.name : fmt::format("{}.{}.{}", element.type(), path, element.name);
}

std::string inner_path(const std::string& path, const CircuitElement& instance) {
  return path.empty() ? instance.name : fmt::format("{}.{}", path, instance.name);
}

std::string model_name(const std::string& path, const std::string& model) {
  return path.empty() ? model : fmt::format("{}:{}", path, model);
}

std::string with_underscores(std::string path) {
  std::replace(path.begin(), path.end(), '.', '_');
  return path;
}

/// The value as it stands in the text of one sample: numbers are computed here, expressions by the simulator.
std::string text_of(const CircuitValue& value, const Change* change) {
  if (!change) return value.literal ? value.text : fmt::format("{{{}}}", value.text);
  if (change->replaced || value.literal) {
    const double start = change->replaced ? change->replacement : std::stod(value.text);
    return fmt::format("{:.17g}", start * change->factor + change->shift);
  }
  return fmt::format("{{({})*({:.17g})+({:.17g})}}", value.text, change->factor, change->shift);
}

bool first_without_key(char type) { return type == 'r' || type == 'c' || type == 'v' || type == 'i'; }

/// Writes a circuit, either as it is (no changes) or with a subcircuit of its own for every instance.
class Writer {
 public:
  Writer(const RandomCircuit& circuit, const Changes* changes) : circuit_(circuit), changes_(changes) {}

  std::string text() {
    text_ = fmt::format("random circuit {}\n", circuit_.seed);
    for (const CircuitValue& p : circuit_.top.parameters)
      text_ += fmt::format(".param {}={}\n", p.key, text_of(p, change({KnobKind::parameter, {}, p.key})));
    if (changes_) {
      copies(circuit_.top, "");
    } else {
      for (const CircuitBlock& block : circuit_.subcircuits) definition(block, block.name, "");
    }
    body(circuit_.top, "");
    for (const std::string& statement : circuit_.statements) text_ += fmt::format("{}\n", statement);
    return std::move(text_);
  }

 private:
  const Change* change(const Knob& knob) const {
    if (!changes_) return nullptr;
    const auto found = changes_->find(to_string(knob));
    return found == changes_->end() ? nullptr : &found->second;
  }

  std::string called(const std::string& path, const CircuitElement& element) const {
    if (element.type() != 'x' || !changes_) return element.model;
    return fmt::format("{}_{}", element.model, with_underscores(inner_path(path, element)));
  }

  void copies(const CircuitBlock& block, const std::string& path) {
    for (const CircuitElement& element : block.elements) {
      if (element.type() != 'x') continue;
      const CircuitBlock& inner = circuit_.subcircuit(element.model);
      copies(inner, inner_path(path, element));
      definition(inner, called(path, element), inner_path(path, element));
    }
  }

  void definition(const CircuitBlock& block, const std::string& name, const std::string& path) {
    text_ += fmt::format(".subckt {} {}", name, fmt::join(block.ports, " "));
    for (const CircuitValue& p : block.parameters) text_ += fmt::format(" {}={}", p.key, text_of(p, nullptr));
    text_ += "\n";
    body(block, path);
    text_ += ".ends\n";
  }

  void body(const CircuitBlock& block, const std::string& path) {
    for (const CircuitModelCard& card : block.models) model(card, path);
    for (const CircuitElement& e : block.elements) {
      if (!e.condition.empty()) text_ += fmt::format(".if ({})\n", e.condition);
      element(e, path);
      if (!e.condition.empty()) text_ += ".endif\n";
    }
  }

  void model(const CircuitModelCard& card, const std::string& path) {
    text_ += fmt::format(".model {} {} {}", card.name, card.type, card.rest);
    for (const CircuitValue& value : card.values) {
      text_ += fmt::format(" {}={}", value.key,
                           text_of(value, change({KnobKind::model, model_name(path, card.name), value.key})));
    }
    text_ += "\n";
  }

  void element(const CircuitElement& e, const std::string& path) {
    text_ += fmt::format("{} {}", e.name, fmt::join(e.nodes, " "));
    if (!e.model.empty()) text_ += fmt::format(" {}", called(path, e));
    for (std::size_t i = 0; i < e.values.size(); ++i) {
      const CircuitValue& value = e.values[i];
      const Change* moved =
          e.type() == 'x' ? nullptr : change({KnobKind::instance, flat_name(path, e), value.key});
      if (!value.written && !moved) continue;
      const bool bare = i == 0 && first_without_key(e.type());
      text_ += fmt::format(" {}{}", bare ? "" : value.key + "=", text_of(value, moved));
    }
    text_ += fmt::format(" {}\n", e.tail);
  }

  const RandomCircuit& circuit_;
  const Changes* changes_;
  std::string text_;
};

/// Calls `visit(element, path, parameters, nodes)` for every device of the flattened circuit, and `visit_model`.
class Walk {
 public:
  explicit Walk(const RandomCircuit& circuit) : circuit_(circuit) {
    for (const CircuitValue& p : circuit.top.parameters)
      global_[p.key] = value_of_expression(p.text, global_);
  }
  const Parameters& global() const { return global_; }

  template <typename Device, typename Model>
  void each(const Device& device, const Model& model) const {
    block(circuit_.top, "", global_, {}, device, model);
  }

 private:
  using Ports = std::map<std::string, std::string>;

  static std::string outer_node(const std::string& node, const std::string& path, const Ports& ports) {
    const auto port = ports.find(node);
    if (port != ports.end()) return port->second;
    return path.empty() || node == "0" ? node : fmt::format("{}.{}", path, node);
  }

  template <typename Device, typename Model>
  void block(const CircuitBlock& b, const std::string& path, const Parameters& parameters, const Ports& ports,
             const Device& device, const Model& model) const {
    for (const CircuitModelCard& card : b.models) model(card, model_name(path, card.name));
    for (const CircuitElement& e : b.elements) {
      if (!e.present) continue;
      std::vector<std::string> nodes;
      for (const std::string& node : e.nodes) nodes.push_back(outer_node(node, path, ports));
      if (e.type() != 'x') {
        const bool own = std::any_of(b.models.begin(), b.models.end(),
                                     [&](const CircuitModelCard& card) { return card.name == e.model; });
        device(e, flat_name(path, e), nodes, own ? model_name(path, e.model) : e.model, parameters);
        continue;
      }
      const CircuitBlock& inner = circuit_.subcircuit(e.model);
      Parameters given = global_;
      for (const CircuitValue& p : inner.parameters) given[p.key] = value_of_expression(p.text, given);
      for (const CircuitValue& p : e.values) given[p.key] = value_of_expression(p.text, parameters);
      Ports inside;
      for (std::size_t i = 0; i < nodes.size(); ++i) inside[inner.ports[i]] = nodes[i];
      block(inner, inner_path(path, e), given, inside, device, model);
    }
  }

  const RandomCircuit& circuit_;
  Parameters global_;
};

/// One sigma of a shift that leaves the circuit what it is.
double spread_of(const std::string& key, double nominal) {
  if (key == "delvto") return 0.012;
  return 0.02 * std::fabs(nominal);
}

}  // namespace

double value_of_expression(const std::string& text, const std::map<std::string, double>& parameters) {
  return Arithmetic(text, parameters).sum();
}

std::string RandomCircuit::netlist() const { return fmt::format("{}.end\n", Writer(*this, nullptr).text()); }

std::string RandomCircuit::changed_netlist(const Changes& changes, double temperature) const {
  SimulatorOptions options = simulator;
  options.temperature = temperature;
  return fmt::format("{}{}\n", Writer(*this, &changes).text(), option_card(options, 0));
}

const CircuitBlock& RandomCircuit::subcircuit(const std::string& name) const {
  for (const CircuitBlock& block : subcircuits) {
    if (block.name == name) return block;
  }
  throw std::invalid_argument("no subcircuit " + name);
}

std::vector<ExpectedDevice> RandomCircuit::devices() const {
  std::vector<ExpectedDevice> all;
  Walk(*this).each(
      [&](const CircuitElement& e, const std::string& name, const std::vector<std::string>& nodes,
          const std::string& model, const Parameters&) {
        if (e.tail.find("temper") != std::string::npos) {  // ngspice makes a controlled source of it
          all.push_back({fmt::format("b{}", name), 'b', nodes, model, false});
          return;
        }
        const bool waveform = (e.type() == 'v' || e.type() == 'i') && !e.tail.empty();
        all.push_back({name, e.type(), nodes, model, waveform});
      },
      [](const CircuitModelCard&, const std::string&) {});
  return all;
}

std::vector<ExpectedKnob> RandomCircuit::knobs() const {
  std::vector<ExpectedKnob> all;
  const Walk walk(*this);
  // ngspice drops the models that no device uses.
  std::set<std::string> used;
  for (const ExpectedDevice& device : devices()) used.insert(device.model);
  const auto add = [&](KnobKind kind, const std::string& device, const CircuitValue& value,
                       const Parameters& parameters) {
    const double nominal = value_of_expression(value.text, parameters);
    all.push_back({{kind, device, value.key}, nominal, spread_of(value.key, nominal)});
  };
  for (const CircuitValue& p : top.parameters) {
    if (p.key != "mode") add(KnobKind::parameter, {}, p, walk.global());
  }
  all.push_back({{KnobKind::temperature, {}, {}}, simulator.temperature, 10.0});
  walk.each(
      [&](const CircuitElement& e, const std::string& name, const std::vector<std::string>&,
          const std::string&, const Parameters& parameters) {
        // In a transient the DC value of a source with a time function does nothing: refused as a knob.
        if (analysis.kind == AnalysisKind::transient && e.type() == 'v' && !e.tail.empty()) return;
        for (const CircuitValue& value : e.values) add(KnobKind::instance, name, value, parameters);
      },
      [&](const CircuitModelCard& card, const std::string& name) {
        const bool bin = used.contains(name.substr(0, name.find(".")));
        if (!used.contains(name) && !bin) return;
        for (const CircuitValue& value : card.values) add(KnobKind::model, name, value, walk.global());
      });
  return all;
}

}  // namespace flare::engine::testing
