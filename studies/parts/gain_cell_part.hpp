// A gain cell and the converter that makes a pulse of its column's charge, as data. What is measured of them: studies/gain_cell.
#pragma once

#include <string>
#include <vector>

#include "studies/parts/part.hpp"
#include "studies/parts/part_folder.hpp"

namespace flare::studies {

/// Levels of a read line in parts of the supply.
struct ReadLine {
  double idle = 0.0;
  double active = 1.0;
};

struct GainCell : Part {
  Call call;            // roles: write_bitline, write, write_bar, read, read_bar, bitline, supply, ground
  std::string storage;  // node within the cell
  ReadLine read;
  ReadLine read_bar;
};

/// One form of the converter.
struct PulseCircuit {
  Call call;
  std::vector<std::string> balance;  // nodes within that start at half the supply

  bool with_sign() const { return call.has_port("sign"); }
};

struct PulseConverter : Part {
  PulseCircuit rectifier;  // roles: bitline, enable_bar, zero, zero_bar, reference, pulse, supply, ground
  PulseCircuit with_sign;  // also reference_down and sign
};

/// Read the manifests. Throw StudyError with file, line and remedy.
GainCell read_gain_cell_part(const PartPlace& place);
PulseConverter read_pulse_converter(const PartPlace& place);

/// Whether a manifest is of these kinds: of a cell one that is read by pulses, of a converter one of charges to pulses.
bool is_gain_cell(const std::filesystem::path& manifest);
bool is_pulse_converter(const std::filesystem::path& manifest);

}  // namespace flare::studies
