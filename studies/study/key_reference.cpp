#include "studies/study/key_reference.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "studies/study/key_examples.hpp"
#include "studies/study/study.hpp"

namespace flare::studies {

namespace {

constexpr std::array descriptions = std::to_array<KeyDescription>({
    {"", "title", "what the result and the report are called", "the file's name"},
    {"", "seed", "all random numbers follow from it"},
    {"", "target",
     "what a design must hold: so many sigma, or a share of macros, as `\"99 % of macros\"` ([macro])"},
    {"", "commands", "what becomes of a netlist's `.control` blocks", "`\"refuse\"`"},
    {"", "allow_commands", "older way to write `commands = \"run\"`, for netlists that you trust"},
    {"macro", "columns", "of a macro, without the spare ones"},
    {"macro", "spare_columns", "that may stand in for bad ones"},
    {"macro", "rows", "of a column; of a circuit how often it stands in one", "the column's; of a circuit 1"},
    {"macro", "reads", "of a column, over the life that the yield speaks of"},
    {"macro", "patterns", "distinct patterns of cells that are read of a column",
     "rows / SAWL groups of 2^SAWL, and no more than reads"},
    {"technology", "kit", "device kit: a name of `netlists/kits`, or the path of a folder with a `kit.toml`"},
    {"technology", "cards",
     "library of device cards by itself; its sections are the corners' processes; a column needs it or a "
     "`kit`"},
    {"technology.parameters", "*",
     "`.param` of the netlist's top level, at every corner that sets no other: the switches of a kit",
     "the kit's, else the netlist's"},
    {"column", "cell",
     "a name of `netlists/cells`, or the path of a folder with a `cell.toml`; behind it may stand a variant"},
    {"column", "sawl", "word lines that are read at once: one design each"},
    {"column", "rows", "cells on the bitline"},
    {"column", "boost", "high level of the word line over the supply"},
    {"column", "wire_capacitance", "of the bitline, per row, without the devices"},
    {"column", "wire_resistance", "of the bitline, per row"},
    {"column", "sense_capacitance", "input of the converter"},
    {"column", "read_voltage", "at which the clamp of a cell that is read by one holds the bitline",
     "the manifest's"},
    {"column", "edge", "of the precharge's end and of the word line, up and down"},
    {"column", "settle", "from the end of the word line's pulse to the look of the converter"},
    {"column", "swing", "fall of the bitline at full scale, which sets the pulse of the word line"},
    {"column", "timing",
     "the pulse is found at each corner, as a replica column does, or at the nominal one"},
    {"column", "tracking",
     "references and timing follow the corner, or each die with its die-wide deviations"},
    {"column.sizes", "*", "size of the cell in place of its manifest's", "the manifest's"},
    {"column.precharge", "*", "size of the precharge in place of the manifest's", "the manifest's"},
    {"column.clamp", "*", "size of the clamp of a cell that is read by one, in place of the manifest's",
     "the manifest's"},
    {"circuit", "netlist", "SPICE text, relative to the study's folder"},
    {"circuit", "analysis", "what is simulated; analyses that stand in the netlist are left out"},
    {"circuit", "stop", "end of a transient or of a sweep; `dc` in V or A, `ac` in Hz"},
    {"circuit", "start", "begin of a sweep, as `stop`"},
    {"circuit", "step", "of a transient or of a `dc` sweep", "a 200th of the span"},
    {"circuit", "max_step", "largest time step of a transient", "the lesser of `step` and a 50th of `stop`"},
    {"circuit", "points", "of an `ac` analysis, a decade"},
    {"circuit", "sweep", "voltage or current source that a `dc` analysis sweeps"},
    {"circuit", "output", "of a `noise` analysis: `v(node)` or `v(a,b)`"},
    {"circuit", "input", "source that the noise is referred to"},
    {"circuit", "uic", "a transient begins at the `ic=` of the netlist instead of an operating point",
     "the netlist's"},
    {"circuit", "supply_source",
     "sources that the corners' supply moves; needed where there are several supplies"},
    {"circuit", "fixed_sources", "sources at the supply's level that do not follow it"},
    {"circuit", "supply_parameter", "`.param` that the corners' supply moves, instead of sources"},
    {"adc", "thresholds", "of a study of converters as circuits: how many the levels of a bitline need"},
    {"adc", "swing",
     "fall of the bitline over them: threshold k lies (k - 1/2) swing/thresholds below the supply"},
    {"adc", "bitline_capacitance", "of the bitline, without what the converter adds"},
    {"measure[]", "name", "by which specs and expressions know it"},
    {"measure[]", "kind", "what is taken of the waveform"},
    {"measure[]", "vector", "`v(node)`, `v(a,b)`, `i(source)`, `-i(source)` or `@device[parameter]`"},
    {"measure[]", "minus", "vector that is subtracted"},
    {"measure[]", "vector_unit", "SI unit of the vector", "as its form tells"},
    {"measure[]", "scale", "factor of the result"},
    {"measure[]", "at", "place of a `value`, in the unit of the time or sweep", "the end"},
    {"measure[]", "when",
     "vector whose crossing (`level`, `edge`, `occurrence`) says where a `value` is taken"},
    {"measure[]", "from", "begin of what is looked at", "the start of the run"},
    {"measure[]", "to", "end of what is looked at", "the end of the run"},
    {"measure[]", "level", "of a crossing, in the unit of the vector"},
    {"measure[]", "occurrence", "the n-th crossing after `from`"},
    {"measure[]", "edge", "direction of the crossing; of a period `rise` or `fall`",
     "`\"either\"`; of a period `\"rise\"`"},
    {"measure[]", "expression", "arithmetic over other measures, instead of a vector"},
    {"measure[]", "unit", "SI unit of the expression", "follows from what it uses"},
    {"measure[]", "source", "of a `search`: whose DC value is sought at which the vector crosses `level`"},
    {"measure[]", "resolution", "of a `search`, in the unit of the source"},
    {"measure[]", "unmeasured", "what a run is in which the measure has no value", "the study stops there"},
    {"failing", "measure", "name of a measure or an expression", "the first measure"},
    {"failing", "below",
     "a sample fails below it, in the unit of the measure; with `above`, outside of the window"},
    {"failing", "above", "a sample fails above it"},
    {"failing", "unmeasured", "what a run is in which the measure has no value", "as the measure says"},
    {"spec[]", "name", "of the spec", "that of its measure"},
    {"spec[]", "measure", "name of a measure or an expression", "the first measure"},
    {"spec[]", "min", "a sample fails below it, in the unit of the measure"},
    {"spec[]", "max", "a sample fails above it; with `min`, outside of the two"},
    {"spec[]", "limit", "`\"?\"`: no limit is given, the one is asked for that holds at the target"},
    {"spec[]", "side", "of the limit that is asked for"},
    {"spec[]", "unmeasured", "what a run is in which the measure has no value", "as the measure says"},
    {"sweep[]", "key",
     "of the study, as for `--set`: `corners.supply`, `variation[vth].pelgrom`, `measure[0].at`"},
    {"sweep[]", "values", "that it takes"},
    {"sweep[]", "from", "begin of a range, instead of `values`"},
    {"sweep[]", "to", "end of the range"},
    {"sweep[]", "points", "of the range, both ends included"},
    {"sweep[]", "spacing", "of the range: even steps, or even ratios"},
    {"variation[]", "parameter",
     "`vth`, `beta`, `w`, `l`, `r`, `c`, `dc`, … or the simulator's own instance parameter"},
    {"variation[]", "devices", "pattern of device names"},
    {"variation[]", "model", "model card whose parameter varies, die-wide, instead of devices"},
    {"variation[]", "param", "`.param` that varies, die-wide, instead of devices"},
    {"variation[]", "polarity", "only transistors of this polarity", "both"},
    {"variation[]", "pelgrom",
     "coefficient, in the parameter's unit times m or a percentage times m; either this or `sigma`"},
    {"variation[]", "sigma", "in the parameter's unit, or a percentage of the circuit's value"},
    {"variation[]", "law", "of the deviation", "`\"normal\"`; of `beta` `\"lognormal\"`"},
    {"variation[]", "scope", "every device by itself, or all of a die alike",
     "`\"instance\"`; of a `model` or `param` `\"die\"`"},
    {"variation[]", "effect", "on the circuit's value",
     "a percentage scales, another sigma shifts, `median` replaces"},
    {"variation[]", "median", "of the law where it replaces the circuit's value, or of a factor",
     "the circuit's value; of a factor 1"},
    {"die[]", "source", "source whose value varies from die to die"},
    {"die[]", "temperature", "the temperature varies from die to die, instead of a source"},
    {"die[]", "sigma",
     "of a normal variable: of a source in its unit or as a percentage, of the temperature in K"},
    {"corners", "process", "sections of the cards; all combinations of the lists are corners"},
    {"corners", "supply", "values of the supply"},
    {"corners", "temperature", "of the circuit", "the netlist's"},
    {"corners", "nominal", "where typical numbers are taken: `\"tt 0.9 V 27 degC\"` or a corner's name",
     "the middle of each list"},
    {"corners", "full",
     "how many of each converter's worst corners are run in full; `auto`: until no other can be worse"},
    {"corners.sources", "*", "values of the source of this name", "the netlist's"},
    {"corners.parameters", "*", "values of the `.param` of this name", "the netlist's"},
    {"corners.sections", "*", "sections taken of the library of this name", "the netlist's"},
    {"corners.named[]", "name", "of one more corner, which stands by itself"},
    {"corners.named[]", "process", "section of the cards", "the netlist's"},
    {"corners.named[]", "supply", "value of the supply", "the netlist's"},
    {"corners.named[]", "temperature", "of the circuit", "the netlist's"},
    {"corners.named[].sources", "*", "value of the source of this name", "the netlist's"},
    {"corners.named[].parameters", "*", "value of the `.param` of this name", "the netlist's"},
    {"corners.named[].sections", "*", "section taken of the library of this name", "the netlist's"},
    {"converter[]", "name", "a word; names its groups in the result file"},
    {"converter[]", "circuit",
     "of a study with `[adc]`: a name of `netlists/converters`, or the path of a folder with a "
     "`converter.toml`; "
     "behind it may stand a variant"},
    {"converter[]", "trim", "of its comparators, as its manifest has one", "`true` where it has one"},
    {"converter[]", "kind",
     "`ideal`: one comparator per level; `enob`: behavioural; `measured`: what a study of its circuit found"},
    {"converter[]", "measured",
     "of `kind = \"measured\"`: result of a study with `[adc]` over the same corners"},
    {"converter[]", "entry", "which of its converters", "the name"},
    {"converter[]", "enob", "effective bits of `kind = \"enob\"`"},
    {"converter[]", "offset_sigma", "of each comparator, in V or in steps", "0"},
    {"converter[]", "references", "follow the corner, or stay those of the nominal one"},
    {"converter[]", "tails", "by rare-event simulation, or of the fitted law (`extrapolated`)"},
    {"estimator", "method", "of the failure probabilities"},
    {"estimator", "accuracy", "half-width of the 95 % interval that is aimed at; above 0"},
    {"estimator", "budget",
     "runs at most, for all levels and converters of one SAWL at one corner, or for one margin"},
    {"estimator", "runs", "plain samples of every level, or of the margin; dies of a converter"},
    {"estimator", "design", "of the plain samples"},
    {"accuracy", "model", "folder of a model, as `data/models/digits_vit`"},
    {"accuracy", "dataset", "its examples"},
    {"accuracy", "converter", "whose error models are applied", "the first"},
    {"accuracy", "modes", "errors drawn afresh in every read (`read`), or frozen on a die (`die`)",
     "`[\"read\"]`"},
    {"accuracy", "quantizer", "arithmetic of attention; `flare accuracy --help` lists them"},
    {"accuracy", "repeats", "draws or dies"},
    {"accuracy", "examples", "of the test split; 0: all"},
    {"simulator", "method", "of integration", "the netlist's, else `{}`"},
    {"simulator", "reltol", "relative tolerance", "the netlist's, else `{}`"},
    {"simulator", "abstol", "of currents, in A", "the netlist's, else `{}`"},
    {"simulator", "vntol", "of voltages, in V", "the netlist's, else `{}`"},
    {"simulator", "chgtol", "of charges, in C", "the netlist's, else `{}`"},
    {"simulator", "trtol", "factor of the truncation error", "the netlist's, else `{}`"},
    {"simulator", "compatibility", "ngspice's compatibility mode, e.g. `\"hsa\"`"},
    {"simulator", "run_time_limit", "after which a run counts as timed out; at least 1 ms"},
});

/// "variation[]" stands in a study as [[variation]].
std::string heading(std::string_view table) {
  if (table.empty()) return "The study itself";
  const bool many = table.ends_with("[]");
  std::string name(many ? table.substr(0, table.size() - 2) : table);
  if (const auto at = name.find("[]"); at != std::string::npos) name.erase(at, 2);
  return many ? fmt::format("`[[{}]]`", name) : fmt::format("`[{}]`", name);
}

/// A text that was looked at before it was read as a quantity is no other value than that.
std::string values_text(const KeyFacts& facts) {
  std::set<std::string> values = facts.values;
  const bool quantity = std::any_of(values.begin(), values.end(),
                                    [](const std::string& value) { return value.starts_with("quantity"); });
  if (quantity) values.erase("text");
  return fmt::format("{}", fmt::join(values, "; "));
}

/// What the engine takes where neither the study nor the netlist says it.
std::string engine_default(std::string_view key) {
  const engine::SimulatorOptions options;
  if (key == "method") return fmt::format("\"{}\"", options.method);
  const double value = key == "reltol"   ? options.reltol
                       : key == "abstol" ? options.abstol
                       : key == "vntol"  ? options.vntol
                       : key == "chgtol" ? options.chgtol
                                         : options.trtol;
  return fmt::format("{}", value);
}

std::string default_text(const KeyFacts& facts, const KeyDescription& key) {
  if (key.otherwise.find("{}") != std::string_view::npos) {
    return fmt::format(fmt::runtime(key.otherwise), engine_default(key.key));
  }
  if (!key.otherwise.empty()) return std::string(key.otherwise);
  if (facts.required) return "needed";
  std::string text;
  for (const std::string& value : facts.defaults) {
    if (!value.empty()) text += (text.empty() ? "`" : " or `") + value + "`";
  }
  return text.empty() ? "–" : text;
}

}  // namespace

std::span<const KeyDescription> key_descriptions() { return descriptions; }

KeyLog keys_read() {
  KeyLog log;
  for (const auto& [name, text] : key_examples()) parse_study(text, std::filesystem::path(".") / name, &log);
  return log;
}

std::string key_reference() {
  const KeyLog log = keys_read();
  std::string page =
      "# Keys of a study\n\n"
      "Written by `flare keys` from the code that reads them. *Needed*: there is no default; of keys that "
      "belong to one kind of their table, where it is that kind. A `*` stands for names of your own.\n";
  std::string_view table = "none";
  for (const KeyDescription& key : descriptions) {
    if (key.table != table) {
      table = key.table;
      page +=
          fmt::format("\n## {}\n\n| key | takes | default | meaning |\n|---|---|---|---|\n", heading(table));
    }
    const KeyFacts& facts = log.at({std::string(key.table), std::string(key.key)});
    page += fmt::format("| `{}` | {} | {} | {} |\n", key.key, values_text(facts), default_text(facts, key),
                        key.meaning);
  }
  return page;
}

}  // namespace flare::studies
