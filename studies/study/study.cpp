#include "studies/study/study.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "engine/base/units.hpp"
#include "flare_arch/models/accuracy.hpp"
#include "studies/study/overrides.hpp"
#include "studies/study/study_analysis.hpp"
#include "studies/study/study_converters.hpp"
#include "studies/study/study_stages.hpp"
#include "studies/study/study_target.hpp"
#include "studies/toml/compatibility.hpp"
#include "studies/toml/toml_file.hpp"

namespace flare::studies {

namespace {

constexpr std::size_t longest_path_shown = 200;

/// Sizes that the study gives in place of the manifest's.
void read_sizes(Section s, Parameters& sizes, const std::filesystem::path& manifest) {
  for (const std::string& name : s.keys()) {
    if (!sizes.contains(name)) {
      std::vector<std::string> names;
      for (const auto& [size, value] : sizes) names.push_back(size);
      s.fail(name, fmt::format("is no size in {}; there are {}", manifest.string(), fmt::join(names, ", ")));
    }
    sizes[name] = s.parameter(name);
    if (!(sizes[name] > 0.0)) s.fail(name, "must be above 0");
  }
}

double above_zero(Section& s, std::string_view key, std::string_view unit, double otherwise) {
  const double value = s.quantity(key, unit, otherwise);
  if (!(value > 0.0)) s.fail(key, fmt::format("must be above 0 {}", unit));
  return value;
}

double not_negative(Section& s, std::string_view key, std::string_view unit, double otherwise) {
  const double value = s.quantity(key, unit, otherwise);
  if (!(value >= 0.0)) s.fail(key, "must not be negative");
  return value;
}

/// What the study says of the sense end of its cell's column.
void read_end(Section& s, Cell& cell) {
  const bool clamp = cell.read == ReadKind::clamp;
  const char* const own = clamp ? "clamp" : "precharge";
  const char* const other = clamp ? "precharge" : "clamp";
  if (s.has(other)) {
    s.fail(other, fmt::format("the cell {} has a {}; write its sizes in [column.{}]", cell.name, own, own));
  }
  read_sizes(s.section(own), cell.end.sizes, cell.manifest);
  if (clamp) {
    cell.read_voltage = above_zero(s, "read_voltage", "V", cell.read_voltage);
  } else if (s.has("read_voltage")) {
    s.fail("read_voltage",
           fmt::format("the cell {} is precharged to the supply; leave the key out", cell.name));
  }
}

ColumnSetup read_setup(Section& s, const std::filesystem::path& file) {
  ColumnSetup setup;
  const std::string cell = s.text("cell", "sram8t");
  setup.cell = read_cell(find_part(s, "cell", cell, "cell", file));
  read_sizes(s.section("sizes"), setup.cell.sizes, setup.cell.manifest);
  check_bounds(setup.cell);
  read_end(s, setup.cell);
  setup.rows = static_cast<int>(s.integer("rows", setup.rows, 1, 4096));
  setup.wordline_ratio = s.number("boost", setup.wordline_ratio, 0.1, 10.0);
  setup.wire_capacitance = not_negative(s, "wire_capacitance", "F", setup.cell.wire_capacitance);
  setup.wire_resistance = above_zero(s, "wire_resistance", "Ohm", setup.cell.wire_resistance);
  setup.sense_capacitance = not_negative(s, "sense_capacitance", "F", setup.sense_capacitance);
  setup.edge = above_zero(s, "edge", "s", setup.edge);
  setup.settle = not_negative(s, "settle", "s", setup.settle);
  return setup;
}

ColumnStudy read_column(Section s, const std::filesystem::path& file) {
  ColumnStudy column;
  column.setup = read_setup(s, file);
  for (const std::int64_t n : s.integers("sawl", 1, 64)) column.sawl.push_back(static_cast<int>(n));
  if (*std::max_element(column.sawl.begin(), column.sawl.end()) > column.setup.rows) {
    s.fail("rows", "must be at least the largest SAWL");
  }
  column.swing = read_swing(s);
  const std::string timing = s.choice("timing", {"tracking", "fixed", "replica"}, "tracking");
  column.tracking_timing = timing != "fixed";
  if (timing == "replica") {
    column.timing_rows = static_cast<int>(s.integer("timing_rows", 8, 1, 4096));
  } else if (s.has("timing_rows")) {
    s.fail("timing_rows", "belongs to timing = \"replica\"; leave it out, or ask for that");
  }
  column.tracking_die = s.choice("tracking", {"corner", "die"}, "corner") == "die";
  if (s.has("converters")) column.converters = s.texts("converters");
  s.finish();
  return column;
}

/// The cards: a kit's, or a card file by itself.
void read_technology(Section s, Study& study) {
  if (s.has("kit")) {
    if (s.has("cards")) s.fail("cards", "the kit has its own; leave one of the two out");
    study.kit = read_kit(find_part(s, "kit", s.text("kit"), "kit", study.file));
    study.cards = study.kit->library;
  } else if (s.has("cards")) {
    study.cards = s.file("cards");
  }
  study.cards_place = s.place(s.has("kit") ? "kit" : "cards");
  if (study.kit) study.parameters = study.kit->parameters;
  for (const auto& [name, value] : read_parameters(s)) study.parameters[name] = value;
  s.finish();
}

CircuitStudy read_circuit(Section s, Section& root) {
  CircuitStudy circuit;
  circuit.netlist = s.file("netlist");
  if (s.has("supply_source")) circuit.supply_sources = s.texts("supply_source");
  circuit.supply_parameter = s.text("supply_parameter", "");
  if (s.has("fixed_sources")) circuit.fixed_sources = s.texts("fixed_sources");
  if (!circuit.supply_sources.empty() && !circuit.supply_parameter.empty()) {
    s.fail("supply_parameter", "the supply moves either sources or a parameter; give one of them");
  }
  circuit.analysis = read_analysis(s);
  if (s.has("uic")) circuit.uic = s.flag("uic", false);
  s.finish();
  StudyMeasures asked = read_measures(root, circuit.analysis);
  circuit.measures = std::move(asked.measures);
  circuit.measure_places = std::move(asked.places);
  circuit.specs = std::move(asked.specs);
  return circuit;
}

/// Where a converter's thresholds come from: `tracking` or `fixed`, calculated, or a circuit of replicas.
void read_references(Section& s, const std::filesystem::path& file, ConverterStudy& c) {
  const std::string references = s.text("references", "tracking");
  c.tracking_references = references != "fixed";
  if (references != "tracking" && references != "fixed") {
    c.reference = read_reference_part(find_part(s, "references", references, "reference", file));
    c.average = static_cast<int>(s.integer("average", 1, 1, 1024));
  } else if (s.has("average")) {
    s.fail("average",
           "belongs to references of replica columns; leave it out, or say references = \"replica\"");
  }
}

ConverterStudy read_converter(Section& s, const std::filesystem::path& file) {
  ConverterStudy c;
  c.name = s.text("name");
  if (c.name.empty() || c.name.find_first_of("/. ") != std::string::npos) {
    s.fail("name", "must be a word without '/', '.' and blanks: it names a group of the result file");
  }
  const std::string kind = s.choice("kind", {"ideal", "enob", "measured"}, "ideal");
  c.kind = kind == "measured" ? analysis::ConverterKind::measured
           : kind == "enob"   ? analysis::ConverterKind::enob
                              : analysis::ConverterKind::ideal;
  read_references(s, file, c);
  c.fit_only = s.choice("tails", {"simulated", "fit"}, "simulated") == "fit";
  if (c.kind == analysis::ConverterKind::measured) read_measured(s, c);
  if (c.kind == analysis::ConverterKind::enob) c.enob = s.number("enob", 0.5, 24.0);
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
    if (c.kind == analysis::ConverterKind::measured) {
      root.fail("converter",
                fmt::format("'{}' was measured in V; where references follow each die (tracking = "
                            "\"die\") a converter is told in steps",
                            c.name));
    }
    if (c.offset_sigma_volt > 0.0) {
      root.fail("converter", fmt::format("'{}' has an offset_sigma in V; where references follow each die "
                                         "(tracking = \"die\") it must be in steps, e.g. \"0.03 step\"",
                                         c.name));
    }
  }
}

/// Columns of one study: what they name must be there, and no two may be the same.
void check_columns(Section& root, const Study& study) {
  std::vector<ColumnStudy> columns = study.columns;
  if (columns.empty() && study.column) columns.push_back(*study.column);
  std::set<std::pair<std::string, int>> seen;
  for (const ColumnStudy& column : columns) {
    for (const int sawl : column.sawl) {
      if (!seen.emplace(column.setup.cell.name, sawl).second)
        root.fail("columns", fmt::format("{} at SAWL {} stands there twice", column.setup.cell.name, sawl));
    }
    for (const std::string& name : column.converters) {
      if (std::none_of(study.converters.begin(), study.converters.end(),
                       [&](const ConverterStudy& c) { return c.name == name; }))
        root.fail("columns", fmt::format("converters: there is no [[converter]] called '{}'", name));
    }
  }
  for (const DeviceVariation& v : study.devices) {
    for (const std::string& cell : v.cells) {
      if (std::none_of(columns.begin(), columns.end(),
                       [&](const ColumnStudy& c) { return c.setup.cell.name == cell; }))
        throw StudyError(fmt::format("{}: cells: there is no column of a cell '{}'", v.place, cell));
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

/// Named corners of a column say all that it needs, and nothing that it has no use for.
void check_column_corners(const Section& s, const Corners& corners) {
  for (const Corner& corner : corners.all) {
    if (corner.process.empty() || !corner.supply || !corner.temperature) {
      s.fail("named",
             fmt::format("{}: a [column] study needs process, supply and temperature of every corner",
                         corner.name()));
    }
    if (!corner.sources.empty() || !corner.parameters.empty() || !corner.sections.empty()) {
      s.fail("named",
             fmt::format("{}: a [column] study knows process, supply and temperature alone", corner.name()));
    }
  }
}

/// [corners] of any study; a column needs all three lists, or named corners.
void read_all_corners(Section s, Study& study) {
  if (study.column && !s.has("named")) {
    for (const char* key : {"process", "supply", "temperature"}) {
      if (!s.has(key)) s.fail("", fmt::format("a [column] study needs '{}' here, a list", key));
    }
  }
  Corners corners = read_corners(s);
  if (study.column && s.has("named")) check_column_corners(s, corners);
  study.corners = std::move(corners.all);
  study.nominal = std::move(corners.nominal);
  study.process_place = std::move(corners.process_place);
  study.supply_place = std::move(corners.supply_place);
  if (s.has("full") && !s.has_text("full")) {
    study.full_corners = static_cast<int>(s.integer("full", 0, 1000));
  } else if (s.text("full", "auto") != "auto") {
    s.fail("full", "must be \"auto\" or how many of the worst corners");
  }
  s.finish();
}

/// What becomes of .control blocks: `commands`, or the older flag `allow_commands`.
engine::Commands read_commands(Section& root) {
  const std::string commands = root.choice("commands", {"", "refuse", "leave out", "run"}, "");
  const bool allow = root.flag("allow_commands", false);
  if (allow && !commands.empty() && commands != "run") {
    root.fail("allow_commands",
              fmt::format("says the contrary of commands = \"{}\"; leave it out", commands));
  }
  if (commands == "leave out") return engine::Commands::leave_out;
  return allow || commands == "run" ? engine::Commands::run : engine::Commands::refuse;
}

void read_simulator(Section s, Study& study) {
  SimulatorStudy& simulator = study.simulator;
  if (s.has("method")) simulator.method = s.choice("method", {"trap", "gear"}, "trap");
  const auto tolerance = [&](std::string_view key, double least, double most, std::optional<double>& value) {
    if (s.has(key)) value = s.number(key, least, most);
  };
  tolerance("reltol", 1e-9, 0.1, simulator.reltol);
  tolerance("abstol", 1e-18, 1e-3, simulator.abstol);
  tolerance("vntol", 1e-12, 1e-1, simulator.vntol);
  tolerance("chgtol", 1e-24, 1e-9, simulator.chgtol);
  tolerance("trtol", 1e-4, 1e3, simulator.trtol);
  simulator.compatibility = read_compatibility(s, study.kit ? study.kit->compatibility : "");
  study.run_time_limit = s.quantity("run_time_limit", "s", study.run_time_limit);
  if (!(study.run_time_limit >= 1e-3)) s.fail("run_time_limit", "must be at least 1 ms");
  s.finish();
}

/// Counting alone gives no limit.
void check_asked_limits(const Section& root, const Study& study) {
  if (!study.circuit || study.estimator.method.find("monte_carlo") == std::string::npos) return;
  for (const Spec& spec : study.circuit->specs) {
    if (spec.asked)
      root.fail("spec",
                fmt::format("'{}' asks for a limit, which counting ([estimator] method = \"{}\") does not "
                            "give; take \"auto\", or \"fit\"",
                            spec.name, study.estimator.method));
  }
}

Study read_root(const toml::table& table, const std::filesystem::path& file, std::string text, KeyLog* log) {
  Study study;
  study.file = file;
  study.text = std::move(text);
  Section root(table, "", file, log);
  study.title = root.text("title", file.stem().string());
  study.seed = static_cast<std::uint64_t>(root.integer("seed", 1, 0, INT64_MAX));
  study.commands = read_commands(root);

  read_technology(root.section("technology"), study);

  for (Section& s : root.sections("columns")) study.columns.push_back(read_column(std::move(s), file));
  const bool column = root.has("column") || !study.columns.empty();
  if (root.has("column") && !study.columns.empty())
    root.fail("columns", "stands beside [column]; write all columns as [[columns]]");
  if (root.has("adc")) study.adc = read_adc(root.section("adc"));
  if (root.has("gain_cell")) study.gain_cell = read_gain_cell(root.section("gain_cell"), file);
  if (column + root.has("circuit") + study.adc.has_value() + study.gain_cell.has_value() != 1) {
    root.fail("", "a study needs one of [column], [circuit], [adc] and [gain_cell]");
  }
  if (column) {
    study.column = study.columns.empty() ? read_column(root.section("column"), file) : study.columns.front();
    if (study.cards.empty())
      root.fail("", "a [column] study needs [technology] with cards = \"FILE\" or kit = \"NAME\"");
  } else if (!study.adc && !study.gain_cell) {
    study.circuit = read_circuit(root.section("circuit"), root);
  }
  read_all_corners(root.section("corners"), study);
  for (Section& s : root.sections("variation")) study.devices.push_back(read_device_variation(s));
  for (Section& s : root.sections("die")) study.die.push_back(read_die_variation(s));
  for (Section& s : root.sections("converter")) {
    study.converters.push_back(study.adc ? read_circuit_converter(s, *study.adc, file)
                                         : read_converter(s, file));
    const auto& names = study.converters;
    if (std::count_if(names.begin(), names.end(),
                      [&](const ConverterStudy& c) { return c.name == names.back().name; }) > 1) {
      s.fail("name", "two converters have this name");
    }
  }
  if (column && study.column->tracking_die) check_followers(root, study.converters);
  if (column && study.converters.empty()) root.fail("", "a [column] study needs at least one [[converter]]");
  if (study.adc && study.converters.empty()) root.fail("", "an [adc] study needs at least one [[converter]]");
  check_columns(root, study);
  if (root.has("map")) study.map = read_map(root.section("map"));
  study.sweep = read_sweep(root);
  study.estimator = read_estimator(root.section("estimator"));
  study.target = read_target(root, study.column ? study.column->setup.rows : 0);
  check_asked_limits(root, study);
  const bool has_accuracy = root.has("accuracy");
  Section accuracy = root.section("accuracy");
  if (has_accuracy && !study.columns.empty())
    root.fail("accuracy", "follows a study of one [column]; leave it out beside [[columns]]");
  if (has_accuracy) study.accuracy = read_accuracy(std::move(accuracy), study.converters);
  const bool has_cost = root.has("cost");
  Section cost = root.section("cost");
  if (has_cost && !study.column)
    cost.fail("", "costs come from a [column] study; use flare cost --study for others");
  if (has_cost && !study.columns.empty())
    cost.fail("", "follows a study of one [column]; leave it out beside [[columns]]");
  if (has_cost) study.cost = read_cost(std::move(cost));
  read_simulator(root.section("simulator"), study);
  if (study.adc) check_adc_study(root, study);
  if (study.gain_cell) check_gain_cell_study(root, study);
  root.finish();
  return study;
}

Study read_table(const toml::table& table, const std::filesystem::path& file, std::string text,
                 KeyLog* log = nullptr) {
  try {
    return read_root(table, file, std::move(text), log);
  } catch (const std::filesystem::filesystem_error& e) {
    // A path that the system does not take: too long, through a file, not allowed.
    throw StudyError(fmt::format("{}: {}: {}", file.string(),
                                 e.path1().string().substr(0, longest_path_shown), e.code().message()));
  }
}

}  // namespace

Study read_study(const std::filesystem::path& file, const std::vector<std::string>& overrides) {
  std::string text = read_toml_text(file, "a study");
  toml::table table = parse_toml(text, file);
  if (!overrides.empty()) {
    for (const std::string& assignment : overrides) apply_override(table, assignment);
    std::ostringstream changed;
    changed << table << '\n';
    text = changed.str();
  }
  return read_table(table, file, std::move(text));
}

Study parse_study(const std::string& text, const std::filesystem::path& file, KeyLog* log) {
  const toml::table table = parse_toml(text, file);
  return read_table(table, file, text, log);
}

Study sweep_point(const Study& whole, const std::vector<std::string>& assignments) {
  toml::table table = parse_toml(whole.text, whole.file);
  table.erase("sweep");
  for (const std::string& assignment : assignments) apply_override(table, assignment);
  std::ostringstream changed;
  changed << table << '\n';
  return read_table(table, whole.file, changed.str());
}

}  // namespace flare::studies
