#include "studies/study.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "engine/units.hpp"
#include "flare_arch/accuracy.hpp"
#include "studies/column.hpp"

namespace flare::studies {

namespace {

constexpr std::size_t max_study_bytes = 1u << 20;

std::string read_text_file(const std::filesystem::path& file) {
  std::error_code error;
  const auto size = std::filesystem::file_size(file, error);
  if (error) throw StudyError(file.string() + ": no such study; expected a TOML file");
  if (size > max_study_bytes) throw StudyError(file.string() + ": larger than 1 MiB; expected a TOML study");
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) throw StudyError(file.string() + ": cannot be read");
  return text.str();
}

toml::table parse_toml(const std::string& text, const std::filesystem::path& file) {
  try {
    return toml::parse(text, file.string());
  } catch (const toml::parse_error& e) {
    throw StudyError(
        fmt::format("{}:{}: not TOML: {}", file.string(), e.source().begin.line, e.description()));
  }
}

/// Applies "a.b=value".
void apply_override(toml::table& table, const std::string& assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw StudyError("--set " + assignment + ": expected KEY=VALUE, e.g. --set estimator.runs=500");
  }
  const std::string key = assignment.substr(0, equals);
  const std::string value = assignment.substr(equals + 1);
  toml::table parsed;
  try {
    parsed = toml::parse("value = " + value);
  } catch (const toml::parse_error&) {
    parsed.insert_or_assign("value", value);  // a bare word
  }
  toml::table* place = &table;
  std::size_t start = 0;
  while (true) {
    const std::size_t dot = key.find('.', start);
    const std::string part = key.substr(start, dot == std::string::npos ? dot : dot - start);
    if (part.empty()) throw StudyError("--set " + assignment + ": an empty part in the key");
    if (dot == std::string::npos) {
      place->insert_or_assign(part, *parsed.get("value"));
      return;
    }
    if (!place->contains(part)) place->insert(part, toml::table{});
    place = place->get(part)->as_table();
    if (place == nullptr) throw StudyError("--set " + assignment + ": '" + part + "' is not a table");
    start = dot + 1;
  }
}

engine::LawKind law_kind(const std::string& name) {
  if (name == "lognormal") return engine::LawKind::lognormal;
  if (name == "uniform") return engine::LawKind::uniform;
  if (name == "gumbel") return engine::LawKind::gumbel;
  return engine::LawKind::normal;
}

/// The names a user writes for what varies, and ngspice's for the same.
struct ParameterName {
  std::string simulator;
  std::string unit;
  engine::LawKind law;
};

ParameterName parameter_name(const std::string& label) {
  if (label == "vth") return {"delvto", "V", engine::LawKind::normal};
  // mulu0 multiplies the mobility: a ratio, lognormal so that it stays positive far out in the tail.
  if (label == "beta") return {"mulu0", "1", engine::LawKind::normal};
  return {label, "1", engine::LawKind::normal};
}

DeviceVariation read_device_variation(Section& s) {
  DeviceVariation v;
  v.devices = s.text("devices", "*");
  v.place = s.place(s.has("devices") ? "devices" : "");
  v.polarity = s.choice("polarity", {"", "nmos", "pmos"}, "");
  v.label = s.text("parameter");
  const ParameterName name = parameter_name(v.label);
  v.parameter = name.simulator;
  v.law.kind = law_kind(s.choice("law", {"normal", "lognormal", "uniform", "gumbel"}, "normal"));
  v.scope = s.choice("scope", {"instance", "die"}, "instance") == "die" ? engine::Scope::die
                                                                        : engine::Scope::instance;
  const bool pelgrom = s.has("pelgrom");
  if (pelgrom == s.has("sigma"))
    s.fail("", "needs either 'pelgrom' (e.g. \"1.3 mV um\") or 'sigma' (e.g. \"20 mV\")");
  if (pelgrom) {
    if (v.scope == engine::Scope::die)
      s.fail("pelgrom", "is a law of single devices; a die-wide variable needs 'sigma'");
    v.pelgrom = s.quantity("pelgrom", name.unit == "1" ? "m" : name.unit + " m");
    if (!(v.pelgrom > 0.0)) s.fail("pelgrom", "must be above 0");
  } else {
    v.law.scale = s.quantity("sigma", name.unit);
    if (!(v.law.scale > 0.0)) s.fail("sigma", "must be above 0");
  }
  if (v.law.kind == engine::LawKind::lognormal) v.law.location = s.quantity("median", name.unit);
  s.finish();
  return v;
}

DieVariation read_die_variation(Section& s) {
  DieVariation v;
  v.source = s.text("source", "");
  const bool temperature = v.source.empty();
  if (temperature && !s.flag("temperature", false)) {
    s.fail("", "needs either source = \"vdd\" or temperature = true");
  }
  v.sigma = s.quantity("sigma", temperature ? "K" : "V");
  if (!(v.sigma > 0.0)) s.fail("sigma", "must be above 0");
  s.finish();
  return v;
}

Corner read_corner_text(Section& s, std::string_view key, const std::string& text) {
  // "tt 0.9 V 27 degC"
  std::istringstream in(text);
  Corner corner;
  std::string volts;
  std::string volt_unit;
  std::string degrees;
  std::string degree_unit;
  if (!(in >> corner.process >> volts >> volt_unit >> degrees >> degree_unit) || in >> volts) {
    s.fail(key, fmt::format("'{}' is not a corner; expected e.g. \"tt 0.9 V 27 degC\"", text));
  }
  try {
    corner.supply = engine::quantity(volts + " " + volt_unit, "V");
    corner.temperature = engine::quantity(degrees + " " + degree_unit, "degC");
  } catch (const engine::UnitError& e) {
    s.fail(key, e.what());
  }
  return corner;
}

void read_corners(Section s, Study& study) {
  const std::vector<std::string> processes = s.texts("process");
  study.process_place = s.place("process");
  const std::vector<double> supplies = s.quantities("supply", "V");
  const std::vector<double> temperatures = s.quantities("temperature", "degC");
  for (const double v : supplies) {
    if (!(v > 0.0 && v < 20.0)) s.fail("supply", "must lie between 0 and 20 V");
  }
  for (const double t : temperatures) {
    if (!(t > -200.0 && t < 400.0)) s.fail("temperature", "must lie between -200 and 400 degC");
  }
  for (const std::string& process : processes) {
    for (const double supply : supplies) {
      for (const double temperature : temperatures) study.corners.push_back({process, supply, temperature});
    }
  }
  study.nominal = s.has("nominal") ? read_corner_text(s, "nominal", s.text("nominal"))
                                   : Corner{processes.front(), supplies[supplies.size() / 2],
                                            temperatures[temperatures.size() / 2]};
  if (s.has("full") && !s.has_text("full")) {
    study.full_corners = static_cast<int>(s.integer("full", 0, 1000));
  } else {
    if (s.text("full", "auto") != "auto") s.fail("full", "must be \"auto\" or how many of the worst corners");
  }
  s.finish();
}

ColumnStudy read_column(Section s) {
  ColumnStudy column;
  column.cell = s.text("cell", "sram8t");
  const std::vector<std::string> cells = read_cell_names();
  if (std::find(cells.begin(), cells.end(), column.cell) == cells.end()) {
    s.fail("cell", fmt::format("'{}' is not a cell; there are {}", column.cell, fmt::join(cells, ", ")));
  }
  for (const std::int64_t n : s.integers("sawl", 1, 64)) column.sawl.push_back(static_cast<int>(n));
  column.rows = static_cast<int>(s.integer("rows", 128, 1, 4096));
  if (*std::max_element(column.sawl.begin(), column.sawl.end()) > column.rows) {
    s.fail("rows", "must be at least the largest SAWL");
  }
  column.swing = s.quantity("swing", "V", 0.4);
  if (!(column.swing > 0.0)) s.fail("swing", "must be above 0 V");
  column.tracking_timing = s.choice("timing", {"tracking", "fixed"}, "tracking") == "tracking";
  column.tracking_die = s.choice("tracking", {"corner", "die"}, "corner") == "die";
  s.finish();
  return column;
}

engine::Measure read_measure(Section& s) {
  engine::Measure m;
  m.name = s.text("name");
  const std::string kind =
      s.choice("kind", {"value", "crossing", "minimum", "maximum", "average", "integral"}, "value");
  m.kind = kind == "crossing"   ? engine::MeasureKind::crossing
           : kind == "minimum"  ? engine::MeasureKind::minimum
           : kind == "maximum"  ? engine::MeasureKind::maximum
           : kind == "average"  ? engine::MeasureKind::average
           : kind == "integral" ? engine::MeasureKind::integral
                                : engine::MeasureKind::value_at;
  m.vector = s.text("vector");
  m.reference = s.text("minus", "");
  const std::string base = m.vector.starts_with("i(") ? "A" : "V";
  const std::string vector_unit = s.text("vector_unit", base);
  m.unit = m.kind == engine::MeasureKind::crossing   ? "s"
           : m.kind == engine::MeasureKind::integral ? vector_unit + " s"
                                                     : vector_unit;
  m.scale = s.number("scale", 1.0, -1e12, 1e12);
  m.at = s.quantity("at", "s", -1.0);
  m.from = s.quantity("from", "s", 0.0);
  m.to = s.quantity("to", "s", -1.0);
  if (m.kind == engine::MeasureKind::crossing) {
    m.level = s.quantity("level", vector_unit);
    const std::string edge = s.choice("edge", {"rise", "fall", "either"}, "either");
    m.edge = edge == "rise" ? engine::Edge::rise : edge == "fall" ? engine::Edge::fall : engine::Edge::either;
  }
  s.finish();
  return m;
}

CircuitStudy read_circuit(Section s, Section& root) {
  CircuitStudy circuit;
  circuit.netlist = s.file("netlist");
  circuit.supply_source = s.text("supply_source", "");
  const std::string kind = s.choice("analysis", {"transient", "operating_point"}, "transient");
  if (kind == "operating_point") {
    circuit.analysis.kind = engine::AnalysisKind::operating_point;
  } else {
    circuit.analysis.stop = s.quantity("stop", "s");
    circuit.analysis.step = s.quantity("step", "s", circuit.analysis.stop / 200.0);
    circuit.analysis.max_step = s.quantity("max_step", "s", 0.0);
    if (!(circuit.analysis.stop > 0.0 && circuit.analysis.step > 0.0))
      s.fail("", "'stop' and 'step' must be above 0");
  }
  s.finish();
  for (Section& m : root.sections("measure")) circuit.measures.push_back(read_measure(m));
  if (circuit.measures.empty()) root.fail("", "a [circuit] study needs at least one [[measure]]");

  Section failing = root.section("failing");
  circuit.failing_measure = failing.text("measure", circuit.measures.front().name);
  const auto measure =
      std::find_if(circuit.measures.begin(), circuit.measures.end(),
                   [&](const engine::Measure& m) { return m.name == circuit.failing_measure; });
  if (measure == circuit.measures.end()) failing.fail("measure", "there is no measure of that name");
  if (failing.has("below")) circuit.below = failing.quantity("below", measure->unit);
  if (failing.has("above")) circuit.above = failing.quantity("above", measure->unit);
  if (circuit.below.has_value() == circuit.above.has_value()) {
    failing.fail("", "needs either 'below' or 'above': the limit past which a sample fails");
  }
  failing.finish();
  return circuit;
}

ConverterStudy read_converter(Section& s) {
  ConverterStudy c;
  c.name = s.text("name");
  if (c.name.empty() || c.name.find_first_of("/. ") != std::string::npos) {
    s.fail("name", "must be a word without '/', '.' and blanks: it names a group of the result file");
  }
  c.kind =
      s.choice("kind", {"ideal", "enob"}, "ideal") == "ideal" ? ConverterKind::ideal : ConverterKind::enob;
  c.tracking_references = s.choice("references", {"tracking", "fixed"}, "tracking") == "tracking";
  c.fit_only = s.choice("tails", {"simulated", "fit"}, "simulated") == "fit";
  if (c.kind == ConverterKind::enob) c.enob = s.number("enob", 0.5, 24.0);
  if (s.has("offset_sigma")) {
    const std::string text = s.text("offset_sigma");
    if (text.find("step") != std::string::npos) {
      c.offset_sigma_step = s.quantity("offset_sigma", "step");
    } else {
      c.offset_sigma_volt = s.quantity("offset_sigma", "V");
    }
    if (c.offset_sigma_step < 0.0 || c.offset_sigma_volt < 0.0)
      s.fail("offset_sigma", "must not be negative");
  }
  s.finish();
  return c;
}

/// What follows each die has no fixed references and no deviation in V: levels are told in steps of the die.
void check_followers(Section& root, const std::vector<ConverterStudy>& converters) {
  for (const ConverterStudy& c : converters) {
    if (!c.tracking_references) {
      root.fail("converter",
                fmt::format("'{}' has references = \"fixed\", but tracking = \"die\" lets references "
                            "follow each die; choose one",
                            c.name));
    }
    if (c.offset_sigma_volt > 0.0) {
      root.fail("converter", fmt::format("'{}' has an offset_sigma in V; where references follow each die "
                                         "(tracking = \"die\") it must be in steps, e.g. \"0.03 step\"",
                                         c.name));
    }
  }
}

EstimatorStudy read_estimator(Section s) {
  EstimatorStudy e;
  e.method = s.choice(
      "method",
      {"auto", "fit", "monte_carlo", "quasi_monte_carlo", "subset", "importance", "line", "scaled_sigma"},
      e.method);
  const std::string design = s.choice("design", {"random", "sobol", "latin_hypercube"}, "random");
  e.design = design == "sobol"             ? engine::Design::sobol
             : design == "latin_hypercube" ? engine::Design::latin_hypercube
                                           : engine::Design::random;
  e.runs = static_cast<int>(s.integer("runs", e.runs, 20, 100'000'000));
  e.accuracy = s.quantity("accuracy", "sigma", e.accuracy);
  if (!(e.accuracy > 0.0)) s.fail("accuracy", "must be above 0 sigma");
  e.budget = static_cast<int>(s.integer("budget", e.budget, 50, 1'000'000'000));
  s.finish();
  return e;
}

AccuracyStudy read_accuracy(Section s, const std::vector<ConverterStudy>& converters) {
  AccuracyStudy a;
  a.model = s.file("model");
  a.dataset = s.file("dataset");
  a.modes = s.has("modes") ? s.texts("modes") : std::vector<std::string>{"read"};
  for (const std::string& mode : a.modes) {
    if (mode != "read" && mode != "die") s.fail("modes", fmt::format("'{}' is not one of read, die", mode));
  }
  a.repeats = static_cast<int>(s.integer("repeats", a.repeats, 1, 10'000));
  a.examples = static_cast<int>(s.integer("examples", 0, 0, 100'000'000));
  a.quantizer = s.text("quantizer", a.quantizer);
  const std::vector<std::string> quantizers = arch::quantizer_names();
  if (std::find(quantizers.begin(), quantizers.end(), a.quantizer) == quantizers.end()) {
    s.fail("quantizer", fmt::format("'{}' is not one of {}", a.quantizer, fmt::join(quantizers, ", ")));
  }
  a.converter = s.text("converter", converters.empty() ? "" : converters.front().name);
  if (std::none_of(converters.begin(), converters.end(),
                   [&](const ConverterStudy& c) { return c.name == a.converter; })) {
    s.fail("converter", fmt::format("there is no [[converter]] called '{}'", a.converter));
  }
  s.finish();
  return a;
}

Study read_table(const toml::table& table, const std::filesystem::path& file, std::string text) {
  Study study;
  study.file = file;
  study.text = std::move(text);
  Section root(table, "", file);
  study.title = root.text("title", file.stem().string());
  study.seed = static_cast<std::uint64_t>(root.integer("seed", 1, 0, INT64_MAX));
  study.allow_commands = root.flag("allow_commands", false);

  Section technology = root.section("technology");
  if (technology.has("cards")) study.cards = technology.file("cards");
  technology.finish();

  const bool column = root.has("column");
  if (column == root.has("circuit")) root.fail("", "a study needs either [column] or [circuit]");
  if (column) {
    study.column = read_column(root.section("column"));
    if (study.cards.empty()) root.fail("", "a [column] study needs [technology] with cards = \"FILE\"");
  } else {
    study.circuit = read_circuit(root.section("circuit"), root);
  }
  if (column || root.has("corners")) {
    read_corners(root.section("corners"), study);
  } else {
    study.corners = {Corner{}};
  }
  for (Section& s : root.sections("variation")) study.devices.push_back(read_device_variation(s));
  for (Section& s : root.sections("die")) study.die.push_back(read_die_variation(s));
  if (study.devices.empty() && study.die.empty())
    root.fail("", "nothing varies: add a [[variation]] or a [[die]]");
  for (Section& s : root.sections("converter")) {
    study.converters.push_back(read_converter(s));
    const auto& names = study.converters;
    if (std::count_if(names.begin(), names.end(),
                      [&](const ConverterStudy& c) { return c.name == names.back().name; }) > 1) {
      s.fail("name", "two converters have this name");
    }
  }
  if (column && study.column->tracking_die) check_followers(root, study.converters);
  if (column && study.converters.empty()) root.fail("", "a [column] study needs at least one [[converter]]");
  study.estimator = read_estimator(root.section("estimator"));
  if (root.has("accuracy")) study.accuracy = read_accuracy(root.section("accuracy"), study.converters);

  Section simulator = root.section("simulator");
  study.simulator.method = simulator.choice("method", {"trap", "gear"}, study.simulator.method);
  study.simulator.reltol = simulator.number("reltol", study.simulator.reltol, 1e-9, 0.1);
  study.run_time_limit = simulator.quantity("run_time_limit", "s", study.run_time_limit);
  simulator.finish();
  root.finish();
  return study;
}

}  // namespace

std::string Corner::name() const { return fmt::format("{}_{:.2f}V_{:.0f}C", process, supply, temperature); }

Study read_study(const std::filesystem::path& file, const std::vector<std::string>& overrides) {
  std::string text = read_text_file(file);
  toml::table table = parse_toml(text, file);
  if (!overrides.empty()) {
    for (const std::string& assignment : overrides) apply_override(table, assignment);
    std::ostringstream changed;
    changed << table << '\n';
    text = changed.str();
  }
  return read_table(table, file, std::move(text));
}

Study parse_study(const std::string& text, const std::filesystem::path& file) {
  const toml::table table = parse_toml(text, file);
  return read_table(table, file, text);
}

}  // namespace flare::studies
