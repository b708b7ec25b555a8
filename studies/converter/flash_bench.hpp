// A whole flash converter on a bitline: all comparators, their references, one clock.
//
// The bitline is a capacitor that a switch lets go before the clock rises; so are references that are held. What a comparator
// puts on its inputs while it decides moves bitline and references, its neighbours' as well: the balance point of a
// comparator, told by the bitline's level before the clock, is its reference and the kick.
#pragma once

#include <vector>

#include "studies/converter/comparator_bench.hpp"

namespace flare::studies {

struct FlashBench {
  ConverterPart part;  // a flash
  ConverterDrive drive;
  std::vector<double> references;    // V, of each threshold in order
  double bitline_capacitance = 0.0;  // F, without the comparators
  bool stiff = false;                // ideal sources as references, to compare with
};

/// The circuit, without analysis. `clock_end` as of comparator_netlist; `more`: lines appended.
std::string flash_netlist(const FlashBench& bench, double clock_end = 0.0, const std::string& more = "");

/// Measures "d" of comparator `k` (from 0) at `time`. Coordinate 0: the bitline's level before the clock, from its reference.
engine::Testbench flash_testbench(const FlashBench& bench, std::size_t k, double time);

/// A whole cycle with the bitline at `level`, at whose end bitline and references are sampled again. Measures "supply" and
/// "clock" as energy_testbench, then "reference1" ..., J that each source of references gave.
engine::Testbench flash_energy_testbench(const FlashBench& bench, double level, double clock_end);

/// With the clock low: "charge", C that the inputs take while the bitline falls from the first to the last reference.
engine::Testbench flash_load_testbench(const FlashBench& bench);

/// sigma of each tap of a ladder, V: step sigma sqrt(k (n - k)/n) for tap k of n resistors, with n + 1 taps.
std::vector<double> ladder_spread(const ConverterPart& part, const std::vector<double>& references);

}  // namespace flare::studies
