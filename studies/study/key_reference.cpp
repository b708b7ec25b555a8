#include "studies/study/key_reference.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "studies/study/key_examples.hpp"
#include "studies/study/study.hpp"

namespace flare::studies {

namespace {

// Each example is a study that a reader accepts; "." stands for any file. A branch of a reader that no example reaches
// has keys that the test does not find here.
constexpr std::string_view column_example = R"toml(
cost = { architecture = ".", model = ".", dataset = "." }
[technology]
cards = "."
[column]
sawl = [8]
timing = "replica"
timing_rows = 32
converters = ["flash"]
[column.sizes]
wa = "300 nm"
[column.precharge]
w = "2 um"
[[variation]]
parameter = "vth"
pelgrom = "1.3 mV um"
[[variation]]
parameter = "beta"
law = "lognormal"
sigma = "3 %"
cells = ["sram8t"]
[map]
[[die]]
temperature = true
sigma = "10 K"
[corners]
process = ["tt"]
supply = ["0.9 V"]
temperature = ["27 degC"]
nominal = "tt 0.9 V 27 degC"
full = 2
[[converter]]
name = "flash"
offset_sigma = "0.03 step"
references = "replica"
average = 4
[[converter]]
name = "sar"
kind = "enob"
enob = 5
offset_sigma = "1 mV"
[[converter]]
name = "measured"
kind = "measured"
measured = "."
[accuracy]
model = "."
dataset = "."
modes = ["read"]
[simulator]
method = "gear"
reltol = 1e-4
abstol = 1e-12
vntol = 1e-6
chgtol = 1e-17
trtol = 5.0
)toml";

constexpr std::string_view clamp_example = R"toml(
[technology]
cards = "."
[column]
cell = "mram_1t"
sawl = [8]
[column.clamp]
ci = "120 fF"
[corners]
process = ["tt"]
supply = ["0.9 V"]
temperature = ["27 degC"]
nominal = "tt 0.9 V 27 degC"
[[variation]]
parameter = "vth"
pelgrom = "1.3 mV um"
[[converter]]
name = "flash"
offset_sigma = "0.03 step"
)toml";
constexpr std::string_view kit_example = R"toml(
corners = { process = ["tt"], supply = ["0.9 V"], temperature = ["27 degC"] }
[technology]
kit = "cmos28"
parameters = { mm_switch = 1 }
[column]
sawl = [8]
[[variation]]
parameter = "vth"
pelgrom = "1.3 mV um"
[[converter]]
name = "flash"
)toml";

constexpr std::string_view adc_example = R"toml(
corners = { process = ["tt"], supply = ["0.9 V"], temperature = ["27 degC"] }
[technology]
kit = "cmos28"
[adc]
thresholds = 8
[[variation]]
parameter = "vth"
pelgrom = "1.3 mV um"
[[converter]]
name = "flash"
circuit = "flash"
)toml";

constexpr std::string_view transient_example = R"toml(
[circuit]
netlist = "."
stop = "1 ns"
uic = true
supply_parameter = "vdd"
[[measure]]
name = "delay"
kind = "crossing"
vector = "v(out)"
minus = "v(in)"
level = "0.5 V"
from = "0.1 ns"
to = "0.9 ns"
unmeasured = "fails"
[[measure]]
name = "ring"
kind = "period"
vector = "v(out)"
level = "0.5 V"
[[measure]]
name = "input"
vector = "v(in)"
when = "v(out)"
level = "0.5 V"
[[measure]]
name = "last"
vector = "@m1[gm]"
vector_unit = "A/V"
at = "1 ns"
[[measure]]
name = "twice"
expression = "2 * delay"
unit = "s"
[failing]
measure = "delay"
below = "0.2 ns"
above = "0.5 ns"
unmeasured = "passes"
[[variation]]
model = "nfet"
parameter = "vth0"
sigma = "10 mV"
[[variation]]
param = "rload"
sigma = "3 %"
median = 1.0
[[variation]]
parameter = "r"
devices = "r1"
sigma = "1 %"
[[die]]
source = "vdd"
sigma = "10 mV"
[corners]
[corners.sources]
vbias = ["0.4 V", "0.5 V"]
[corners.parameters]
cload = ["1e-15"]
[corners.sections]
"mos.lib" = ["tt"]
[[corners.named]]
name = "hot"
process = "ff"
supply = "1 V"
temperature = "125 degC"
[corners.named.sources]
vbias = "0.4 V"
[corners.named.parameters]
cload = 2e-15
[corners.named.sections]
"mos.lib" = "ff"
)toml";

/// Analyses over a sweep: what stands in [circuit] besides the netlist, and a level in the unit of the sweep's output.
std::string sweep_example(std::string_view circuit) {
  return fmt::format(R"toml(
[circuit]
netlist = "."
supply_source = "vdd"
fixed_sources = "vref"
{}
[[measure]]
name = "m"
kind = "crossing"
vector = "v(out)"
level = "0.5 V"
[failing]
above = "0.5 {}"
[[die]]
source = "vdd"
sigma = "1 %"
)toml",
                     circuit, circuit.find("Hz") != std::string_view::npos ? "Hz" : "V");
}

constexpr std::array descriptions = std::to_array<KeyDescription>({
    {"", "title", "what the result and the report are called", "the file's name"},
    {"", "seed", "all random numbers follow from it"},
    {"", "commands", "what becomes of a netlist's `.control` blocks", "`\"refuse\"`"},
    {"", "allow_commands", "older way to write `commands = \"run\"`, for netlists that you trust"},
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
     "the pulse is found at each corner, as an ideal replica does, at the nominal one, or by a replica with "
     "its "
     "own mismatch"},
    {"column", "timing_rows", "rows of the replica that closes the word line, of `timing = \"replica\"`"},
    {"column", "converters", "of `[[columns]]`, several in one study: which read this one", "all"},
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
    {"gain_cell", "cell",
     "a name of `netlists/cells` that is read by pulses, or the path of a folder with such a `cell.toml`; "
     "behind it "
     "may stand a variant"},
    {"gain_cell", "converter", "of the charge of a column to a pulse, as `cell`"},
    {"gain_cell", "levels", "of the stored voltage, evenly from 0 to the supply"},
    {"gain_cell", "read_pulse", "the longest"},
    {"gain_cell", "write_pulse", "width of the write gate's"},
    {"gain_cell", "integration", "capacitance that integrates the currents of a column"},
    {"gain_cell", "full_scale", "current whose charge over the longest read makes the longest pulse"},
    {"gain_cell", "retention", "times after a write at which the levels are looked at",
     "`[\"0.8 ms\", \"5 ms\"]`"},
    {"gain_cell", "park", "voltage of the write bitline between writes"},
    {"measure[]", "name", "by which `[failing]` and expressions know it"},
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
    {"measure[]", "unmeasured", "what a run is in which the measure has no value", "the study stops there"},
    {"failing", "measure", "name of a measure or an expression", "the first measure"},
    {"failing", "below",
     "a sample fails below it, in the unit of the measure; with `above`, outside of the window"},
    {"failing", "above", "a sample fails above it"},
    {"failing", "unmeasured", "what a run is in which the measure has no value", "as the measure says"},
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
    {"variation[]", "cells", "of `[[columns]]`: cells whose columns it moves", "all"},
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
    {"converter[]", "references",
     "`tracking`: ideal ones that follow the corner; `fixed`: those of the nominal one; or replica columns: "
     "a name "
     "of `netlists/references`, or the path of a folder with a `reference.toml`"},
    {"converter[]", "average", "replicas of each of the two levels beside a threshold"},
    {"converter[]", "tails", "by rare-event simulation, or of the fitted law (`extrapolated`)"},
    {"map", "claim", "what is claimed elsewhere, shown beside the map of all cells, SAWLs and converters"},
    {"estimator", "method", "of the failure probabilities"},
    {"estimator", "accuracy", "half-width of the 95 % interval that is aimed at; above 0"},
    {"estimator", "budget",
     "runs at most, for all levels and converters of one SAWL at one corner, or for one margin"},
    {"estimator", "runs", "plain samples of every level, or of the margin; dies of a converter"},
    {"estimator", "design", "of the plain samples"},
    {"accuracy", "model", "folder of a model, as `data/models/digits_vit`"},
    {"accuracy", "dataset", "its examples"},
    {"accuracy", "converter", "whose error models are applied", "the first"},
    {"accuracy", "converters", "instead of `converter`: several of them"},
    {"accuracy", "weight_arrays",
     "how the arrays of weights err, as `flare accuracy --weight-arrays` says it; FILE is found beside the "
     "study",
     "as at each SAWL"},
    {"accuracy", "dynamic_arrays", "the same of the arrays of keys and values", "as at each SAWL"},
    {"accuracy", "allowed_drop", "of the metric against floating point, for the pick and the yield"},
    {"accuracy", "modes", "errors drawn afresh in every read (`read`), or frozen on a die (`die`)",
     "`[\"read\"]`"},
    {"accuracy", "quantizer", "arithmetic of attention; `flare accuracy --help` lists them"},
    {"accuracy", "repeats", "draws or dies"},
    {"accuracy", "examples", "of the test split; 0: all"},
    {"cost", "architecture", "file of an architecture, as `studies/cost/flare.toml`"},
    {"cost", "model", "folder of a model, as `data/models/digits_vit`"},
    {"cost", "dataset", "what its reads are counted on"},
    {"cost", "examples", "counted, of the test split; 0: all"},
    {"simulator", "method", "of integration", "the netlist's, else `{}`"},
    {"simulator", "reltol", "relative tolerance", "the netlist's, else `{}`"},
    {"simulator", "abstol", "of currents, in A", "the netlist's, else `{}`"},
    {"simulator", "vntol", "of voltages, in V", "the netlist's, else `{}`"},
    {"simulator", "chgtol", "of charges, in C", "the netlist's, else `{}`"},
    {"simulator", "trtol", "factor of the truncation error", "the netlist's, else `{}`"},
    {"simulator", "compatibility", "ngspice's compatibility mode, e.g. `\"hsa\"`"},
    {"simulator", "run_time_limit", "processor time after which a run counts as timed out; at least 1 ms"},
});

}  // namespace

std::span<const KeyDescription> key_descriptions() { return descriptions; }

KeyLog keys_read() {
  KeyLog log;
  for (const auto& [name, text] : key_examples()) parse_study(text, std::filesystem::path(".") / name, &log);
  return log;
}

}  // namespace flare::studies
