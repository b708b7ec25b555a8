// A memory cell as data: which subcircuits of its netlist are the read port, the rows at rest and the precharge, what
// their ports are, what sizes them and what varies. netlists/README.md shows a manifest, line by line.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "studies/parts/part.hpp"
#include "studies/parts/part_folder.hpp"

namespace flare::studies {

/// A node whose voltage at the start of a read stores the cell's bit.
struct StateNode {
  std::string node;  // within the cell
  bool inverted = false;
};

/// A row that is read. Where no port holds the stored bit, parameters or voltages at the start do.
struct CellRow {
  Call call;
  Parameters one;  // of a row that stores 1
  Parameters zero;
  std::vector<StateNode> state;
};

/// Rows whose word line is low, as one device of their number.
struct IdleRows {
  Call call;
  Parameters parameters;  // besides the sizes
  std::vector<StateNode> state;
};

struct Cell : Part {
  CellRow active;
  std::optional<CellRow> whole;  // the cell with all its transistors, where `active` is its read port alone
  IdleRows idle_one;
  IdleRows idle_zero;
  Call precharge;
  Parameters precharge_sizes;

  /// F: what the devices of a row add to the bitline. Only for the window of the run that times a read.
  double row_capacitance() const;
  /// s: in how long `sawl` rows that store 1 discharge `capacitance` (F) by `swing` (V), a few times too long at the
  /// slowest corner. Only for that window.
  double read_time(double capacitance, double swing, int sawl) const;

  std::string row_capacitance_formula;  // in the sizes
  std::string read_time_formula;        // in the sizes, capacitance, swing, sawl
};

/// Reads the manifest of a cell. Throws StudyError with file, line and remedy.
Cell read_cell(const PartPlace& place);

/// The project's own cell of a name. Throws StudyError, listing the names there are.
Cell shipped_cell(const std::string& name);

}  // namespace flare::studies
