#include "studies/study_testbench.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace flare::studies {

namespace {

/// Index of the knob (device, parameter), added where it is not there yet.
std::size_t knob_index(engine::Testbench& testbench, const engine::Knob& knob) {
  for (std::size_t k = 0; k < testbench.knobs.size(); ++k) {
    if (testbench.knobs[k].device == knob.device && testbench.knobs[k].parameter == knob.parameter) return k;
  }
  testbench.knobs.push_back(knob);
  return testbench.knobs.size() - 1;
}

engine::Knob device_knob(const std::string& device, const std::string& parameter) {
  engine::Knob knob{engine::KnobKind::device_parameter, device, parameter, 0.0, engine::Combine::sum};
  if (parameter == "mulu0") {
    knob.nominal = 1.0;
    knob.combine = engine::Combine::product;
  }
  return knob;
}

/// "m.x3.ma" -> "x3.ma".
std::string short_name(const std::string& device) {
  return device.size() > 2 && device[1] == '.' ? device.substr(2) : device;
}

void add_device_variation(const DeviceVariation& variation, const std::vector<std::string>& matched,
                          const DeviceAreas* areas, engine::Testbench& testbench) {
  const std::string unit = variation.label == "vth" ? "V" : "1";
  engine::Variable shared{variation.label + "_die", variation.law, engine::Scope::die, unit, {}};
  if (!variation.polarity.empty()) shared.name += "_" + variation.polarity;
  for (const VaryingDevice& device : varying_devices(variation, testbench.deck, matched)) {
    if (variation.scope == engine::Scope::die) {
      shared.effects.push_back({knob_index(testbench, device_knob(device.name, variation.parameter)), 1.0});
      continue;
    }
    if (!device.matched) continue;
    engine::Variable own{
        short_name(device.name) + "." + variation.label, variation.law, engine::Scope::instance, unit, {}};
    if (variation.pelgrom > 0.0) {
      own.law.scale = variation.pelgrom / std::sqrt(areas == nullptr ? 1.0 : areas->at(device.name));
    }
    own.effects.push_back({knob_index(testbench, device_knob(device.name, variation.parameter)), 1.0});
    testbench.variables.push_back(std::move(own));
  }
  if (variation.scope == engine::Scope::die) testbench.variables.push_back(std::move(shared));
}

}  // namespace

std::vector<VaryingDevice> varying_devices(const DeviceVariation& variation, const engine::Deck& deck,
                                           const std::vector<std::string>& matched) {
  const std::set<std::string> matched_set(matched.begin(), matched.end());
  const bool mosfets_only = variation.parameter == "delvto" || variation.parameter == "mulu0";
  const auto polarities = engine::list_models(deck);
  std::vector<VaryingDevice> found;
  std::vector<std::string> names;
  for (const engine::DeviceInstance& device : engine::list_devices(deck)) {
    if (mosfets_only && device.type != 'm') continue;
    names.push_back(short_name(device.name));
    if (!engine::matches(variation.devices, device.name)) continue;
    if (!variation.polarity.empty()) {
      const auto model = polarities.find(device.model);
      if (model == polarities.end() || model->second != variation.polarity) continue;
    }
    found.push_back({device.name, matched.empty() || matched_set.contains(device.name)});
  }
  const bool none =
      variation.scope == engine::Scope::instance
          ? std::none_of(found.begin(), found.end(), [](const VaryingDevice& d) { return d.matched; })
          : found.empty();
  if (none) {
    const std::string close = nearest(variation.devices, names);
    throw StudyError(fmt::format("{}: variation of {}: the pattern '{}' fits no device; {}", variation.place,
                                 variation.label, variation.devices,
                                 close.empty()
                                     ? fmt::format("the circuit has {} devices, such as '{}'", names.size(),
                                                   names.empty() ? "none" : names.front())
                                     : "did you mean '" + close + "'?"));
  }
  return found;
}

std::vector<std::string> sized_devices(const Study& study, const engine::Deck& deck,
                                       const std::vector<std::string>& matched) {
  std::set<std::string> names;
  for (const DeviceVariation& variation : study.devices) {
    if (variation.pelgrom <= 0.0) continue;
    for (const VaryingDevice& device : varying_devices(variation, deck, matched)) {
      if (device.matched) names.insert(device.name);
    }
  }
  return {names.begin(), names.end()};
}

DeviceAreas read_areas(engine::Evaluator& evaluator, const engine::Deck& deck,
                       const std::vector<std::string>& devices) {
  DeviceAreas areas;
  if (devices.empty()) return areas;
  const std::vector<std::string> parameters{"w", "l", "m"};
  const engine::Matrix sizes = evaluator.device_parameters(deck, devices, parameters);
  for (std::size_t i = 0; i < devices.size(); ++i) {
    const auto row = sizes.row(static_cast<Eigen::Index>(i));
    const double area = row[0] * row[1] * (row[2] > 0.0 ? row[2] : 1.0);
    if (!(area > 0.0))
      throw StudyError(devices[i] + ": the circuit gives it no gate area; Pelgrom's law needs W and L");
    areas[devices[i]] = area;
  }
  return areas;
}

void add_variation(const Study& study, const Corner& corner, const std::vector<std::string>& matched,
                   const std::string& supply_source, const DeviceAreas* areas, engine::Testbench& testbench) {
  testbench.options = study.simulator;
  testbench.options.temperature = corner.temperature;
  for (const DeviceVariation& variation : study.devices) {
    add_device_variation(variation, matched, areas, testbench);
  }
  for (const DieVariation& variation : study.die) {
    engine::Knob knob;
    if (variation.source.empty()) {
      knob = {engine::KnobKind::temperature, "", "", corner.temperature, engine::Combine::sum};
    } else {
      const auto devices = engine::list_devices(testbench.deck);
      if (std::none_of(devices.begin(), devices.end(),
                       [&](const engine::DeviceInstance& d) { return d.name == variation.source; })) {
        throw StudyError(
            fmt::format("{}: die: the circuit has no source '{}'", study.file.string(), variation.source));
      }
      if (variation.source != supply_source) {
        throw StudyError(fmt::format("{}: die: only the supply source '{}' has a value the study knows",
                                     study.file.string(), supply_source));
      }
      knob = {engine::KnobKind::source_value, variation.source, "", corner.supply, engine::Combine::sum};
    }
    const std::size_t index = knob_index(testbench, knob);
    const std::string name = variation.source.empty() ? "temperature_die" : variation.source + "_die";
    testbench.variables.push_back({name,
                                   {engine::LawKind::normal, 0.0, variation.sigma},
                                   engine::Scope::die,
                                   variation.source.empty() ? "K" : "V",
                                   {{index, 1.0}}});
  }
}

void set_supply(double supply, const std::string& supply_source, engine::Testbench& testbench) {
  knob_index(testbench, {engine::KnobKind::source_value, supply_source, "", supply, engine::Combine::sum});
}

ColumnOptions column_options(const Study& study, int sawl, int on_cells, const Corner& corner) {
  ColumnOptions options;
  // Absolute, so that a netlist written out runs from any folder; read_deck then takes the text in.
  options.card = std::filesystem::absolute(study.cards);
  options.netlists = options.card.parent_path().parent_path();
  options.section = corner.process;
  options.cell = read_cell(study.column->cell);
  options.sawl = sawl;
  options.on_cells = on_cells;
  options.rows = study.column->rows;
  options.supply = corner.supply;
  options.temperature = corner.temperature;
  return options;
}

engine::Deck column_deck(const Study& study, const ColumnOptions& options) {
  engine::DeckOptions deck_options;
  if (study.allow_commands) deck_options.commands = engine::Commands::run;
  try {
    return engine::parse_deck(column_netlist(options), study.file.parent_path() / "column netlist",
                              deck_options);
  } catch (const engine::DeckError& e) {
    // The column is ours; what can be wrong is the user's card file and the sections asked of it.
    throw StudyError(
        fmt::format("{}: with process '{}': {}", study.process_place, options.section, e.what()));
  }
}

}  // namespace flare::studies
