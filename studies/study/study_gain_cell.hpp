// What a study of a gain cell says: the table [gain_cell].
#pragma once

#include <filesystem>
#include <vector>

#include "studies/parts/gain_cell_part.hpp"
#include "studies/toml/toml_section.hpp"

namespace flare::studies {

struct GainCellStudy {
  GainCell cell;
  PulseConverter converter;
  int levels = 8;             // evenly from 0 to the supply
  double read_pulse = 15e-9;  // s, the longest
  double write_pulse = 10e-9;
  double integration = 8e-12;     // F, of a column
  double full_scale = 80e-6;      // A: its charge over the longest pulse makes the longest pulse
  std::vector<double> retention;  // s, ascending
  double park = 0.45;             // V, of the write bitline between writes
};

GainCellStudy read_gain_cell(Section section, const std::filesystem::path& file);

}  // namespace flare::studies
