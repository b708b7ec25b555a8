// Sigma over two axes as a coloured map, as sweeps and verdicts have it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "analysis/report/figure.hpp"
#include "analysis/tails/tail.hpp"

namespace flare::analysis {

struct SigmaMap {
  std::vector<std::string> across, up;  // texts of the two axes' places
  std::string across_title, up_title;   // any text
  struct Cell {
    std::size_t x = 0, y = 0;
    TailProbability tail;
    bool passes = false;
  };
  std::vector<Cell> cells;
  double target = 6.0;  // sigma, drawn white
};

/// Numbers in the cells, a star where the target is not shown to hold, "refused" where there is none; empty where every cell is
/// refused. Throws FigureError.
std::string sigma_map_svg(const std::string& name, const SigmaMap& map);

/// What the colours and stars of such a map say.
std::string sigma_map_caption(double target);

}  // namespace flare::analysis
