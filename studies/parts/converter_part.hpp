// A converter's circuit as data: a comparator by itself, one per threshold (flash), or one with a capacitor array (SAR). What
// is measured of one: studies/converter; what a column converts with: analysis/converters.
#pragma once

#include <optional>
#include <string>

#include "studies/parts/part.hpp"
#include "studies/parts/part_folder.hpp"

namespace flare::studies {

enum class ConverterCircuit { comparator, flash, sar };
std::string to_string(ConverterCircuit circuit);

/// Where a flash takes its references from.
struct ReferenceCircuit {
  bool ladder = false;    // else one held reference per threshold
  Call call;              // roles: source, reference, sample; of a ladder upper, lower
  Parameters parameters;  // of the call: the capacitance that holds, F, or the resistance of a step, Ohm
  double sigma = 0.0;     // of one resistor, a part of its value; ladder only
};

/// An offset trim that moves a comparator's threshold, set once per die: `bits` of codes evenly over -range ... +range.
struct Trim {
  int bits = 0;
  double range = 0.0;  // V, to either side
  double area = 0.0;   // m^2, of one comparator's trim

  /// Distance of two codes, V.
  double lsb() const;
  /// What the nearest code leaves of an offset, V; beyond the range what is too much.
  double residual(double offset) const;
};
/// "trim of 6 bits over +-64 mV (LSB 2.03 mV), 0.46 um2 each".
std::string to_string(const Trim& trim);

/// The array of a SAR: 2^bits - 1 units that the bits switch, and one more.
struct CapacitorArray {
  Call sample;         // roles: input, top, sample
  Call bit;            // roles: top, hold, decision, trial, latch, supply
  Call rest;           // roles: top, supply
  std::string weight;  // parameter of `bit`: number of units
  Parameters unit;     // parameter of `bit` and `rest`: capacitance of a unit, F
  int bits = 0;
  double sigma = 0.0;  // of one unit, a part of its value

  double unit_capacitance() const { return unit.begin()->second; }
  int units() const { return 1 << bits; }
};

struct ConverterPart : Part {
  ConverterCircuit circuit = ConverterCircuit::comparator;
  Call comparator;  // roles: input, reference, clock, output, output_bar, supply, ground
  std::optional<ReferenceCircuit> reference;  // flash
  std::optional<CapacitorArray> array;        // sar
  std::optional<Trim> trim;

  /// How many codes it can give; 0: as many as thresholds are asked of it, and one.
  int codes() const { return array ? array->units() : 0; }
};

/// Reads the manifest of a converter. Throws StudyError with file, line and remedy.
ConverterPart read_converter_part(const PartPlace& place);

/// The project's own converter of a name. Throws StudyError, listing the names there are.
ConverterPart shipped_converter(const std::string& name);

}  // namespace flare::studies
