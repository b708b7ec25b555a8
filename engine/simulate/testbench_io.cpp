#include "engine/simulate/testbench_io.hpp"

#include <nlohmann/json.hpp>
#include <stdexcept>

namespace flare::engine {
namespace {

using nlohmann::json;

template <typename Enum>
Enum enum_from(const json& value, Enum last) {
  const int number = value.get<int>();
  if (number < 0 || number > static_cast<int>(last))
    throw std::invalid_argument("unknown kind in a testbench");
  return static_cast<Enum>(number);
}

json optional_json(const std::optional<double>& value) { return value ? json(*value) : json(); }

std::optional<double> optional_from(const json& value) {
  return value.is_null() ? std::nullopt : std::optional<double>(value.get<double>());
}

json knob_json(const Knob& k) {
  return {{"kind", static_cast<int>(k.kind)}, {"device", k.device}, {"parameter", k.parameter}};
}

Knob knob_from(const json& j) {
  return {enum_from(j.at("kind"), KnobKind::temperature), j.at("device").get<std::string>(),
          j.at("parameter").get<std::string>()};
}

json variable_json(const Variable& v) {
  json effects = json::array();
  for (const Effect& e : v.effects) effects.push_back({e.knob, static_cast<int>(e.action)});
  return {{"name", v.name},
          {"law", {static_cast<int>(v.law.kind), v.law.location, v.law.scale}},
          {"scope", static_cast<int>(v.scope)},
          {"unit", v.unit},
          {"effects", std::move(effects)}};
}

Variable variable_from(const json& j, std::size_t knobs) {
  Variable v;
  v.name = j.at("name").get<std::string>();
  const json& law = j.at("law");
  v.law = {enum_from(law.at(0), LawKind::gumbel), law.at(1).get<double>(), law.at(2).get<double>()};
  v.scope = enum_from(j.at("scope"), Scope::die);
  v.unit = j.at("unit").get<std::string>();
  for (const json& effect : j.at("effects")) {
    v.effects.push_back({effect.at(0).get<std::size_t>(), enum_from(effect.at(1), Action::replace)});
    if (v.effects.back().knob >= knobs) {
      throw std::invalid_argument("variable " + v.name + " moves a knob that does not exist");
    }
  }
  return v;
}

json analysis_json(const Analysis& a) {
  return {{"kind", static_cast<int>(a.kind)},
          {"step", a.step},
          {"stop", a.stop},
          {"max_step", a.max_step},
          {"use_initial", a.use_initial},
          {"swept", a.swept},
          {"start", a.start},
          {"points", a.points},
          {"output", a.output}};
}

Analysis analysis_from(const json& j) {
  return {enum_from(j.at("kind"), AnalysisKind::noise),
          j.at("step").get<double>(),
          j.at("stop").get<double>(),
          j.at("max_step").get<double>(),
          j.at("use_initial").get<bool>(),
          j.at("swept").get<std::string>(),
          j.at("start").get<double>(),
          j.at("points").get<int>(),
          j.value("output", std::string())};
}

json options_json(const SimulatorOptions& o) {
  return {{"method", o.method}, {"reltol", o.reltol},           {"abstol", o.abstol},
          {"vntol", o.vntol},   {"chgtol", o.chgtol},           {"trtol", o.trtol},
          {"bypass", o.bypass}, {"temperature", o.temperature}, {"compatibility", o.compatibility}};
}

SimulatorOptions options_from(const json& j) {
  SimulatorOptions o{j.at("method").get<std::string>(),
                     j.at("reltol").get<double>(),
                     j.at("abstol").get<double>(),
                     j.at("vntol").get<double>(),
                     j.at("chgtol").get<double>(),
                     j.at("trtol").get<double>(),
                     j.at("bypass").get<bool>(),
                     j.at("temperature").get<double>(),
                     j.at("compatibility").get<std::string>()};
  if (o.method != "trap" && o.method != "gear") throw std::invalid_argument("unknown method " + o.method);
  return o;
}

json measure_json(const Measure& m) {
  return {{"name", m.name},
          {"kind", static_cast<int>(m.kind)},
          {"vector", m.vector},
          {"reference", m.reference},
          {"negated", m.negated},
          {"unit", m.unit},
          {"scale", m.scale},
          {"at", optional_json(m.at)},
          {"when", {m.when, m.when_reference}},
          {"when_negated", m.when_negated},
          {"level", m.level},
          {"edge", static_cast<int>(m.edge)},
          {"from", m.from},
          {"to", optional_json(m.to)},
          {"occurrence", m.occurrence},
          {"expression", m.expression},
          {"search", {m.source, m.resolution}}};
}

Measure measure_from(const json& j) {
  Measure m;
  m.name = j.at("name").get<std::string>();
  m.kind = enum_from(j.at("kind"), MeasureKind::search);
  m.vector = j.at("vector").get<std::string>();
  m.reference = j.at("reference").get<std::string>();
  m.negated = j.at("negated").get<bool>();
  m.unit = j.at("unit").get<std::string>();
  m.scale = j.at("scale").get<double>();
  m.at = optional_from(j.at("at"));
  m.when = j.at("when").at(0).get<std::string>();
  m.when_reference = j.at("when").at(1).get<std::string>();
  m.when_negated = j.at("when_negated").get<bool>();
  m.level = j.at("level").get<double>();
  m.edge = enum_from(j.at("edge"), Edge::either);
  m.from = j.at("from").get<double>();
  m.to = optional_from(j.at("to"));
  m.occurrence = j.at("occurrence").get<int>();
  m.expression = j.at("expression").get<std::string>();
  m.source = j.at("search").at(0).get<std::string>();
  m.resolution = j.at("search").at(1).get<double>();
  return m;
}

json formula_json(const NetlistFormula& f) {
  json steps = json::array();
  for (const FormulaStep& s : f.formula.steps())
    steps.push_back({static_cast<int>(s.operation), s.number, s.coordinate, s.of});
  return {{"knob", f.knob}, {"steps", std::move(steps)}};
}

NetlistFormula formula_from(const json& j, const Testbench& t) {
  std::vector<FormulaStep> steps;
  for (const json& s : j.at("steps")) {
    steps.push_back({enum_from(s.at(0), Operation::uniform), s.at(1).get<double>(),
                     s.at(2).get<std::uint32_t>(), s.at(3).get<std::array<std::uint32_t, 3>>()});
  }
  NetlistFormula f{j.at("knob").get<std::size_t>(), Formula(std::move(steps))};
  if (f.knob >= t.knobs.size() || f.formula.size() > t.variables.size())
    throw std::invalid_argument("a formula of a knob or a variable that does not exist");
  return f;
}

Testbench testbench_from(const json& j) {
  Testbench t;
  t.name = j.at("name").get<std::string>();
  t.deck.lines = j.at("deck").get<std::vector<std::string>>();
  t.deck.allow_commands = j.at("allow_commands").get<bool>();
  for (const json& setting : j.at("settings")) {
    t.settings.push_back({knob_from(setting.at("knob")), setting.at("value").get<double>()});
  }
  for (const json& knob : j.at("knobs")) t.knobs.push_back(knob_from(knob));
  for (const json& variable : j.at("variables"))
    t.variables.push_back(variable_from(variable, t.knobs.size()));
  if (j.contains("formulas")) {
    for (const json& formula : j.at("formulas")) t.formulas.push_back(formula_from(formula, t));
  }
  t.analysis = analysis_from(j.at("analysis"));
  t.options = options_from(j.at("options"));
  for (const json& measure : j.at("measures")) t.measures.push_back(measure_from(measure));
  return t;
}

}  // namespace

json to_json(const Testbench& t) {
  json settings = json::array();
  json knobs = json::array();
  json variables = json::array();
  json measures = json::array();
  for (const Setting& setting : t.settings) {
    settings.push_back({{"knob", knob_json(setting.knob)}, {"value", setting.value}});
  }
  for (const Knob& knob : t.knobs) knobs.push_back(knob_json(knob));
  for (const Variable& variable : t.variables) variables.push_back(variable_json(variable));
  for (const Measure& measure : t.measures) measures.push_back(measure_json(measure));
  json whole = {{"name", t.name},
                {"deck", t.deck.lines},
                {"allow_commands", t.deck.allow_commands},
                {"settings", std::move(settings)},
                {"knobs", std::move(knobs)},
                {"variables", std::move(variables)},
                {"analysis", analysis_json(t.analysis)},
                {"options", options_json(t.options)},
                {"measures", std::move(measures)}};
  if (t.formulas.empty()) return whole;
  for (const NetlistFormula& formula : t.formulas) whole["formulas"].push_back(formula_json(formula));
  return whole;
}

Testbench testbench_from_json(const json& j) {
  try {
    Testbench testbench = testbench_from(j);
    testbench.deck.allow_commands = false;
    return testbench;
  } catch (const json::exception& error) {
    throw std::invalid_argument(std::string("not a testbench: ") + error.what());
  }
}

std::vector<std::uint8_t> to_cbor(const Testbench& testbench) { return json::to_cbor(to_json(testbench)); }

Testbench testbench_from_cbor(std::span<const std::uint8_t> bytes) {
  try {
    return testbench_from(json::from_cbor(bytes.begin(), bytes.end()));
  } catch (const json::exception& error) {
    throw std::invalid_argument(std::string("not a testbench: ") + error.what());
  }
}

}  // namespace flare::engine
