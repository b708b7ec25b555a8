// Levels of a column of four rows, fitted from samples of a column function.
#pragma once

#include <algorithm>
#include <vector>

#include "analysis/levels/level_fit.hpp"
#include "tests/analysis/levels/column_function.hpp"

namespace flare::analysis::testing {

struct SmallColumn {
  std::vector<LevelFit> levels;
  std::vector<double> means;
};

inline SmallColumn small_column() {
  SmallColumn column;
  for (int k = 0; k <= 4; ++k) {
    ColumnFunction function;
    function.cells = std::max(k, 1);
    function.sigma_vt = k == 0 ? 0.001 : function.sigma_vt;
    function.sigma_beta = 0.0;
    function.compression = 0.0;
    std::vector<double> samples = function.sample(50 + static_cast<std::uint64_t>(k), 0, 300);
    if (k == 0) {
      for (double& x : samples) x += function.step;
    }
    column.levels.push_back(LevelFit::from_samples(samples, k == 2 ? 1 : 0));
    column.means.push_back(column.levels.back().moments().mean);
  }
  return column;
}

}  // namespace flare::analysis::testing
