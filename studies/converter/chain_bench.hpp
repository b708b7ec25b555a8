// Column and converter in one netlist: what a composed model is held to.
//
// A column as a study reads it and a flash of held references on its bitline; the clock rises when the level is sensed. What
// decides is the latch late, when noise of the search is amplified away; but then it stands at a rail for all inputs but those
// within a millivolt. So the margin is told from several looks: while d = v(output) - v(output_bar) is small it is proportional
// to what the input is off the balance, d = gain (x - bias). Far from balance the first look tells x, near it the last:
//     margin = sum over looks of clip(x_i, a_i) - clip(x_i, a_(i+1)),   a_i = 0.4 V/gain_i, a_first = infinity, a_end = 0.
// Its sign is the last look's, unless an earlier one is off by more than its own a.
#pragma once

#include <vector>

#include "studies/column/column.hpp"
#include "studies/converter/flash_bench.hpp"

namespace flare::studies {

struct ChainBench {
  ColumnOptions column;  // without a converter's load: the converter is there
  ConverterPart part;    // a flash with held references
  ConverterDrive drive;
  std::vector<double> sources;  // V, what the references are sampled from, in the order of the thresholds
};

/// When the references are let go, before the clock rises, s.
inline constexpr double references_let_go = 15e-12;

/// The circuit, without analysis. Throws std::invalid_argument for a converter without held references, or a column whose level is
/// no bitline's.
std::string chain_netlist(const ChainBench& bench);

/// Measures: "level", V on the bitline when the clock rises; then "look1" ..., d of comparator `k` (from 0) at `looks` (s after the
/// clock began to rise). Coordinate 0: fC put on the bitline after the word line has fallen.
engine::Testbench chain_testbench(const ChainBench& bench, std::size_t k, const std::vector<double>& looks);

/// Elements that mismatch moves: the column's, and those of comparator `k`.
std::vector<std::string> chain_elements(const ChainBench& bench, std::size_t k);

/// What the looks say near balance.
struct ChainLooks {
  std::vector<double> gains;   // V/V, of each look
  std::vector<double> biases;  // V: where a look has its zero, from the last one's

  /// V; below 0 the comparator says that the bitline stands above its threshold. `d`: V at each look.
  double margin(const std::vector<double>& d) const;
};

}  // namespace flare::studies
