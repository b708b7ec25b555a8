// Attention on gain cells straight from its definition, in double precision, token by token: what the array is tested
// against.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>

#include "flare_arch/gain_cell/cell_array.hpp"

namespace flare::arch {

/// Charge current and value current of the cell of token `from`, component c, as token `to` reads it: A.
using PlainCell = std::function<double(Eigen::Index from, Eigen::Index c, int age)>;

struct PlainHead {
  MatrixD sums, pulses;  // S in A, P in longest pulses; tokens x tokens
  MatrixD charges;       // before the counters, of full scale: only for one counter
  MatrixI counts;        // tokens x width
};

/// q in longest pulses.
inline PlainHead plain_head(const MatrixD& q, const PlainCell& key, const PlainCell& value,
                            const CellArrayOptions& o) {
  const Eigen::Index tokens = q.rows(), width = q.cols();
  PlainHead head{MatrixD::Zero(tokens, tokens), MatrixD::Zero(tokens, tokens), MatrixD::Zero(tokens, width),
                 MatrixI::Zero(tokens, width)};
  const int tiles = (o.window + o.tile - 1) / o.tile;
  for (Eigen::Index t = 0; t < tokens; ++t) {
    MatrixD tile_charges = MatrixD::Zero(tiles, width);
    for (Eigen::Index j = std::max<Eigen::Index>(0, t - o.window + 1); j <= t; ++j) {
      const int age = static_cast<int>(t - j);
      for (Eigen::Index c = 0; c < width; ++c) head.sums(t, j) += q(t, c) * key(j, c, age);
      const double pulse = std::clamp(head.sums(t, j) / o.key_full_scale, 0.0, 1.0);
      head.pulses(t, j) = pulse;
      for (Eigen::Index c = 0; c < width; ++c)
        tile_charges(j % o.window / o.tile, c) += pulse * value(j, c, age) / o.value_full_scale;
    }
    head.charges.row(t) = tile_charges.colwise().sum();
    for (int tile = 0; tile < tiles; ++tile)
      for (Eigen::Index c = 0; c < width; ++c)
        head.counts(t, c) += static_cast<std::int32_t>(
            std::nearbyint(o.counter_steps * std::clamp(tile_charges(tile, c), -1.0, 1.0)));
  }
  return head;
}

}  // namespace flare::arch
