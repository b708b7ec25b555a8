// A function shaped like a bitline column, with an exact tail: k cells whose current bends with the threshold
// (alpha-power law), summed, then compressed by a falling bitline. No simulator.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/matrix.hpp"

namespace flare::analysis::testing {

struct ColumnFunction {
  int cells = 8;
  double overdrive = 0.55;    // V
  double sigma_vt = 0.0145;   // V per cell: about 3.4 % of the current
  double sigma_beta = 0.01;   // of the current factor, per cell
  double alpha = 1.3;         // current ~ overdrive^alpha
  double step = 0.045;        // V per cell at full bitline
  double compression = 0.06;  // relative loss of the last step against the first

  /// Level in V of `runs` runs; run i is a pure function of (seed, i).
  std::vector<double> sample(std::uint64_t seed, std::uint64_t first, std::size_t runs) const;
  /// The same runs with their coordinates: two a cell, and `idle` that move nothing.
  std::vector<double> sample(std::uint64_t seed, std::uint64_t first, std::size_t runs, int idle,
                             engine::Matrix* points) const;
  /// Level in V at one point: two coordinates a cell, more are idle.
  double level_at(const Eigen::Ref<const engine::Vector>& x) const;
  /// Level from the sum of relative cell currents (1 each, nominally); falling.
  double level(double current_sum) const;
  /// P(level < t) or P(level > t) by repeated convolution of one cell's density: positive terms only, so the
  /// relative accuracy holds in the tails.
  double exact_below(double t) const;
  double exact_above(double t) const;

 private:
  struct SumLaw {
    double low, width;
    std::vector<double> density;  // per bin of the current sum
  };
  SumLaw sum_law() const;
  double current_sum_at(double t) const;
};

}  // namespace flare::analysis::testing
