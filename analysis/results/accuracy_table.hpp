// /accuracy of the result file: a model's accuracy, a row an evaluation.
#pragma once

#include <cstdint>
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
  std::string metric = std::string("top1");  // or "loss"

  bool is_loss() const { return metric == "loss"; }
};

/// A mean, spread or reference of the row as people read it: "97.00 %", or "3.2040" of a loss.
std::string accuracy_text(const AccuracyRow& row, double value);

void write_accuracy(H5::H5File& file, const std::vector<AccuracyRow>& rows);
/// Empty where the file has none. Throws engine::FileError.
std::vector<AccuracyRow> read_accuracy(const H5::H5File& file);

}  // namespace flare::analysis
