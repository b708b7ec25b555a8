// One array of one die: every cell's deviation and every converter's threshold offsets, drawn once.
#pragma once

#include <cstdint>
#include <vector>

#include "flare_arch/array/error_model.hpp"

namespace flare::arch {

/// The analog level of a read is the mean level of its k on-cells plus the deviations of the cells driven:
/// cell_sigma z for an on-cell, off_cell_sigma z for an off-cell, with one z ~ N(0,1) frozen per cell (the
/// same transistors make both currents). Dummy rows are off-cells below the array's rows. The code is the
/// number of comparators whose threshold, with its frozen offset, lies below the level plus read noise.
///
/// Levels are fixed-point integers with 2^fraction_bits units per step, so that every path adds them up to
/// the same bit: the grid is 1/1024 step at SAWL 8. A cell's deviation is cut off at one step, thresholds and
/// means at half the 16-bit range, so that no sum leaves 16 bits.
class ArrayDie {
 public:
  /// rows, bitlines: of the array. `seed` is the die; `array` tells the die's arrays apart.
  /// Throws std::invalid_argument for a model that is not valid.
  ArrayDie(const ErrorModel& model, std::uint64_t seed, std::uint32_t array, int rows, int bitlines);

  int rows() const { return rows_; }
  int bitlines() const { return bitlines_; }
  int comparators() const { return comparators_; }
  int fraction_bits() const { return fraction_bits_; }

  /// Deviation of a cell from the mean, on or off, in units. Rows from rows() to rows() + SAWL - 1 are the dummies.
  std::int32_t on_deviation(int row, int bitline) const { return on_[index(row, bitline)]; }
  std::int32_t off_deviation(int row, int bitline) const { return off_[index(row, bitline)]; }
  /// A row's deviations, one per bit line.
  const std::int16_t* on_row(int row) const { return on_.data() + index(row, 0); }
  const std::int16_t* off_row(int row) const { return off_.data() + index(row, 0); }
  /// Thresholds with their offsets, in units, of the converter of a bitline.
  const std::int32_t* thresholds(int bitline) const {
    return thresholds_.data() + static_cast<std::size_t>(bitline) * comparators_;
  }
  std::int32_t level_mean(int k) const { return level_mean_[k]; }

 private:
  std::size_t index(int row, int bitline) const {
    return static_cast<std::size_t>(row) * bitlines_ + bitline;
  }

  int rows_, bitlines_, comparators_, fraction_bits_;
  std::vector<std::int16_t> on_, off_;  // (rows + SAWL) x bitlines
  std::vector<std::int32_t> thresholds_, level_mean_;
};

}  // namespace flare::arch
