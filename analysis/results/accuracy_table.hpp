// /accuracy of the result file: a model's accuracy, a row an evaluation.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "engine/base/hdf5_io.hpp"

namespace flare::analysis {

/// Where the two kinds of arrays err differently, cell, adc and corner name both ("a + b"), and sawl is that of the
/// weights' arrays.
struct AccuracyRow {
  std::string model, dataset, quantizer, cell;
  int sawl = 0;                   // 0: no array
  std::string adc, corner, mode;  // empty where there are no errors
  std::int64_t repeats = 1, examples = 0;
  double mean = 0.0, std = 0.0;  // over the repeats: 0 to 1; of a language model its loss, nats a token
  double floating = 0.0;         // in floating point
  std::string metric = std::string("top1");  // or top5, matthews, f1, pearson, loss

  double low = none, high = none;  // 95 % limits of the mean
  /// How much worse than floating point on the same examples (of a loss: how much more), with 95 % limits; p of no
  /// difference, as it is and adjusted for all evaluations under errors (Holm).
  double drop = none, drop_low = none, drop_high = none, p = none, p_adjusted = none;
  double detectable = none;      // the smallest drop that so many examples show with 80 % power; shares only
  double agreement = none;       // share of answers that floating point gives, too
  double divergence = none;      // Kullback-Leibler, from floating point, in nats
  double logit_error = none;     // relative, from floating point
  double allowed = none;         // the drop that is allowed
  std::int64_t dies_within = 0;  // mode die: dies whose drop is at most that
  double yield_low = none, yield_high = none;  // 95 % limits of their share
  std::string difference;                      // from floating point, in words
  /// What static scales were calibrated with: other_examples, or the examples judged; empty where there are none.
  std::string calibration;

  static constexpr const char *other_examples = "other examples", *judged_examples = "the examples judged";
  static constexpr double none = std::numeric_limits<double>::quiet_NaN();
  bool is_loss() const { return metric == "loss"; }
};

/// A mean, spread or reference of the row as people read it: "97.00 %", or "3.2040" of a loss.
std::string accuracy_text(const AccuracyRow& row, double value);
/// An upper limit, rounded up: what lies above the text lies above the limit.
std::string accuracy_limit_text(const AccuracyRow& row, double limit);
/// "[95.10 %, 98.20 %]"; a dash where there are no limits.
std::string accuracy_limits_text(const AccuracyRow& row, double low, double high);

void write_accuracy(H5::H5File& file, const std::vector<AccuracyRow>& rows);
/// Empty where the file has none. Throws engine::FileError.
std::vector<AccuracyRow> read_accuracy(const H5::H5File& file);

}  // namespace flare::analysis
