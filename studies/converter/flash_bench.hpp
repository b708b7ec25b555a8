// A whole flash converter on a bitline: all comparators, their references, one clock.
//
// The bitline is a wire with a capacitor at its middle that falls from the supply to its level, as a read makes it, and is let
// go before the clock rises; so are references that are held. What a comparator puts on its inputs while it decides moves
// bitline and references, its neighbours' as well: the balance point of a comparator, told by the bitline's level before the
// clock, is its reference and the kick. The fall matters: a comparator keeps the high level on the source of its pair, where
// no current leaves while the clock is low, and what it kicks begins there (4 mV of balance, 4 % of the offset's sigma).
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
  double bitline_resistance =
      180.0;  // Ohm, of the wire of 120 rows; half of it is between comparators and capacitor
};

/// How much later the clock rises than in a comparator's own bench, s: the bitline falls before.
inline constexpr double flash_lead = 120e-12;

/// A reference that is held on its own capacitor while `smp` is low: its source vsrc`k`, from which it is sampled, and node ref`k`.
std::string held_reference(const ReferenceCircuit& reference, std::size_t k, double volts);

/// The circuit, without analysis. `clock_end` as of comparator_netlist, on its axis of time; `more`: lines appended.
std::string flash_netlist(const FlashBench& bench, double clock_end = 0.0, const std::string& more = "");

/// Measures "d" of comparator `k` (from 0) at `time` of a comparator's own bench. Coordinate 0: the bitline's level before the clock, from its reference.
engine::Testbench flash_testbench(const FlashBench& bench, std::size_t k, double time);

/// A whole cycle with the bitline at `level`, at whose end bitline and references are sampled again. Measures "supply" and
/// "clock" as energy_testbench, then "reference1" ..., J that each source of references gave.
engine::Testbench flash_energy_testbench(const FlashBench& bench, double level, double clock_end);

/// With the clock low: "charge", C that the inputs take while the bitline falls from the first to the last reference.
engine::Testbench flash_load_testbench(const FlashBench& bench);

/// sigma of each tap of a ladder, V: step sigma sqrt(k (n - k)/n) for tap k of n resistors, with n + 1 taps.
std::vector<double> ladder_spread(const ConverterPart& part, const std::vector<double>& references);

}  // namespace flare::studies
