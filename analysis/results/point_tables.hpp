// What the result file says of one point (cell, SAWL, corner): its levels, and their tails towards every converter.
#pragma once

#include <string>
#include <vector>

#include "analysis/converters/error_model.hpp"
#include "analysis/levels/level_fit.hpp"
#include "engine/base/hdf5_io.hpp"

namespace flare::analysis {

/// One row of /points/.../levels: level k without variation and the moments of its samples, in V, kurtosis 3 for a normal law, with the ends of
/// the 95 % intervals (not a number below min_moment_runs).
struct LevelRow {
  std::size_t k = 0;
  double nominal = 0.0;
  double mean = 0.0, sigma = 0.0, skewness = 0.0, kurtosis = 3.0;
  std::size_t runs = 0, unknown = 0;
  Interval mean_interval, sigma_interval, skewness_interval, kurtosis_interval;
};

/// `nominal` and `levels` in V, index k.
void write_levels(H5::H5File& file, const ModelKey& key, const std::vector<double>& nominal,
                  const std::vector<LevelFit>& levels);
std::vector<LevelRow> read_levels(const H5::H5File& file, const ModelKey& key);

/// One row of /points/.../tails.
struct TailRow {
  std::string adc;
  LevelTail tail;
};

void write_tails(H5::H5File& file, const ModelKey& key, const std::vector<TailRow>& tails);
/// Throws engine::FileError, as read_levels does.
std::vector<TailRow> read_tails(const H5::H5File& file, const ModelKey& key);

}  // namespace flare::analysis
