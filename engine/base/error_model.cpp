#include "engine/base/error_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "engine/base/normal_law.hpp"

namespace flare::engine {
namespace {

bool all_finite(const std::vector<double>& values) {
  for (const double v : values)
    if (!std::isfinite(v)) return false;
  return true;
}

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Distance in sigmas; without a sigma a boundary lies on one side or the other, and what lies on it is below.
double standardised(double distance, double sigma) {
  if (sigma == 0) return distance >= 0 ? infinity : -infinity;
  return distance / sigma;
}

/// P(low < Z <= high) of a standard normal Z, from the tail that keeps relative accuracy; 0 where they are out of order.
double interval_probability(double low, double high) {
  const double p = low > 0 ? normal_tail(low) - normal_tail(high) : normal_tail(-high) - normal_tail(-low);
  return std::max(p, 0.0);
}

ErrorModel empty_model(int rows_per_read, int codes) {
  if (rows_per_read < 1 || rows_per_read > 64)
    throw std::invalid_argument("error model: rows per read (SAWL) must be 1 to 64");
  if (codes < 2 || codes > 1024) throw std::invalid_argument("error model: 2 to 1024 codes are supported");
  ErrorModel m;
  m.rows_per_read = rows_per_read;
  m.confusion = Matrix::Zero(rows_per_read + 1, codes);
  const double step = static_cast<double>(rows_per_read) / (codes - 1);
  for (int c = 0; c < codes; ++c) m.reconstruct.push_back(c * step);
  for (int c = 1; c < codes; ++c) m.thresholds.push_back((c - 0.5) * step);
  for (int k = 0; k <= rows_per_read; ++k) m.level_mean.push_back(k);
  m.frozen_text = "cell deviations and comparator thresholds";
  m.per_read_text = "read noise";
  return m;
}

}  // namespace

int ErrorModel::likely_code(int k) const {
  Eigen::Index code = 0;
  confusion.row(k).maxCoeff(&code);
  return static_cast<int>(code);
}

double ErrorModel::error_rate(int k) const {
  const int likely = likely_code(k);
  double rate = 0;
  for (int c = 0; c < codes(); ++c)
    if (c != likely) rate += confusion(k, c);
  return rate;
}

double ErrorModel::largest_error_rate() const {
  double rate = 0;
  for (int k = 0; k <= rows_per_read; ++k) rate = std::max(rate, error_rate(k));
  return rate;
}

bool ErrorModel::freezes_nothing() const {
  return frozen.cell_sigma == 0 && frozen.off_cell_sigma == 0 && frozen.threshold_offset_sigma == 0 &&
         per_read.noise_sigma == 0;
}

Matrix ErrorModel::confusion_of_parts() const {
  const auto square = [](double v) { return v * v; };
  Matrix p(rows_per_read + 1, codes());
  // Offsets of neighbouring comparators are taken as moving together: P(code | k) then sums to 1 where all spread alike.
  // A thermometer-coded flash with independent offsets differs only where offsets are comparable with the distance
  // between thresholds.
  for (int k = 0; k <= rows_per_read; ++k) {
    const double others = k * square(frozen.cell_sigma) +
                          (rows_per_read - k) * square(frozen.off_cell_sigma) + square(per_read.noise_sigma);
    const auto boundary = [&](int t) -> double {
      if (t < 0) return -infinity;
      if (t >= codes() - 1) return infinity;
      return standardised(thresholds[static_cast<std::size_t>(t)] - level_mean[static_cast<std::size_t>(k)],
                          std::sqrt(others + square(frozen.offset_sigma(t))));
    };
    for (int c = 0; c < codes(); ++c) p(k, c) = interval_probability(boundary(c - 1), boundary(c));
    if (!frozen.threshold_offset_sigmas.empty()) p.row(k) /= p.row(k).sum();
  }
  return p;
}

bool ErrorModel::is_lossless() const {
  for (int k = 0; k <= rows_per_read; ++k)
    if (reconstruct[likely_code(k)] != k) return false;
  return true;
}

bool ErrorModel::is_valid(std::string* error) const {
  const auto fail = [&](const std::string& what) {
    if (error != nullptr) *error = (name.empty() ? "error model" : name) + ": " + what;
    return false;
  };
  if (rows_per_read < 1 || rows_per_read > 64) return fail("rows per read (SAWL) must be 1 to 64");
  if (confusion.rows() != rows_per_read + 1)
    return fail(fmt::format("the confusion matrix has {} rows, SAWL {} needs {}", confusion.rows(),
                            rows_per_read, rows_per_read + 1));
  if (codes() < 1 || codes() > 1024) return fail("1 to 1024 codes are supported");
  if (static_cast<int>(reconstruct.size()) != codes())
    return fail("one reconstruct value per code is needed");
  if (static_cast<int>(thresholds.size()) != codes() - 1) return fail("codes - 1 thresholds are needed");
  if (static_cast<int>(level_mean.size()) != rows_per_read + 1)
    return fail("SAWL + 1 level means are needed");
  if (!all_finite(reconstruct) || !all_finite(thresholds) || !all_finite(level_mean))
    return fail("a value that is not finite");
  for (const double v : reconstruct)
    if (std::abs(v) > 4.0 * rows_per_read)
      return fail(fmt::format("a code that reconstructs to {} is far outside 0 to {}", v, rows_per_read));
  for (std::size_t i = 1; i < thresholds.size(); ++i)
    if (thresholds[i] < thresholds[i - 1]) return fail("the thresholds do not rise");
  const std::vector<double>& offsets = frozen.threshold_offset_sigmas;
  if (!offsets.empty() && offsets.size() != thresholds.size())
    return fail("codes - 1 offsets of thresholds are needed, or none");
  std::vector<double> sigmas = offsets;
  sigmas.insert(sigmas.end(), {frozen.cell_sigma, frozen.off_cell_sigma, frozen.threshold_offset_sigma,
                               per_read.noise_sigma});
  for (const double s : sigmas)
    if (!(s >= 0) || s > rows_per_read)
      return fail("a sigma that is negative, not a number or larger than SAWL");
  for (int k = 0; k <= rows_per_read; ++k) {
    double sum = 0;
    for (int c = 0; c < codes(); ++c) {
      const double p = confusion(k, c);
      if (!(p >= 0 && p <= 1)) return fail(fmt::format("P({} | {}) = {} is not a probability", c, k, p));
      sum += p;
    }
    if (std::abs(sum - 1) > 1e-9) return fail(fmt::format("row {} sums to {}, not to 1", k, sum));
  }
  return true;
}

ErrorModel ErrorModel::ideal(int rows_per_read) {
  ErrorModel m = empty_model(rows_per_read, rows_per_read + 1);
  m.name = fmt::format("ideal, SAWL {}", rows_per_read);
  m.confusion.setIdentity();
  return m;
}

ErrorModel ErrorModel::neighbour_errors(int rows_per_read, double rate) {
  if (!(rate >= 0 && rate <= 1)) throw std::invalid_argument("error model: the rate must be within 0 and 1");
  ErrorModel m = empty_model(rows_per_read, rows_per_read + 1);
  m.name = fmt::format("neighbour errors {:g}, SAWL {}", rate, rows_per_read);
  for (int k = 0; k <= rows_per_read; ++k) {
    m.confusion(k, k) = 1 - rate;
    m.confusion(k, k == 0 ? 1 : k - 1) += rate / 2;
    m.confusion(k, k == rows_per_read ? k - 1 : k + 1) += rate / 2;
  }
  return m;
}

ErrorModel ErrorModel::gaussian(int rows_per_read, int codes, const FrozenVariation& frozen,
                                const ReadVariation& per_read, const LevelLine& line) {
  ErrorModel m = empty_model(rows_per_read, codes);
  m.name = fmt::format("gaussian, SAWL {}, {} codes", rows_per_read, codes);
  m.frozen = frozen;
  m.per_read = per_read;
  for (int k = 0; k <= rows_per_read; ++k) m.level_mean[k] = (1 + line.gain_error) * k + line.shift;
  m.confusion = m.confusion_of_parts();
  return m;
}

}  // namespace flare::engine
