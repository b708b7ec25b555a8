#include "studies/study/key_examples.hpp"

#include <fmt/format.h>

#include <string_view>

namespace flare::studies {

namespace {

// Each example is a study that a reader accepts; "." stands for any file. A branch of a reader that no example reaches
// has keys that the test does not find here.
constexpr std::string_view column_example = R"toml(
target = "99 % of macros"
cost = { architecture = ".", model = ".", dataset = "." }
[macro]
columns = 128
spare_columns = 2
rows = 256
reads = 1e9
patterns = 1e4
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
calibration = "."
tokenizer = "."
metric = "top1"
interpolation = "bicubic"
modes = ["read"]
converters = ["flash", "sar"]
weight_arrays = "none"
allowed_drop = 0.01
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
swing = "42 %"
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
[technology]
kit = "cmos28"
parameters = { mm_switch = 1 }
[column]
sawl = [8]
[[variation]]
parameter = "vth"
pelgrom = "1.3 mV um"
[corners]
process = ["tt"]
supply = ["0.9 V"]
temperature = ["27 degC"]
[[converter]]
name = "flash"
)toml";

constexpr std::string_view adc_example = R"toml(
[technology]
kit = "cmos28"
[adc]
thresholds = 8
[[variation]]
parameter = "vth"
pelgrom = "1.3 mV um"
[corners]
process = ["tt"]
supply = ["0.9 V"]
temperature = ["27 degC"]
[[converter]]
name = "flash"
circuit = "flash"
)toml";

constexpr std::string_view gain_cell_example = R"toml(
[technology]
kit = "cmos28"
[gain_cell]
retention = ["0.8 ms", "5 ms"]
[[variation]]
parameter = "vth"
pelgrom = "1.3 mV um"
[corners]
process = ["tt"]
supply = ["0.9 V"]
temperature = ["27 degC"]
)toml";

constexpr std::string_view specs_example = R"toml(
target = "99 % of macros"
[macro]
columns = 128
[circuit]
netlist = "."
analysis = "operating_point"
[[measure]]
name = "offset"
kind = "search"
vector = "v(out)"
level = "0.45 V"
source = "vin"
from = "-50 mV"
to = "50 mV"
resolution = "0.1 mV"
[[measure]]
name = "out"
vector = "v(out)"
[[spec]]
name = "centred"
measure = "offset"
min = "-20 mV"
max = "20 mV"
unmeasured = "fails"
[[spec]]
measure = "out"
limit = "?"
side = "min"
[[sweep]]
key = "macro.columns"
values = [64, 128]
[[sweep]]
key = "technology.parameters.wn"
from = "200 nm"
to = "400 nm"
points = 3
spacing = "log"
)toml";

constexpr std::string_view noise_example = R"toml(
[circuit]
netlist = "."
analysis = "noise"
output = "v(out)"
input = "vin"
start = "1 Hz"
stop = "1 GHz"
[[measure]]
name = "n"
kind = "integrated_noise"
vector = "onoise"
[failing]
above = "1 mV"
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

}  // namespace

std::vector<std::pair<std::string, std::string>> key_examples() {
  return {
      {"column", std::string(column_example)},
      {"clamp", std::string(clamp_example)},
      {"kit", std::string(kit_example)},
      {"adc", std::string(adc_example)},
      {"gain_cell", std::string(gain_cell_example)},
      {"transient", std::string(transient_example)},
      {"specs", std::string(specs_example)},
      {"noise", std::string(noise_example)},
      {"dc", sweep_example("analysis = \"dc\"\nsweep = \"vin\"\nstart = \"0 V\"\nstop = \"1 V\"")},
      {"ac", sweep_example("analysis = \"ac\"\nstart = \"1 Hz\"\nstop = \"1 GHz\"")},
  };
}

}  // namespace flare::studies
