// Reads of one product, counted token by token as the array simulator plans them. Internal to flare_arch/cost.
#pragma once

#include <cstdint>
#include <vector>

#include "flare_arch/array/array_job.hpp"
#include "flare_arch/array/level_counts.hpp"
#include "flare_arch/cost/workload.hpp"

namespace flare::arch {

/// Sums over tokens, arrays and sequences.
struct ProductTally {
  std::int64_t cycles = 0, fixed_cycles = 0, conversions = 0, driven_cells = 0, scanned_rows = 0,
               stage_cycles = 0;
  std::vector<std::int64_t> levels;              // conversions by on-cells, [k]
  std::int64_t driven_rows = 0, dummy_rows = 0;  // of uncut arrays, to be held to the simulator's counters

  std::int64_t on_cells() const;
  ProductTally& operator+=(const ProductTally& other);
};

/// How the rows and planes of a product are shared out.
struct TallyPlan {
  int parts = 1;  // of the rows, each with converters of its own
  Sharing sharing = Sharing::tokens;
  int copies = 1;
};

/// Adds the reads of one token after the other.
class TokenTally {
 public:
  /// `reads`: the simulator's, of all rows. Returns how many cycles they take as parts and planes are shared out; parts of the
  /// rows are packed by themselves.
  std::int64_t add(const ArrayJob& job, Eigen::Index token, TokenPlan& reads, const TallyPlan& plan,
                   ProductTally& tally);

 private:
  void add_rows(const ArrayJob& job, Eigen::Index token, int first_row, int rows, TokenPlan& reads,
                ProductTally& tally);

  TokenPlan part_;
  ListedReads listed_;
  std::vector<std::int64_t> busy_;  // of each that works by itself
};

}  // namespace flare::arch
