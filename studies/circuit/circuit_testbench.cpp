#include "studies/circuit/circuit_testbench.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "engine/base/units.hpp"
#include "engine/netlist/deck_facts.hpp"
#include "engine/netlist/deck_identifiers.hpp"
#include "engine/netlist/deck_lexer.hpp"
#include "engine/simulate/small_signal.hpp"
#include "engine/simulate/testbench_runner.hpp"
#include "studies/run/netlist_draws.hpp"
#include "studies/study/key_place.hpp"

namespace flare::studies {

namespace {

using engine::CircuitDevice;
using engine::Knob;
using engine::KnobKind;

/// The values of one thing over the study's corners.
template <typename Value>
std::size_t different(const Study& study, const Value& value) {
  std::set<std::decay_t<decltype(value(study.corners.front()))>> values;
  for (const Corner& corner : study.corners) values.insert(value(corner));
  return values.size();
}

std::string process_of(const Corner& corner) { return corner.process; }
double supply_of(const Corner& corner) { return corner.supply.value_or(0.0); }

/// Whether `number` (a value close to it) is the DC value of a source, or no source has any value but zero.
struct SourceValues {
  std::vector<std::string> names;
  std::vector<double> values;

  bool has(double number) const {
    return std::any_of(values.begin(), values.end(), [&](double v) { return close(v, number); });
  }
  bool all_zero() const {
    return std::all_of(values.begin(), values.end(), [](double v) { return v == 0.0; });
  }
  static bool close(double a, double b) { return std::fabs(a - b) <= 1e-9 * std::fabs(b); }
};

SourceValues voltage_sources(const engine::Circuit& circuit, engine::Evaluator& evaluator,
                             const engine::Testbench& bench) {
  SourceValues sources;
  std::vector<Knob> asked;
  for (const CircuitDevice& device : circuit.devices()) {
    if (device.type != 'v') continue;
    sources.names.push_back(device.name);
    asked.push_back({KnobKind::instance, device.name, "dc"});
  }
  if (!asked.empty()) sources.values = evaluator.values(bench.deck, bench.options, {}, asked);
  return sources;
}

/// A supply that moves nothing is a mistake where there are several of them, and where no source has its value.
void check_unmoved_supply(const Study& study, const Corner& corner, const SourceValues& sources,
                          std::vector<std::string>& notes) {
  const double supply = corner.supply.value();
  if (different(study, supply_of) > 1) {
    throw StudyError(
        fmt::format("{}: several supplies, and nothing that they move: name the source ([circuit] "
                    "supply_source = \"{}\") or the .param (supply_parameter) that is the supply",
                    study.supply_place, sources.names.empty() ? "vdd" : sources.names.front()));
  }
  if (!sources.has(supply) && !sources.all_zero()) {
    throw StudyError(
        fmt::format("{}: {} V is the value of no source, and nothing moves with it: name the source "
                    "([circuit] supply_source) or the .param (supply_parameter) that is the supply, or "
                    "leave the supply out",
                    study.supply_place, supply));
  }
  notes.push_back(
      fmt::format("supply {} V is a name only: the study says neither supply_source nor supply_parameter, "
                  "so nothing is moved",
                  supply));
}

void check_source(const std::string& place, const engine::Circuit& circuit, const std::string& name,
                  const engine::Testbench& bench) {
  const CircuitDevice& device = source_of(place, circuit, name);
  if (device.waveform && bench.analysis.kind == engine::AnalysisKind::transient) {
    throw StudyError(
        fmt::format("{}: {} follows a time function, so its DC value does nothing in a transient; let its "
                    "levels hang on a .param and move that (supply_parameter, or [corners.parameters])",
                    place, name));
  }
}

/// A source whose value comes from a .param that others hang on too cannot be moved alone.
void check_shared_parameter(const Study& study, const engine::Deck& deck, const std::string& source) {
  for (const std::string& parameter : engine::parameters_of(deck, source)) {
    const std::vector<std::string> others = engine::users_of(deck, parameter, source);
    if (others.empty()) continue;
    throw StudyError(
        fmt::format("{}: source {} takes its value from .param {}, and so does {}: moving the source alone "
                    "would leave the others where they are; say supply_parameter = \"{}\" instead of "
                    "supply_source",
                    study.supply_place, source, parameter, fmt::join(others, ", "), parameter));
  }
}

/// Sources at the supply's level that would stay there: they follow, or the study says that they do not.
void refuse_left_behind(const Study& study, const Corner& corner, const engine::Circuit& circuit,
                        double before) {
  const auto listed = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  std::vector<std::string> left;
  for (const CircuitDevice& device : circuit.devices()) {
    if (device.type != 'v' || listed(study.circuit->supply_sources, device.name)) continue;
    if (listed(study.circuit->fixed_sources, device.name)) continue;
    const bool at_level = std::any_of(device.levels.begin(), device.levels.end(),
                                      [&](double level) { return SourceValues::close(level, before); });
    if (at_level) left.push_back(device.name);
  }
  if (left.empty()) return;
  throw StudyError(
      fmt::format("{}: at {} V {} would stay at {} V: name it in [circuit] supply_source if it follows the "
                  "supply (levels of a waveform: let them hang on a .param, supply_parameter), or in "
                  "fixed_sources if it does not",
                  study.supply_place, corner.supply.value(), fmt::join(left, ", "), before));
}

/// Moves the supply sources, or says why a supply is none. `as_read`: the netlist with its parameters.
void apply_supply(const Study& study, const Corner& corner, const LoadedCircuit& loaded,
                  const engine::Deck& as_read, engine::Evaluator& evaluator, engine::Testbench& bench,
                  std::vector<std::string>& notes) {
  const CircuitStudy& circuit = *study.circuit;
  if (!corner.supply || !circuit.supply_parameter.empty()) return;
  const SourceValues sources = voltage_sources(loaded.circuit, evaluator, bench);
  if (circuit.supply_sources.empty()) return check_unmoved_supply(study, corner, sources, notes);
  for (const std::string& name : circuit.supply_sources) {
    check_source(study.supply_place, loaded.circuit, name, bench);
    const auto place = std::find(sources.names.begin(), sources.names.end(), name);
    const double before = place == sources.names.end()
                              ? NAN
                              : sources.values[static_cast<std::size_t>(place - sources.names.begin())];
    if (!SourceValues::close(before, *corner.supply)) {
      check_shared_parameter(study, as_read, name);
      if (before != 0.0) refuse_left_behind(study, corner, loaded.circuit, before);
    }
    bench.settings.push_back(source_setting(name, *corner.supply));
  }
}

bool taken(const engine::Deck& deck, const std::string& library) {
  return std::find(deck.sections_taken.begin(), deck.sections_taken.end(), library) !=
         deck.sections_taken.end();
}

[[noreturn]] void no_vector(const Study& study, const std::string& vector, const std::string& what,
                            const std::vector<std::string>& all) {
  const std::string close = nearest(what, all);
  const std::size_t shown = std::min<std::size_t>(12, all.size());
  throw StudyError(fmt::format(
      "{}: a measure asks for {}, which the circuit does not have; {}", vector_place(study, vector), vector,
      close.empty()
          ? fmt::format("it has {}",
                        fmt::join(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(shown), ", "))
          : "did you mean " + close + "?"));
}

/// "@m1[id]": the device is there, and gives the parameter.
void check_device_vector(const Study& study, const engine::Circuit& circuit, const engine::Testbench& bench,
                         engine::Evaluator& evaluator, const std::string& vector) {
  const std::size_t bracket = std::min(vector.find('['), vector.size());
  const std::string device = vector.substr(1, bracket - 1);
  if (circuit.find(device) == nullptr) {
    std::vector<std::string> names;
    for (const CircuitDevice& known : circuit.devices()) names.push_back(known.name);
    no_vector(study, vector, device, names);
  }
  const Knob knob{KnobKind::instance, device,
                  vector.substr(std::min(bracket + 1, vector.size() - 1), vector.size() - bracket - 2)};
  if (!std::isnan(evaluator.values(bench.deck, bench.options, {}, {&knob, 1}).front())) return;
  throw StudyError(
      fmt::format("{}: a measure asks for {}, but {} has no parameter '{}'; ngspice's 'show {}' lists them",
                  vector_place(study, vector), vector, device, knob.parameter, device));
}

void check_vectors(const Study& study, const engine::Circuit& circuit, const engine::Testbench& bench,
                   engine::Evaluator& evaluator) {
  if (bench.analysis.kind == engine::AnalysisKind::noise) return;  // densities are no vectors of the circuit
  std::set<std::string> present;
  for (const std::string& name : circuit.vectors()) present.insert(engine::vector_name(name));
  if (present.empty()) return;
  const std::vector<std::string> all(present.begin(), present.end());
  for (const std::string& vector : engine::measured_vectors(bench)) {
    if (vector.front() == '@') {
      check_device_vector(study, circuit, bench, evaluator, vector);
    } else if (!present.contains(engine::saved_vector(vector))) {
      no_vector(study, vector, vector, all);
    }
  }
}

/// The sources of searches and of a noise analysis are there.
void check_inputs(const Study& study, const engine::Circuit& circuit, const engine::Testbench& bench) {
  const std::vector<std::string>& places = study.circuit->measure_places;
  for (std::size_t m = 0; m < bench.measures.size(); ++m) {
    if (bench.measures[m].kind == engine::MeasureKind::search)
      source_of(places.at(m), circuit, bench.measures[m].source);
  }
  if (bench.analysis.kind == engine::AnalysisKind::noise)
    source_of(study.file.string() + ": circuit.input", circuit, bench.analysis.swept);
}

/// A search whose output is on one side of the level at both ends, without variation.
void check_searches(const Study& study, const engine::Testbench& bench, const engine::RunResult& nominal) {
  for (std::size_t m = 0; m < bench.measures.size(); ++m) {
    const engine::Measure& measure = bench.measures[m];
    if (measure.kind != engine::MeasureKind::search || !std::isnan(nominal.measures.at(m))) continue;
    throw StudyError(
        fmt::format("{}: '{}' never flips at {}: {} is on one side of {} with {} at {} and at {}; widen "
                    "'from' and 'to', or "
                    "change 'level'",
                    study.circuit->measure_places.at(m), measure.name, bench.name, measure.vector,
                    measure.level, measure.source, engine::format_quantity(measure.from, measure.unit),
                    engine::format_quantity(*measure.to, measure.unit)));
  }
}

void note_ignored_initials(const engine::Circuit& circuit, const engine::Testbench& bench,
                           std::vector<std::string>& notes) {
  if (bench.analysis.kind != engine::AnalysisKind::transient || bench.analysis.use_initial) return;
  std::vector<std::string> names;
  for (const CircuitDevice& device : circuit.devices()) {
    if (device.initial) names.push_back(device.name);
  }
  if (names.empty()) return;
  notes.push_back(
      fmt::format("ic= of {} does nothing: a transient starts from the operating point unless [circuit] uic "
                  "= true",
                  fmt::join(names, ", ")));
}

/// A number as a netlist writes it; an option that is an expression is for the study to say.
double option_number(const engine::DeckOption& option) {
  if (const std::optional<double> value = engine::spice_number(option.value)) return *value;
  throw StudyError(fmt::format("{}: option {} = {} is no plain number; say it in the study's [simulator]",
                               option.place, option.key, option.value));
}

/// The netlist's own numerics; what it leaves open is the engine's default.
engine::SimulatorOptions netlist_options(const engine::DeckFacts& facts) {
  engine::SimulatorOptions options;
  for (const engine::DeckOption& option : facts.options) {
    if (option.kind != engine::OptionKind::numerics || option.key == "temp") continue;
    if (option.key == "method") options.method = option.value.starts_with("g") ? "gear" : "trap";
    if (option.key == "reltol") options.reltol = option_number(option);
    if (option.key == "abstol") options.abstol = option_number(option);
    if (option.key == "vntol") options.vntol = option_number(option);
    if (option.key == "chgtol") options.chgtol = option_number(option);
    if (option.key == "trtol") options.trtol = option_number(option);
    if (option.key == "bypass") options.bypass = option_number(option) != 0.0;
  }
  return options;
}

/// Numerics: the study's, else the netlist's; temperature: the corner's, else the netlist's, else 27 degC.
engine::SimulatorOptions circuit_options(const Study& study, const Corner& corner,
                                         const engine::DeckFacts& facts, std::vector<std::string>& notes) {
  engine::SimulatorOptions options = simulator_options(study, netlist_options(facts));
  if (corner.temperature) options.temperature = *corner.temperature;
  if (!facts.temperature) return options;
  if (corner.temperature) {
    notes.push_back(fmt::format("{}: the netlist's temperature {} gives way to that of the corners",
                                facts.temperature->place, facts.temperature->text));
  } else if (facts.temperature->celsius) {
    options.temperature = *facts.temperature->celsius;
  } else {
    throw StudyError(fmt::format("{}: the temperature {} is no plain number; say it in [corners]",
                                 facts.temperature->place, facts.temperature->text));
  }
  return options;
}

}  // namespace

engine::Deck circuit_deck(const Study& study, const Corner& corner) {
  engine::DeckOptions options;
  options.commands = study.commands;
  // PSPICE's `limit` is no draw.
  if (study.simulator.compatibility.find("ps") != std::string::npos)
    options.defined_functions.insert("limit");
  const bool takes_process = !study.cards.empty() && !corner.process.empty();
  const std::string cards =
      takes_process ? std::filesystem::absolute(study.cards).lexically_normal().string() : std::string();
  if (takes_process) options.library_sections[cards] = corner.process;
  for (const auto& [library, section] : corner.sections) options.library_sections[library] = section;
  for (const auto& [name, value] : study.parameters) options.parameters[name] = fmt::format("{}", value);
  for (const auto& [name, value] : corner.parameters)
    options.parameters[engine::lower(name)] = fmt::format("{}", value);
  if (corner.supply && !study.circuit->supply_parameter.empty()) {
    options.parameters[engine::lower(study.circuit->supply_parameter)] = fmt::format("{}", *corner.supply);
  }
  engine::Deck deck = engine::read_deck(study.circuit->netlist, options);
  if (takes_process && !taken(deck, cards)) {
    throw StudyError(
        fmt::format("{}: no .lib line of {} reads {}, so the corners' processes would change nothing; write "
                    ".lib \"{}\" {} in the netlist, or leave the cards out",
                    study.cards_place, study.circuit->netlist.string(), study.cards.string(),
                    study.cards.filename().string(), corner.process));
  }
  for (const auto& [library, section] : corner.sections) {
    if (taken(deck, library)) continue;
    throw StudyError(
        fmt::format("{}: no .lib line of {} reads a library called {}; the corner's section {} would change "
                    "nothing",
                    study.process_place, study.circuit->netlist.string(), library, section));
  }
  if (study.cards.empty() && different(study, process_of) > 1) {
    throw StudyError(
        fmt::format("{}: several processes, and no library that they are sections of: name it in "
                    "[technology] cards",
                    study.process_place));
  }
  return deck;
}

CircuitTestbench circuit_testbench(const Study& study, const Corner& corner, engine::Evaluator& evaluator) {
  CircuitTestbench made;
  auto bench = std::make_shared<engine::Testbench>();
  bench->name = fmt::format("{} {}", study.circuit->netlist.stem().string(), corner.name());
  const engine::Deck as_read = circuit_deck(study, corner);
  const engine::DeckFacts facts = engine::facts_of(as_read);
  bench->options = circuit_options(study, corner, facts, made.notes);
  bench->analysis = study.circuit->analysis;
  bench->analysis.use_initial = study.circuit->uic.value_or(facts.use_initial.has_value());
  bench->measures = study.circuit->measures;
  NotElaborated trouble;
  bench->deck = study_deck(study, as_read, bench->options, &trouble);
  const LoadedCircuit loaded = load_circuit(evaluator, study, bench->deck, bench->options, {}, trouble);
  apply_supply(study, corner, loaded, as_read, evaluator, *bench, made.notes);
  for (const auto& [source, value] : corner.sources) {
    check_source(study.supply_place, loaded.circuit, source, *bench);
    bench->settings.push_back(source_setting(source, value));
  }
  if (study.cards.empty() && !corner.process.empty()) {
    made.notes.push_back(
        fmt::format("process {} is a name only: the study names no [technology] cards", corner.process));
  }
  note_ignored_initials(loaded.circuit, *bench, made.notes);
  check_vectors(study, loaded.circuit, *bench, evaluator);
  check_inputs(study, loaded.circuit, *bench);
  add_variation(study, loaded, {}, *bench);
  refuse_no_variation(study, *bench);
  check_nominals(evaluator, study, loaded, *bench);
  check_searches(study, *bench, rehearse(evaluator, loaded.circuit, *bench));
  made.testbench = std::move(bench);
  return made;
}

}  // namespace flare::studies
