#include "studies/run/study_testbench.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "studies/run/circuit_listing.hpp"

namespace flare::studies {

namespace {

using engine::CircuitDevice;
using engine::Knob;
using engine::KnobKind;

std::size_t knob_index(engine::Testbench& testbench, const Knob& knob) {
  const auto found = std::find(testbench.knobs.begin(), testbench.knobs.end(), knob);
  if (found != testbench.knobs.end()) return static_cast<std::size_t>(found - testbench.knobs.begin());
  testbench.knobs.push_back(knob);
  return testbench.knobs.size() - 1;
}

/// "m.x3.ma" -> "x3.ma".
std::string short_name(const std::string& device) {
  return device.size() > 2 && device[1] == '.' ? device.substr(2) : device;
}

/// Two variables never share a name: a second one of the same device and parameter is "#2".
void add_variable(engine::Testbench& testbench, engine::Variable variable) {
  const std::string name = variable.name;
  const auto taken = [&] {
    return std::any_of(testbench.variables.begin(), testbench.variables.end(),
                       [&](const engine::Variable& v) { return v.name == variable.name; });
  };
  for (int n = 2; taken(); ++n) variable.name = fmt::format("{}#{}", name, n);
  testbench.variables.push_back(std::move(variable));
}

bool has_type(const DeviceVariation& variation, char type) {
  return variation.device_types.empty() || variation.device_types.find(type) != std::string::npos;
}

bool has_polarity(const DeviceVariation& variation, const engine::Circuit& circuit,
                  const CircuitDevice& device) {
  if (variation.polarity.empty()) return true;
  const engine::CircuitModel* model = circuit.model_of(device);
  return model != nullptr && model->type == variation.polarity;
}

/// A device that fits, and whether instance-wide laws move it.
struct VaryingDevice {
  const CircuitDevice* device = nullptr;
  bool matched = false;
};

[[noreturn]] void fits_nothing(const DeviceVariation& variation, const std::vector<std::string>& names,
                               std::string_view what) {
  const std::string close = nearest(variation.pattern, names);
  throw StudyError(fmt::format(
      "{}: variation of {}: the pattern '{}' fits no {}; {}", variation.place, variation.label,
      variation.pattern, what,
      !close.empty()  ? "did you mean '" + close + "'?"
      : names.empty() ? fmt::format("the circuit has none that has this parameter")
                      : fmt::format("the circuit has {}, such as '{}'", names.size(), names.front())));
}

/// Whether a device is one of `elements`, or lies within one: "m.x0.xma.m1" within "x0.xma".
bool lies_within(const std::string& device, const std::set<std::string>& elements) {
  std::string path = short_name(device);
  while (!elements.contains(path)) {
    const std::size_t dot = path.rfind('.');
    if (dot == std::string::npos) return false;
    path.resize(dot);
  }
  return true;
}

std::vector<VaryingDevice> varying_devices(const DeviceVariation& variation, const engine::Circuit& circuit,
                                           const std::vector<std::string>& matched) {
  const std::set<std::string> elements(matched.begin(), matched.end());
  std::vector<VaryingDevice> found;
  std::vector<std::string> names;
  for (const CircuitDevice& device : circuit.devices()) {
    if (!has_type(variation, device.type)) continue;
    names.push_back(short_name(device.name));
    if (!engine::matches(variation.pattern, device.name)) continue;
    if (!has_polarity(variation, circuit, device)) continue;
    found.push_back({&device, matched.empty() || lies_within(device.name, elements)});
  }
  const bool any =
      variation.scope == engine::Scope::die
          ? !found.empty()
          : std::any_of(found.begin(), found.end(), [](const VaryingDevice& d) { return d.matched; });
  if (!any) fits_nothing(variation, names, "device");
  return found;
}

std::vector<std::string> varying_models(const DeviceVariation& variation, const engine::Circuit& circuit) {
  std::vector<std::string> found;
  std::vector<std::string> names;
  for (const auto& [name, model] : circuit.models()) {
    names.push_back(name);
    // "x1:nch.3" is bin 3 of x1's own nch.
    const std::string local = name.substr(name.rfind(':') + 1);
    const std::string whole = local.substr(0, local.rfind('.'));
    if (engine::matches(variation.pattern, name) || engine::matches(variation.pattern, local) ||
        engine::matches(variation.pattern, whole)) {
      found.push_back(name);
    }
  }
  if (found.empty()) fits_nothing(variation, names, "model card");
  return found;
}

/// In a transient a source with a time function ignores its DC value: moving it would do nothing, silently.
void refuse_ignored(const std::string& place, const CircuitDevice& device, const std::string& parameter,
                    const engine::Testbench& testbench) {
  if (parameter.starts_with("ac") && (device.type == 'v' || device.type == 'i')) {
    throw StudyError(
        fmt::format("{}: {} of {} does nothing in this analysis", place, parameter, device.name));
  }
  if (parameter != "dc" || !device.waveform) return;
  if (testbench.analysis.kind != engine::AnalysisKind::transient) return;
  throw StudyError(fmt::format(
      "{}: {} follows a time function, so its DC value does nothing in a transient; drive the node with a "
      "B source that scales the function by a DC source, or vary a .param that its levels hang on "
      "(param = \"NAME\")",
      place, device.name));
}

engine::Variable variable_of(const DeviceVariation& variation, std::string name) {
  return {std::move(name), variation.law, variation.scope, variation.unit, {}};
}

/// What it takes the simulator to set them grows with their square: 10,000 take seconds a run, 100,000 minutes.
constexpr std::size_t most_variables = 20'000;

void refuse_too_many(const Study& study, std::size_t variables) {
  if (variables <= most_variables) return;
  throw StudyError(fmt::format(
      "{}: {} variables; at most {} can be varied at once: the simulator would take minutes a run "
      "to set more. Let [[variation]] devices match those that matter, or vary a part of the "
      "circuit by itself",
      study.file.string(), variables, most_variables));
}

void add_device_variation(const Study& study, const DeviceVariation& variation, const LoadedCircuit& loaded,
                          const std::vector<std::string>& matched, engine::Testbench& testbench) {
  const bool die = variation.scope == engine::Scope::die;
  engine::Variable shared = variable_of(
      variation, variation.label + "_die" + (variation.polarity.empty() ? "" : "_" + variation.polarity));
  const std::vector<VaryingDevice> devices = varying_devices(variation, loaded.circuit, matched);
  // Before they are added, each being compared with all: of 100,000 that alone takes a minute.
  const auto own_variables = std::count_if(devices.begin(), devices.end(),
                                           [&](const VaryingDevice& d) { return !die && d.matched; });
  refuse_too_many(study, testbench.dimension() + static_cast<std::size_t>(own_variables));
  for (const VaryingDevice& varying : devices) {
    if (!die && !varying.matched) continue;
    const CircuitDevice& device = *varying.device;
    refuse_ignored(variation.place, device, variation.parameter, testbench);
    const engine::Effect effect{knob_index(testbench, {KnobKind::instance, device.name, variation.parameter}),
                                variation.action};
    if (die) {
      shared.effects.push_back(effect);
      continue;
    }
    engine::Variable own = variable_of(variation, short_name(device.name) + "." + variation.label);
    if (variation.pelgrom > 0.0) own.law.scale = variation.pelgrom / std::sqrt(loaded.areas.at(device.name));
    own.effects.push_back(effect);
    add_variable(testbench, std::move(own));
  }
  if (die) add_variable(testbench, std::move(shared));
}

void add_model_variation(const DeviceVariation& variation, const LoadedCircuit& loaded,
                         engine::Testbench& testbench) {
  engine::Variable shared = variable_of(variation, fmt::format("{}.{}", variation.pattern, variation.label));
  for (const std::string& model : varying_models(variation, loaded.circuit)) {
    shared.effects.push_back(
        {knob_index(testbench, {KnobKind::model, model, variation.parameter}), variation.action});
  }
  add_variable(testbench, std::move(shared));
}

void add_parameter_variation(const DeviceVariation& variation, engine::Testbench& testbench) {
  const std::vector<std::string> names = engine::parameter_names(testbench.deck);
  if (std::find(names.begin(), names.end(), variation.pattern) == names.end()) {
    fits_nothing(variation, names, ".param of the netlist's top level");
  }
  engine::Variable shared = variable_of(variation, variation.pattern);
  shared.effects.push_back(
      {knob_index(testbench, {KnobKind::parameter, "", variation.pattern}), variation.action});
  add_variable(testbench, std::move(shared));
}

void add_die_variation(const DieVariation& variation, const LoadedCircuit& loaded,
                       engine::Testbench& testbench) {
  Knob knob{KnobKind::temperature, "", ""};
  if (!variation.source.empty()) {
    const CircuitDevice& source = source_of(variation.place, loaded.circuit, variation.source);
    refuse_ignored(variation.place, source, "dc", testbench);
    knob = {KnobKind::instance, source.name, "dc"};
  }
  engine::Variable variable{(variation.source.empty() ? "temperature" : variation.source) + "_die",
                            variation.law,
                            engine::Scope::die,
                            variation.unit,
                            {}};
  variable.effects.push_back({knob_index(testbench, knob), variation.action});
  add_variable(testbench, std::move(variable));
}

/// Devices whose size a Pelgrom law needs.
std::vector<std::string> sized_devices(const Study& study, const engine::Circuit& circuit,
                                       const std::vector<std::string>& matched) {
  std::set<std::string> names;
  for (const DeviceVariation& variation : study.devices) {
    if (variation.pelgrom <= 0.0) continue;
    for (const VaryingDevice& varying : varying_devices(variation, circuit, matched)) {
      if (varying.matched) names.insert(varying.device->name);
    }
  }
  return {names.begin(), names.end()};
}

DeviceAreas read_areas(engine::Evaluator& evaluator, const engine::Deck& deck,
                       const engine::SimulatorOptions& options, const std::vector<std::string>& devices) {
  DeviceAreas areas;
  if (devices.empty()) return areas;
  std::vector<Knob> asked;
  for (const std::string& device : devices) {
    for (const char* parameter : {"w", "l", "m"}) asked.push_back({KnobKind::instance, device, parameter});
  }
  const std::vector<double> sizes = evaluator.values(deck, options, {}, asked);
  for (std::size_t i = 0; i < devices.size(); ++i) {
    const double multiplier = sizes[3 * i + 2];
    const double area = sizes[3 * i] * sizes[3 * i + 1] * (multiplier > 0.0 ? multiplier : 1.0);
    if (!(area > 0.0))
      throw StudyError(devices[i] + ": the circuit gives it no gate area; Pelgrom's law needs W and L");
    areas[devices[i]] = area;
  }
  return areas;
}

}  // namespace

LoadedCircuit load_circuit(engine::Evaluator& evaluator, const Study& study, const engine::Deck& deck,
                           const engine::SimulatorOptions& options, const std::vector<std::string>& matched,
                           const NotElaborated& trouble) {
  const engine::Listing listing = circuit_listing(evaluator, deck, options, trouble);
  LoadedCircuit loaded{listing.circuit(), {}};
  loaded.areas = read_areas(evaluator, deck, options, sized_devices(study, loaded.circuit, matched));
  return loaded;
}

void add_variation(const Study& study, const LoadedCircuit& loaded, const std::vector<std::string>& matched,
                   engine::Testbench& testbench) {
  for (const DeviceVariation& variation : study.devices) {
    switch (variation.target) {
      case VariationTarget::devices:
        add_device_variation(study, variation, loaded, matched, testbench);
        break;
      case VariationTarget::models:
        add_model_variation(variation, loaded, testbench);
        break;
      case VariationTarget::parameter:
        add_parameter_variation(variation, testbench);
        break;
    }
  }
  for (const DieVariation& variation : study.die) add_die_variation(variation, loaded, testbench);
  add_netlist_draws(matched, testbench);
  refuse_too_many(study, testbench.dimension());
}

void refuse_no_variation(const Study& study, const engine::Testbench& testbench) {
  if (!testbench.variables.empty()) return;
  throw StudyError(fmt::format(
      "{}: nothing varies: add a [[variation]] or a [[die]]{}", study.file.string(),
      testbench.deck.elaborated ? ", or switch the netlist's draws on ([technology] parameters)" : ""));
}

engine::RunResult rehearse(engine::Evaluator& evaluator, const engine::Circuit& circuit,
                           const engine::Testbench& testbench) {
  const engine::Rehearsal rehearsal = evaluator.rehearse(testbench);
  if (rehearsal.nominal.outcome == engine::Outcome::unconverged) {
    throw StudyError(fmt::format(
        "{}: does not simulate without variation: {}", testbench.name,
        rehearsal.nominal.message.empty() ? "ngspice gives no reason" : rehearsal.nominal.message));
  }
  // A transient starts such a node from its .ic, which the operating point that reads the nominals does not know.
  const auto started = [&](const std::string& node) {
    return testbench.analysis.kind == engine::AnalysisKind::transient && circuit.has_initial(node);
  };
  std::vector<std::string> floating = circuit.floating_nodes();
  std::erase_if(floating, started);
  const bool singular = !rehearsal.singular_node.empty();
  if (floating.empty() && singular && !started(rehearsal.singular_node)) {
    floating.push_back(rehearsal.singular_node);
  }
  if (!floating.empty() && (singular || rehearsal.remembers())) {
    throw StudyError(fmt::format(
        "{}: node {} has no DC path to ground, so nothing sets its voltage at the start; give it "
        "an .ic (in a transient) or a path{}",
        testbench.name, fmt::join(floating, ", "),
        singular ? fmt::format(" (ngspice: singular matrix: check node {})", rehearsal.singular_node) : ""));
  }
  if (rehearsal.remembers()) {
    throw StudyError(
        fmt::format("{}: the circuit remembers the run before it: the same point gives other values after "
                    "another run; give every state of it an .ic",
                    testbench.name));
  }
  return rehearsal.nominal;
}

const CircuitDevice& source_of(const std::string& place, const engine::Circuit& circuit,
                               const std::string& name) {
  if (const CircuitDevice* found = circuit.find(name); found && (found->type == 'v' || found->type == 'i')) {
    return *found;
  }
  std::vector<std::string> sources;
  for (const CircuitDevice& device : circuit.devices()) {
    if (device.type == 'v' || device.type == 'i') sources.push_back(device.name);
  }
  const std::string close = nearest(name, sources);
  throw StudyError(fmt::format(
      "{}: the circuit has no source '{}'; {}", place, name,
      close.empty() ? fmt::format("it has {}", fmt::join(sources, ", ")) : "did you mean '" + close + "'?"));
}

engine::Setting source_setting(const std::string& source, double value) {
  return {{KnobKind::instance, source, "dc"}, value};
}

engine::SimulatorOptions simulator_options(const Study& study, const engine::SimulatorOptions& netlist) {
  engine::SimulatorOptions options = netlist;
  const SimulatorStudy& said = study.simulator;
  options.method = said.method.value_or(options.method);
  options.reltol = said.reltol.value_or(options.reltol);
  options.abstol = said.abstol.value_or(options.abstol);
  options.vntol = said.vntol.value_or(options.vntol);
  options.chgtol = said.chgtol.value_or(options.chgtol);
  options.trtol = said.trtol.value_or(options.trtol);
  options.compatibility = said.compatibility;
  return options;
}

}  // namespace flare::studies
