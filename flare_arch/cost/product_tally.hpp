// Reads of one product, counted token by token. Internal to flare_arch/cost.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "flare_arch/array/array.hpp"
#include "flare_arch/cost/stored_cells.hpp"
#include "flare_arch/cost/workload.hpp"

namespace flare::arch {

/// Sums over tokens, arrays and sequences.
struct ProductTally {
  std::int64_t cycles = 0, fixed_cycles = 0, conversions = 0, driven_cells = 0, on_cells = 0,
               scanned_rows = 0, stage_cycles = 0;
  LevelCounts levels;                            // conversions by on-cells
  std::int64_t driven_rows = 0, dummy_rows = 0;  // of uncut arrays, to be held to the simulator's counters

  ProductTally& operator+=(const ProductTally& other);
};

/// How the rows and planes of a product are shared out.
struct TallyPlan {
  SegmentationOptions reads;
  int parts = 1;
  Sharing sharing = Sharing::tokens;
  int copies = 1;
};

/// What a product meets.
struct TallyOperands {
  const MatrixI& inputs;  // tokens x rows
  PlaneFormat format;
  std::function<int(Eigen::Index token)> depth;             // rows that exist for it
  std::function<std::int64_t(Eigen::Index token)> columns;  // bit lines that exist for it, from the first
  const StoredCells& cells;
  std::int64_t first_row = 0;  // of `cells`, that the first input feeds
};

/// Adds the reads of every token; returns the cycles of each, as parts and planes are shared out.
std::vector<std::int64_t> tally_reads(const TallyOperands& operands, const TallyPlan& plan,
                                      ProductTally& tally);

}  // namespace flare::arch
