// What a read of an array column may return, per number k of on-cells: the error model of one cell, SAWL,
// converter and corner.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/base/matrix.hpp"

namespace flare::engine {

/// Part of an error model that is drawn once per die and then stays. Unit: one step, the mean difference
/// between neighbouring levels.
struct FrozenVariation {
  double cell_sigma = 0;              // of one on-cell's contribution
  double off_cell_sigma = 0;          // of one off-cell's contribution
  double threshold_offset_sigma = 0;  // of each comparator's threshold; where they differ, root mean square
  std::vector<double> threshold_offset_sigmas = {};  // of each threshold, where they differ; else empty
  bool common_offset = false;  // one draw moves all thresholds (one comparator serves them)

  double offset_sigma(int threshold) const {
    return threshold_offset_sigmas.empty() ? threshold_offset_sigma
                                           : threshold_offset_sigmas[static_cast<std::size_t>(threshold)];
  }
};

/// Part that is drawn afresh for every read. Unit: one step.
struct ReadVariation {
  double noise_sigma = 0;
};

/// Mean level of k on-cells: (1 + gain_error) k + shift, in steps.
struct LevelLine {
  double shift = 0;
  double gain_error = 0;
};

/// The parts are kept apart: `frozen` and `per_read` drive the die mode; `confusion` is what they imply for a
/// read of a random column on a random die, and drives the read mode.
struct ErrorModel {
  std::string name;                 // where it comes from, for messages and reports
  int rows_per_read = 0;            // SAWL: levels are k = 0 .. rows_per_read
  Matrix confusion;                 // P(code | k), (SAWL + 1) x codes; rows sum to 1
  std::vector<double> reconstruct;  // value of each code, in on-cells
  std::vector<double> thresholds;   // code boundaries in steps, rising; codes - 1 of them
  std::vector<double> level_mean;   // mean level of k on-cells in steps; SAWL + 1 of them
  FrozenVariation frozen;
  ReadVariation per_read;
  std::string frozen_text, per_read_text;  // the file's own words on what is frozen and what is not
  std::string status = "estimated";        // of the probabilities: estimated, bound, extrapolated
  double enob = 0;                         // of the converter; 0: not known
  // P(wrong code | k) with its 95 % interval, where a study estimated them; else of the matrix, without interval.
  std::vector<double> p_wrong, p_wrong_low, p_wrong_high;

  int codes() const { return static_cast<int>(confusion.cols()); }

  /// Most likely code of a level.
  int likely_code(int k) const;
  /// P(the code returned is not the most likely one | k), summed from the other codes so that it keeps its
  /// relative accuracy down to the smallest probabilities.
  double error_rate(int k) const;
  /// Largest error rate over the levels.
  double largest_error_rate() const;
  /// True where nothing is said to be frozen on a die, nor how reads scatter: every error is drawn from the
  /// confusion matrix, in die mode too, which is then the same as read mode.
  bool freezes_nothing() const;
  /// P(code | k) that the parts alone imply: levels at their means, thresholds, normal deviations of k on-cells,
  /// SAWL - k off-cells, one threshold offset and read noise. What die mode draws from, over all dies.
  Matrix confusion_of_parts() const;
  /// True where every level's most likely code reconstructs to the level itself: without errors the array is
  /// an exact integer multiplier.
  bool is_lossless() const;

  /// False, with the reason in `error`, for shapes that do not fit each other, probabilities outside [0, 1],
  /// rows that do not sum to 1 within 1e-9, sigmas that are negative, or values that are not finite.
  bool is_valid(std::string* error) const;

  /// No errors: code k for k on-cells.
  static ErrorModel ideal(int rows_per_read);
  /// Wrong by one code, up or down alike, with probability `rate` at every level (at the ends inwards).
  static ErrorModel neighbour_errors(int rows_per_read, double rate);
  /// Independent normal deviations: cells, thresholds and noise as given, levels on a line, `codes` codes with
  /// thresholds half way between their evenly spread values (codes == rows_per_read + 1: at k - 1/2).
  /// The confusion matrix follows from them in closed form.
  static ErrorModel gaussian(int rows_per_read, int codes, const FrozenVariation& frozen,
                             const ReadVariation& per_read, const LevelLine& line = {});
};

}  // namespace flare::engine
