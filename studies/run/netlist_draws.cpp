#include "studies/run/netlist_draws.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace flare::studies {
namespace {

using engine::DrawnValue;
using engine::ElaboratedCircuit;
using engine::Knob;
using engine::KnobKind;
using engine::NetlistDraw;

bool moves_size(const DeviceVariation& variation) {
  return variation.target == VariationTarget::devices &&
         (variation.parameter == "w" || variation.parameter == "l" || variation.parameter == "nf");
}

bool moves_parameter(const DeviceVariation& variation) {
  return variation.target == VariationTarget::parameter;
}

/// Whether "x0.xma.mis_vth" belongs to one of `elements` ("x0.xma"), or to what lies within one.
bool belongs_to(std::string path, const std::set<std::string>& elements) {
  for (std::size_t dot = path.rfind('.'); dot != std::string::npos; dot = path.rfind('.')) {
    path.resize(dot);
    if (elements.contains(path)) return true;
  }
  return false;
}

std::size_t knob_of(const DrawnValue& value, engine::Testbench& testbench) {
  const Knob knob{value.model ? KnobKind::model : KnobKind::instance, value.device, value.parameter};
  const auto found = std::find(testbench.knobs.begin(), testbench.knobs.end(), knob);
  if (found != testbench.knobs.end()) return static_cast<std::size_t>(found - testbench.knobs.begin());
  testbench.knobs.push_back(knob);
  return testbench.knobs.size() - 1;
}

bool depends_on(const DrawnValue& value, const std::map<std::size_t, std::size_t>& coordinates) {
  std::vector<bool> draws;
  engine::collect_draws(value.value, false, &draws);
  return std::any_of(coordinates.begin(), coordinates.end(),
                     [&](const auto& c) { return c.first < draws.size() && draws[c.first]; });
}

/// What a draw moves first: "; x1.m0[delvto] +0.0123 at +1 sigma".
std::string effect_of(std::size_t draw, const ElaboratedCircuit& circuit) {
  const std::map<std::size_t, std::size_t> alone{{draw, 0}};
  std::size_t others = 0;
  std::string first;
  for (const DrawnValue& value : circuit.values) {
    if (!depends_on(value, alone)) continue;
    if (!first.empty()) {
      ++others;
      continue;
    }
    const engine::Formula formula(value.value, alone);
    const double up = 1.0;
    const double zero = 0.0;
    first =
        fmt::format("{}[{}] {:+.4g}", value.device, value.parameter, formula({&up, 1}) - formula({&zero, 1}));
  }
  return others == 0 ? first : fmt::format("{} and {} more", first, others);
}

std::string described(std::size_t draw, const ElaboratedCircuit& circuit) {
  const NetlistDraw& d = circuit.draws[draw];
  return fmt::format("{}  {}  mean {:.4g}  sigma {:.4g}{}  moves {}  {}", d.name, d.call, d.mean, d.sigma,
                     d.die ? "  per die" : "", effect_of(draw, circuit), d.place);
}

std::string described_still(const NetlistDraw& d) {
  const bool relative = d.call.starts_with("gauss") || d.call.starts_with("unif");
  return fmt::format(
      "{}  {}  never moves: {}  {}", d.name, d.call,
      relative && d.mean == 0.0 ? "its spread is a part of a nominal value of 0" : "its spread is 0",
      d.place);
}

}  // namespace

engine::Deck study_deck(const Study& study, engine::Deck deck, const engine::SimulatorOptions& options,
                        NotElaborated* trouble) {
  if (deck.random_calls.empty()) return deck;
  if (deck.allow_commands) {
    *trouble = {"a netlist whose commands run is not elaborated", false};
    return deck;
  }
  if (std::any_of(study.devices.begin(), study.devices.end(), moves_parameter)) {
    *trouble = {"a study that moves a .param takes the netlist as it is, without its draws", false};
    return deck;
  }
  engine::ElaborationOptions how;
  how.compatibility = options.compatibility;
  how.all_bins = std::any_of(study.devices.begin(), study.devices.end(), moves_size);
  try {
    return engine::elaborated_deck(deck, how);
  } catch (const engine::DeckError& error) {
    *trouble = {error.what(), true};
    return deck;
  }
}

void add_netlist_draws(const std::vector<std::string>& matched, engine::Testbench& testbench) {
  if (!testbench.deck.elaborated) return;
  const ElaboratedCircuit& circuit = *testbench.deck.elaborated;
  const std::set<std::string> elements(matched.begin(), matched.end());
  std::map<std::size_t, std::size_t> coordinates;
  for (const std::size_t draw : circuit.moving) {
    const NetlistDraw& d = circuit.draws[draw];
    if (!d.die && !elements.empty() && !belongs_to(d.name, elements)) continue;
    coordinates[draw] = testbench.variables.size();
    testbench.variables.push_back({d.name,
                                   {engine::LawKind::normal, 0.0, 1.0},
                                   d.die ? engine::Scope::die : engine::Scope::instance,
                                   "1",
                                   {}});
  }
  for (const DrawnValue& value : circuit.values) {
    if (!depends_on(value, coordinates)) continue;
    testbench.formulas.push_back({knob_of(value, testbench), engine::Formula(value.value, coordinates)});
  }
}

std::vector<std::string> describe_draws(const engine::Testbench& testbench) {
  std::vector<std::string> lines;
  if (!testbench.deck.elaborated) return lines;
  const ElaboratedCircuit& circuit = *testbench.deck.elaborated;
  std::set<std::string> varied;
  for (const engine::Variable& variable : testbench.variables) varied.insert(variable.name);
  for (const std::size_t draw : circuit.moving) {
    if (varied.contains(circuit.draws[draw].name)) lines.push_back(described(draw, circuit));
  }
  for (const std::size_t draw : circuit.still) lines.push_back(described_still(circuit.draws[draw]));
  return lines;
}

}  // namespace flare::studies
