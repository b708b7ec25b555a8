// The defaults of the cost model: 28 nm, 0.9 V, nominal corner. Sources are written out in data/cost/README.md under their
// short names: [ZZ], [NS], [DI], [HC], [HO], [MR], [U].
#include "flare_arch/cost/parameter.hpp"

namespace flare::arch {
namespace {

constexpr double f = 1e-15, p = 1e-12, n = 1e-9, um2 = 1e-12;
constexpr ParameterKind spice = ParameterKind::spice, cited = ParameterKind::cited,
                        derived = ParameterKind::derived, assumed = ParameterKind::assumed;

// clang-format off
std::vector<Parameter> array_parameters() {
  return {
      {"sram_bitline",         3.3 * f,   2.3 * f,   3.6 * f, "J", spice,   "shipped 8T column, SAWL 8, k = 8: 26.4 fJ over 8 on-cells; low: smallest transistors, 18.2 fJ; high: 0.99 V"},
      {"sram_read_base",       0.3 * f,   0.0,       1.0 * f, "J", assumed, "a read without on-cells: leakage and precharge; a part of one on-cell's"},
      {"sram_wordline",        0.85 * f,  0.4 * f,   1.1 * f, "J", spice,   "shipped 8T column: 6.8 fJ a column for 8 rows; low: smallest transistors"},
      {"mram_read",            8.3 * f,   6.0 * f,   75.0 * f,"J", spice,   "a driven row of the shipped 1T-1MTJ column, SAWL 8: 66 fJ over 8 rows, without its clamp's amplifier; high: 0.1 V on 6 kOhm from 0.9 V for 5 ns"},
      {"mram_wordline",        0.75 * f,  0.4 * f,   1.0 * f, "J", derived, "as sram_wordline, by width of the access transistor: 400 to 450 nm"},
      {"sram_write",           59.0 * f,  30.0 * f,  120.0 * f,"J", derived, "a bit: C_BL V^2 with 73 fF, 0.9 V"},
      {"mram_write",           5.0 * p,   1.0 * p,   25.0 * p,"J", cited,   "a bit [MR]"},
      {"mram_write_time",      20.0 * n,  10.0 * n,  50.0 * n,"s", cited,   "a row [MR]"},
      {"cell_ones",            0.5,       0.35,      0.6,     "1", assumed, "share of stored ones where no data were counted: two's complement around zero"},
  };
}

std::vector<Parameter> converter_parameters() {
  return {
      {"comparator_energy",    7.7 * f,   6.0 * f,   9.5 * f, "J", spice,   "a decision of strongarm_a at 0.7 V, supply and clock (netlists/README.md)"},
      {"comparator_offset",    6.8e-3,    6.8e-3,    6.8e-3,  "V", spice,   "sigma of its offset at 0.7 V; falls with the root of its area"},
      {"comparator_time",      24.0 * p,  20.0 * p,  60.0 * p,"s", spice,   "a decision; high: slow and cold"},
      {"comparator_area",      0.357 * um2,0.357 * um2,0.357 * um2,"m^2", spice, "gates of strongarm_a"},
      {"reference",            1.0 * f,   0.0,       3.0 * f, "J", assumed, "a comparator's share of references or ladder, a conversion"},
      {"trim_area",            0.46 * um2,0.46 * um2,0.46 * um2,"m^2", spice, "gates of a comparator's 6 bit trim (netlists/converters/flash)"},
      {"gate_layout",          4.0,       2.5,       8.0,     "1", assumed, "layout area over gate area of small analog parts"},
      {"sar_logic",            5.0 * f,   2.0 * f,   10.0 * f,"J", derived, "a bit of a SAR: two flip-flops and a switch driver [ZZ]"},
      {"sar_unit",             1.0 * f,   0.5 * f,   2.0 * f, "F", spice,   "unit capacitor (netlists/converters/sar)"},
      {"zigzag_energy",        1.0,       1.0,       1.0,     "1", cited,   "factor on (100 b + 0.001 4^b) fF V^2 [ZZ]"},
      {"zigzag_area",          1.0,       0.5,       2.0,     "1", cited,   "factor on 10^(1.206 - 0.0369 b) 2^b um^2 [ZZ]"},
      {"survey_energy",        1.6 * p,   0.8 * p,   3.2 * p, "J", assumed, "a conversion up to 6.5 bits on the envelope of published stand-alone converters; four times as much a bit above"},
      {"code_to_sum",          28.0 * f,  19.0 * f,  56.0 * f,"J", derived, "11 bits of adder and register, 3.4 and 1.7 fJ a bit toggling [ZZ]; activity 1/2 (1/3 to all)"},
      {"code_to_sum_area",     93.5 * um2,60.0 * um2,120.0 * um2,"m^2", derived, "the same: 4.8 and 3.7 um^2 a bit [ZZ]"},
  };
}

std::vector<Parameter> clock_parameters() {
  return {
      {"paper_cycle",          10.0 * n,  1.0 * n,   10.0 * n,"s", cited,   "the paper's 10 ns; low: the 1 ns that its 0.5 ms would need"},
      {"wordline_time",        0.10 * n,  0.05 * n,  0.3 * n, "s", assumed, "rise of a word line of some thousand columns"},
      {"sram_pulse",           0.30 * n,  0.15 * n,  0.6 * n, "s", spice,   "word-line pulse of the shipped column for 0.4 V; high: slow corner"},
      {"mram_pulse",           1.0 * n,   0.6 * n,   5.0 * n, "s", spice,   "shipped clamp column: 0.3 ns to settle and the integration; high: 5 ns of published designs"},
      {"restore_time",         0.30 * n,  0.15 * n,  0.6 * n, "s", assumed, "precharge; as long as the pulse"},
      {"margin_time",          0.10 * n,  0.0,       0.5 * n, "s", assumed, "skew and setup of a cycle"},
  };
}

std::vector<Parameter> digital_parameters() {
  return {
      {"controller_row",       3.9 * f,   2.9 * f,   4.9 * f, "J", derived, "BitSift, a word line and read: 3 to 5 pJ a read at 1024 rows, gate counts [ZZ]"},
      {"controller_area",      12.0 * um2,8.0 * um2, 20.0 * um2,"m^2", derived, "BitSift, a word line: a register bit, a mask and its share of the counters [ZZ]"},
      {"quantiser",            30.0 * f,  15.0 * f,  60.0 * f,"J", cited,   "a value: an int8 add; shift and round [HO] (45 nm)"},
      {"quantiser_area",       2000.0 * um2, 500.0 * um2, 8000.0 * um2, "m^2", assumed, "a head's eMSB-Q"},
      {"softmax",              290.0 * f, 150.0 * f, 600.0 * f,"J", cited,   "a value: an int8 multiplication and three additions [HO] (45 nm)"},
      {"softmax_area",         5000.0 * um2, 2000.0 * um2, 20000.0 * um2, "m^2", assumed, "a head's VDR-Softmax with its 100 byte table"},
      {"fp32_add",             0.9 * p,   0.4 * p,   1.2 * p, "J", cited,   "[HO] (45 nm); low: scaled to 28 nm"},
      {"fp32_multiply",        3.7 * p,   1.5 * p,   4.5 * p, "J", cited,   "[HO] (45 nm); low: scaled to 28 nm"},
      {"fp32_time",            1.0 * n,   0.5 * n,   2.0 * n, "s", assumed, "an operation of one pipelined floating-point lane"},
      {"fp32_area",            11900.0 * um2, 5000.0 * um2, 14000.0 * um2, "m^2", cited, "a lane: adder 4184 and multiplier 7700 um^2 [HO] (45 nm); low: scaled to 28 nm"},
      {"cell_leakage",         20e-12,    5e-12,     100e-12, "W", assumed, "an SRAM cell at 27 degC; an MRAM cell has none"},
      {"converter_leakage",    10e-9,     2e-9,      50e-9,   "W", assumed, "a column's converter and sums at 27 degC"},
  };
}

std::vector<Parameter> memory_parameters() {
  return {
      {"buffer_read",          0.033 * p, 0.02 * p,  0.1 * p, "J", cited,   "a bit [DI]"},
      {"buffer_write",         0.05 * p,  0.03 * p,  0.15 * p,"J", cited,   "a bit [DI]"},
      {"dram",                 8.0 * p,   4.0 * p,   20.0 * p,"J", cited,   "a bit, LPDDR4 [HC]; HBM2 6.25"},
      {"dram_bit_time",        4.9 * p,   0.41 * p,  9.8 * p, "s", assumed, "a bit at 25.6 GB/s (307 to 12.8)"},
      {"sram_cell_area",       0.925 * um2, 0.424 * um2, 1.2 * um2, "m^2", derived, "6T of 160 F^2 [NS] and four times the shipped cell's read gates; low: 8T [NS]"},
      {"mram_cell_area",       0.05 * um2, 0.042 * um2, 0.10 * um2, "m^2", derived, "a third of an SRAM cell (the paper, section 4.1): 0.042; high: published 28 nm macros"},
      {"cell_overhead",        1.43,      1.25,      2.0,     "1", assumed, "array area over its cells: efficiency 0.7"},
      {"buffer_area",          0.18 * um2, 0.16 * um2, 0.30 * um2, "m^2", derived, "a bit: 6T over 0.7"},
  };
}

std::vector<Parameter> density_parameters() {
  return {
      {"input_ones",           0.5,       0.35,      0.6,     "1", assumed, "share of ones in what the projections are fed, where no data were counted"},
      {"query_ones",           0.5,       0.35,      0.6,     "1", assumed, "the same, of the queries"},
      {"score_ones",           0.25,      0.1,       0.4,     "1", assumed, "the same, of the softmax's outputs"},
      {"output_ones",          0.5,       0.35,      0.6,     "1", assumed, "the same, of the weighted sums"},
      {"hidden_ones",          0.5,       0.25,      0.6,     "1", assumed, "the same, of the feed-forward part's activations"},
  };
}
// clang-format on

}  // namespace

ParameterSet default_parameters() {
  std::vector<Parameter> all;
  for (const auto& part : {array_parameters(), converter_parameters(), clock_parameters(),
                           digital_parameters(), memory_parameters(), density_parameters()})
    all.insert(all.end(), part.begin(), part.end());
  return ParameterSet(std::move(all));
}

}  // namespace flare::arch
