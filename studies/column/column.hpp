// The bitline column of a compute-in-memory array, as a netlist: a topology, made of whatever cell a manifest describes
// (studies/parts/cell.hpp), which is read in one of two ways.
//
// Discharge: the bitline is precharged and rows that store 1 discharge it.
//
// Bitline, from the sense end: sense node `rbl` with the precharge transistor and the converter's input
// capacitance, the wire past the unselected rows on this side, the active rows one after the other, the wire
// past the remaining rows:
//
//   rbl --R/2-- bnear --R/2-- b0 --r-- b1 --r-- ... b(n-1) --R'/2-- bfar
//    |            |           |        |               |              |
//   xpre       xnear1,0       x0       x1     ...    x(n-1)        xfar1,0
//   csense
//
// A read: at t = 0 the circuit is at its operating point, bitline precharged; the precharge is switched off,
// the word line `rwl` rises, every active row that stores 1 draws its current, the word line falls again, and
// once the wire has settled v(rbl) is the level. A pulsed word line makes the level a charge, which depends
// neither on when the converter looks nor on where on the bitline the active rows sit (the voltage of a
// bitline still falling depends on both).
//
// Clamp: a clamp `xclamp` stands between `rbl` and the node `sense`, which has a capacitor (in the clamp) and the
// converter's input. At t = 0 `sense` is precharged; the word line and the clamp's enable `en` rise, the clamp holds the
// bitline at the voltage of `read`, its current settles while the precharge still supplies it (`develop`), the precharge
// is switched off, the capacitor takes the charge until word line and enable fall, and v(sense) is the level.
//
// Rows with a second bitline drive it in the opposite direction. It is built as the first; its names end in `_bar`. The level
// of a differential cell is the difference of the two.
//
// The unselected rows of a side are one device with a multiplicity: what the bitline sees of them is the sum
// of some hundred small leakages and capacitances, whose spread is far below that of one active cell. They
// take no part in mismatch.
//
// Supply, word line and precharge follow the one source `vdd`: altering its value moves all of them.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "engine/simulate/testbench.hpp"
#include "studies/parts/column_setup.hpp"

namespace flare::studies {

enum class RowModel {
  read_port,   // the cell's `active` rows
  whole_cell,  // its `whole`: for checking the above
};

/// What a column is. Lengths in m, times in s, everything SI.
struct ColumnOptions : ColumnSetup {
  std::filesystem::path card;  // absolute, or relative to where the netlist is run
  std::string section = "tt";  // of the card
  RowModel row_model = RowModel::read_port;

  int sawl = 8;              // word lines raised at once, 1...64
  int on_cells = 8;          // k: how many active rows store 1; the first k, unless `stored` says which
  std::vector<bool> stored;  // stored bit of each data row; empty: from on_cells. Else on_cells is ignored
  /// Of the `sawl` rows the last ones, which hold 0 and stand in for rows the input leaves out.
  int dummy_rows = 0;
  bool dummies_on = true;  // false: their word lines stay low, so only sawl - dummy_rows rows are active

  double position = 1.0;         // of the active rows: 0 at the sense end, 1 at the far end
  double unselected_ones = 1.0;  // share of the unselected rows that store 1; 1 is the largest leakage

  double supply = 0.9;            // V
  double temperature = 27.0;      // degC
  double wordline_off = 300e-12;  // the word line begins to fall: what the timing policy sets
  /// Above 0: precharge again after the sense time, for so long, to measure the energy of a read.
  double restore = 0.0;
  double max_step = 0.0;  // of the transient; 0: a twentieth of it

  /// True where the options make sense; else false with the reason.
  bool is_valid(std::string* error) const;
};

/// When the level is read, and where the transient ends: wordline_off + edge + settle. With `restore` the
/// transient goes on for that long, and the energy of the read is supply * integral of -i(vdd) over all of it
/// (bitline, leakage) plus wordline_ratio * supply * integral of -i(brwl) while the word line rises (this
/// column's share of driving it).
double sense_time(const ColumnOptions& options);

/// When a read is under way, s: the word line is up, or the clamp's capacitor is let go. The pulse ends later.
double read_start(const ColumnOptions& options);

/// The node whose voltage is the level, or the first of the two whose difference is.
std::string sense_node(const ColumnOptions& options);

/// Bits of the `sawl` rows, dummies (0) last. Length sawl.
std::vector<bool> stored_bits(const ColumnOptions& options);

/// The rows that are read, as the cell describes them.
const CellRow& active_row(const ColumnOptions& options);

/// The name of a column's one measure.
inline constexpr std::string_view level_measure = "level";

/// The circuit, without analysis. Throws std::invalid_argument for options that are not valid. Same options, same text.
std::string column_netlist(const ColumnOptions& options);

/// The run of a column and its level, for the simulator and as a netlist of its own (engine/simulate/spice_text.hpp);
/// with `restore` also the charges `supply_charge` and `wordline_charge` (C). Numerical options are the engine's.
/// `origin` names the text in errors. Throws engine::DeckError as well.
engine::Testbench column_testbench(const ColumnOptions& options,
                                   const std::filesystem::path& origin = "column",
                                   const engine::DeckOptions& deck_options = {});

/// Elements that mismatch moves, by their path from the top level ("xpre.mp", "x0.ma", "x0.md", ...): all but the
/// lumped rows. What such an element is made of in a kit moves with it.
std::vector<std::string> varying_elements(const ColumnOptions& options);

/// The run that times the column: all rows on (k = sawl, no dummies), the word line kept high for long enough
/// that the sense node falls by `swing`; without a clamp no wire resistance either, so that v(rbl) is the charge drawn.
/// Where the sense node's voltage falls through `level` is when a replica column would close the word line: once at the nominal
/// corner (policy `fixed`) or at each corner (`tracking`).
struct TimingRun {
  ColumnOptions options;  // simulate this up to sense_time(options)
  double level = 0.0;     // V

  /// wordline_off for the design, s: half a falling edge early. What the closing word line still moves, the
  /// channel charge of its cells above all, comes on top, as it would on silicon: the full-scale level falls
  /// by `swing` within 8 % up to SAWL 8 and 15 % at 16 (the shipped cell by more than asked, the smallest one
  /// by less).
  double wordline_off(double crossing) const { return crossing - 0.5 * options.edge; }
};
TimingRun timing_run(const ColumnOptions& options, double swing);

}  // namespace flare::studies
