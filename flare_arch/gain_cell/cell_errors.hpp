// What is frozen of the gain cells of a die: every cell's own current, every converter's own gain and offset.
#pragma once

#include <cstdint>
#include <optional>

#include "flare_arch/base/matrix.hpp"
#include "flare_arch/gain_cell/cell_law.hpp"

namespace flare::arch {

/// How cells and converters spread over a die. Zeros: they do not.
struct CellSpread {
  MatrixD covariance = MatrixD::Zero(4, 4);  // of a cell's polynomial over mismatch, A^2 / V^(i+j)
  double scale = 1;                          // times sigma: 2 doubles every deviation of cells and converters
  double converter_gain = 0;                 // sigma of the charge-to-pulse converters, relative
  double converter_offset = 0;               // of the longest pulse
  double counter_gain = 0;                   // sigma of the pulse counters, relative
  double counter_offset = 0;                 // of full scale

  /// Throws std::invalid_argument, with what is wrong.
  void check() const;
  bool is_none() const;
};

/// What a number on a die belongs to. Heads are those of keys and values.
struct DieHead {
  std::uint64_t seed = 1;
  int layer = 0, head = 0;
};

/// Deviations of one head's two arrays. A slot holds one token of the window.
struct HeadErrors {
  MatrixF key, value;                    // [level][slot * width + component], A, of cells that are fresh
  VectorF pulse_gain, pulse_offset;      // by slot: width = S (1 + gain) + offset, in longest pulses
  MatrixF counter_gain, counter_offset;  // tiles x width
};

/// Numbers depend on (seed, layer, head, slot) and what within the slot, on nothing else: not on the window, nor on order.
HeadErrors draw_head_errors(const CellSpread& spread, const StoredLevels& stored, const DieHead& head,
                            int window, int tile, Eigen::Index width);

}  // namespace flare::arch
