// The gain cells of `flare perplexity` as the command line names them, ready for a model.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "flare_arch/gain_cell/cell_attention.hpp"
#include "flare_arch/gain_cell/cell_file.hpp"

namespace flare::studies {

/// What all cells of a command share.
struct CellChoice {
  int window = 128;             // tokens
  double token_time = 0.78e-6;  // s, of cells whose retention was measured
  double decay = -1;            // of a stored voltage per token; negative: as measured, or the paper's
  double mismatch = 1;          // times the measured sigma, where there are dies
  double noise = 0;             // sigma of a pulse's width, of the longest
  bool transfer = false;        // the levels' own currents in place of their polynomial
  std::uint64_t seed = 1;
};

/// The paper's decay per token: 12 heads of 65 ns, 5 ms.
inline constexpr double paper_decay = 1.6e-4;

/// A cell with its name in tables.
struct NamedCell {
  std::string cell, corner;  // corner empty where there is none
  double temperature = 27;   // degC
  arch::CellSystem system;
  double token_energy = 0;  // J of a head's token; 0: not measured
  double head_time = 0;     // s of it; 0: not measured
};

/// What `named_cell` takes, for help texts.
inline constexpr const char* cell_spec_help =
    "paper (the published cell), linear, shape:cubic, quintic, sigmoid or exponential, or "
    "FILE.h5[:CELL[/CORNER]] of a study with [gain_cell]";

/// Throws StudyError with the remedy.
NamedCell named_cell(const std::string& spec, const CellChoice& choice);
NamedCell measured_system(const arch::MeasuredCell& cell, const CellChoice& choice);
/// The file of a specification; empty where it names none.
std::filesystem::path cell_spec_file(const std::string& spec);
std::string cell_spec_place(const std::string& spec);

}  // namespace flare::studies
