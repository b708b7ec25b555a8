// A gain cell by itself: what is simulated of it.
//
// Every circuit holds the same cell once per level. A variable of mismatch moves the same device of all of them, so that a run
// gives a whole transfer curve of one cell. The bitline of each is a source at half the supply; its storage node floats.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/simulate/testbench.hpp"
#include "studies/parts/gain_cell_part.hpp"

namespace flare::studies {

/// What drives the circuits of a gain cell. SI.
struct CellDrive {
  std::filesystem::path card;  // device cards, absolute
  std::string section;         // process
  double supply = 0.9;
  double temperature = 27.0;  // degC

  double middle() const { return 0.5 * supply; }
};

/// One cell at every level. `levels`: voltages.
struct CellBench {
  GainCell cell;
  CellDrive drive;
  std::vector<double> levels;
  double park = 0.45;  // V: write bitline between writes
};

inline constexpr double line_edge = 50e-12;  // s: rise and fall of word and read lines
/// gmin of a hold: the simulator's own, 1e-12, leaks more than the write gate does.
inline constexpr double hold_gmin = 1e-18;

/// "x0", the instance of level k.
std::string cell_name(std::size_t k);
/// ".lib", ".include" and the supply: the first lines of every circuit here.
std::string gain_cell_header(const Part& part, const CellDrive& drive, const std::string& title);
/// A voltage source of straight pieces, "v<node> <node> 0 pwl(...)"; `points`: time and value in turn.
std::string pwl_line(const std::string& node, const std::vector<double>& points);

/// Reads, one behind the other: of each level and width the charge drawn from the bitline, measures "q<level>_<width>" (C), and
/// where the storage node stands before and in the middle of the last one, "sn<level>", "kick<level>" (V).
engine::Testbench read_testbench(const CellBench& bench, const std::vector<double>& widths);
/// What all sources give for one read of `width`, all levels together: measure "read" (J). Drivers take back what they put on gates.
engine::Testbench read_energy_testbench(const CellBench& bench, double width);

/// A write of `width` into cells that hold the park voltage; measures "written<level>" before the gate closes and "closed<level>" (V)
/// after, and "write" (J): what supply and drivers give for all levels, gates charged from the supply.
engine::Testbench write_testbench(const CellBench& bench, double width);

/// From its level at rest to the last of `times`: measures "v<level>_<time>" (V).
engine::Testbench hold_testbench(const CellBench& bench, const std::vector<double>& times,
                                 double gmin = hold_gmin);

/// Elements that mismatch moves, of the first copy: "x0.mn".
std::vector<std::string> cell_elements(const GainCell& cell);

/// Lets every variable that moves a device of "x0" move the same device of x1 ... x<copies - 1> alike.
void mirror_variation(engine::Testbench& bench, std::size_t copies);

}  // namespace flare::studies
