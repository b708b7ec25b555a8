// What a token's attention takes on gain cells, beside what was published of the paper's chip and of graphics processors.
#pragma once

#include <string>
#include <vector>

#include "engine/base/hdf5_io.hpp"

namespace flare::studies {

/// One token through the attention of one layer: 12 heads of 64, a window of 1,024 tokens.
struct TokenCost {
  std::string system, includes;
  double seconds = 0;  // NaN: not known
  double joules = 0;
};

/// `head_energy`: J of one head's token as a study measured it, its cells and converters alone; 0: no such row. `head_time`: s
/// of it, the heads working side by side; 0: not known. Published:
/// Leroux et al., Nat. Comput. Sci. 5, 813 (2025), and the authors' measurements of the processors.
std::vector<TokenCost> token_costs(const std::string& cell, double head_time, double head_energy);
void print_costs(const std::vector<TokenCost>& costs);
engine::Table cost_table(const std::vector<TokenCost>& costs);

}  // namespace flare::studies
