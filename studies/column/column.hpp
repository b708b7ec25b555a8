// The bitline column of an 8T-SRAM compute-in-memory array, as a netlist.
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

namespace flare::studies {

/// A cell by name: the sizes of its read stack, in m.
struct ReadCell {
  std::string name;
  double access_width = 0.0;
  double access_length = 0.0;
  double driver_width = 0.0;
  double driver_length = 0.0;

  /// Gate area of the two read transistors, m^2.
  double gate_area() const { return access_width * access_length + driver_width * driver_length; }
};

/// "sram8t": the shipped cell, sized for six sigma at SAWL 8 (netlists/README.md). "sram8t_min": the smallest
/// one. Throws std::invalid_argument, listing the names there are, for another name.
ReadCell read_cell(std::string_view name);
std::vector<std::string> read_cell_names();

enum class RowModel {
  read_port,  // two transistors; the storage node is the supply or ground
  full_cell,  // all eight: for checking the above
};

/// What a column is. Lengths in m, times in s, everything SI; the defaults are the shipped 8T column.
struct ColumnOptions {
  std::filesystem::path
      netlists;                 // folder that holds cells/; absolute, or relative to where the netlist is run
  std::filesystem::path card;   // empty: netlists/cards/cmos28.lib
  std::filesystem::path cells;  // empty: netlists/cells/sram8t.cir; another kit's models need their own
  std::string section = "tt";   // of the card
  ReadCell cell = read_cell("sram8t");
  RowModel row_model = RowModel::read_port;

  int sawl = 8;              // word lines raised at once, 1...64
  int on_cells = 8;          // k: how many active rows store 1; the first k, unless `stored` says which
  std::vector<bool> stored;  // stored bit of each data row; empty: from on_cells. Else on_cells is ignored
  int dummy_rows =
      0;  // of the `sawl` rows, the last ones: they hold 0 and stand in for rows the input leaves out
  bool dummies_on = true;  // false: their word lines stay low, so only sawl - dummy_rows rows are active

  int rows = 128;                // on the bitline, active ones included
  double position = 1.0;         // of the active rows: 0 at the sense end, 1 at the far end
  double unselected_ones = 1.0;  // share of the unselected rows that store 1; 1 is the largest leakage

  double wire_capacitance = 0.3e-15;  // F per row: wire and contact, without the junctions (data/devices)
  double wire_resistance = 1.5;       // ohm per row
  double sense_capacitance = 10e-15;  // F: input of the converter
  double precharge_width = 1e-6;
  double precharge_length = 30e-9;

  double supply = 0.9;            // V
  double wordline_ratio = 1.0;    // word-line high level over the supply: above 1 is a boosted word line
  double temperature = 27.0;      // degC
  double edge = 20e-12;           // of precharge-off (from t = 0), then of the word line, up and down
  double wordline_off = 300e-12;  // the word line begins to fall: what the timing policy sets
  double settle = 80e-12;         // from the end of that edge to the sense time
  double restore =
      0.0;  // > 0: precharge again after the sense time, for so long, to measure the energy of a read
  double max_step = 0.0;  // of the transient; 0: a tenth of it (error of the level: netlists/README.md)

  /// True where the options make sense; else false with the reason.
  bool is_valid(std::string* error) const;
};

/// When v(rbl) is the level, and where the transient ends: wordline_off + edge + settle. With `restore` the
/// transient goes on for that long, and the energy of the read is supply * integral of -i(vdd) over all of it
/// (bitline, leakage) plus wordline_ratio * supply * integral of -i(brwl) while the word line rises (this
/// column's share of driving it).
double sense_time(const ColumnOptions& options);

/// Bits of the `sawl` rows, dummies (0) last. Length sawl.
std::vector<bool> stored_bits(const ColumnOptions& options);

/// The netlist: runs as it is under `ngspice -b` (prints the level as `level`). Throws std::invalid_argument
/// for options that are not valid. Same options, same text.
std::string column_netlist(const ColumnOptions& options);

/// Flat names of the MOSFETs that mismatch moves ("m.x0.ma", "m.x0.md", ..., "m.xpre.mp"): all but the lumped
/// rows.
std::vector<std::string> matched_devices(const ColumnOptions& options);

/// The run that times the column: all rows on (k = sawl, no dummies), the word line kept high for long enough
/// that the bitline falls by `swing`, and no wire resistance, so that v(rbl) is the charge drawn. Where
/// v(rbl) falls through `level` is when a replica column would close the word line: once at the nominal
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
