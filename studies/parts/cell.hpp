// A memory cell as data: which subcircuits of its netlist are the read port, the rows at rest and what holds the bitline
// before a read, what their ports are, what sizes them and what varies. netlists/README.md shows a manifest, line by line.
#pragma once

#include <limits>
#include <map>
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

/// How a read works.
enum class ReadKind {
  discharge,  // rows that store 1 discharge a precharged bitline: its voltage is the level
  clamp,  // a regulated clamp holds the bitline and passes its current on to a capacitor: that one's voltage is
};

/// What stands at the sense end of a bitline: the precharge, or the clamp with its capacitor.
struct ColumnEnd {
  Call call;
  Parameters sizes;
};

/// Open interval in which a size must lie.
struct SizeBounds {
  double above = -std::numeric_limits<double>::infinity();
  double below = std::numeric_limits<double>::infinity();
  std::string place;  // "file:line: key" of the manifest
};

struct Cell : Part {
  ReadKind read = ReadKind::discharge;
  /// The level is the difference of two bitlines, which rows drive in opposite directions.
  bool differential = false;
  CellRow active;
  std::optional<CellRow> whole;  // the cell with all its transistors, where `active` is its read port alone
  IdleRows idle_one;
  IdleRows idle_zero;
  ColumnEnd end;
  std::map<std::string, SizeBounds> bounds;
  double read_voltage = 0.0;          // V, at which a clamp holds the bitline
  double develop = 0.0;               // s, from the rising word line until a clamp's capacitor is let go
  double wire_capacitance = 0.3e-15;  // F per row, and ohm: where a study says nothing else
  double wire_resistance = 1.5;

  /// Rows have a second bitline, the complement of the first.
  bool has_complement() const { return active.call.has_port("bitline_bar"); }

  /// F: what the devices of a row add to the bitline. Only for the window of the run that times a read.
  double row_capacitance() const;
  /// s: in how long `sawl` rows that store 1 discharge `capacitance` (F) by `swing` (V), a few times too long at the
  /// slowest corner. Only for that window.
  double read_time(double capacitance, double swing, int sawl) const;

  std::string row_capacitance_formula;  // in the sizes
  std::string read_time_formula;        // in the sizes (a clamp's too), capacitance, swing, sawl
};

/// The sizes of a cell must lie within what its manifest calls [bounds]. Throws StudyError.
void check_bounds(const Cell& cell);

/// Reads the manifest of a cell. Throws StudyError with file, line and remedy.
Cell read_cell(const PartPlace& place);

/// The project's own cell of a name. Throws StudyError, listing the names there are.
Cell shipped_cell(const std::string& name);

}  // namespace flare::studies
