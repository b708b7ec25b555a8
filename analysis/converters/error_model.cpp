#include "analysis/converters/error_model.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace flare::analysis {
namespace {

// Column and reference parts of the two texts; the numbers stand in the attributes.
std::string frozen_text(const Converter& converter) {
  std::string text =
      "deviations of the cells (cell_sigma_step, off_cell_sigma_step): the same cells give the same "
      "level in every read of a die";
  if (converter.offset_sigma > 0.0) text += "; offset of each comparator (threshold_offset_sigma_step)";
  if (!converter.offset_sigmas.empty()) {
    text += ": the root mean square; of each threshold: threshold_offset_sigmas_step";
    if (converter.common) text += "; one draw moves all thresholds";
  }
  return text;
}

std::string per_read_text(const Converter& converter) {
  if (converter.read_noise_sigma <= 0.0) return "nothing";
  if (!converter.common) {
    return "noise of each comparator (read_noise_sigma_step), independent from comparator to comparator";
  }
  return "noise and distortion of the converter (read_noise_sigma_step), added to the level";
}

}  // namespace

CellDeviation cell_deviation(const std::vector<double>& variances, const std::vector<std::size_t>& runs) {
  if (variances.size() < 2 || variances.size() != runs.size()) {
    throw std::invalid_argument("cell deviations need the variances of at least two levels and their runs");
  }
  const double sawl = static_cast<double>(variances.size() - 1);
  const double typical = *std::max_element(variances.begin(), variances.end());
  if (!(typical > 0.0)) return {};
  // Normal equations of var_k = k a + (sawl - k) b; Var(s^2) = 2 sigma^4/(n - 1).
  double kk = 0.0;
  double kj = 0.0;
  double jj = 0.0;
  double kv = 0.0;
  double jv = 0.0;
  for (std::size_t i = 0; i < variances.size(); ++i) {
    const double k = static_cast<double>(i);
    const double j = sawl - k;
    const double scale = std::max(variances[i], 1e-3 * typical);
    const double weight = static_cast<double>(std::max<std::size_t>(runs[i], 2) - 1) / (scale * scale);
    kk += weight * k * k;
    kj += weight * k * j;
    jj += weight * j * j;
    kv += weight * k * variances[i];
    jv += weight * j * variances[i];
  }
  const double determinant = kk * jj - kj * kj;
  double on = (kv * jj - jv * kj) / determinant;
  double off = (jv * kk - kv * kj) / determinant;
  if (off < 0.0) {
    off = 0.0;
    on = kv / kk;
  } else if (on < 0.0) {
    on = 0.0;
    off = jv / jj;
  }
  return {std::sqrt(on), std::sqrt(off)};
}

ErrorModel make_error_model(const std::vector<LevelFit>& levels, const ReferenceLevels& reference,
                            const ConvertedPoint& point) {
  ErrorModel model;
  const Converter& converter = point.converter;
  std::vector<double> variances;
  std::vector<std::size_t> runs;
  for (const LevelFit& level : levels) {
    const double sigma = level.moments().sigma / std::fabs(reference.step());
    variances.push_back(sigma * sigma);
    runs.push_back(level.moments().runs);
  }
  const CellDeviation cell = cell_deviation(variances, runs);
  model.rows_per_read = static_cast<int>(point.confusion.rows()) - 1;
  model.confusion = point.confusion;
  model.reconstruct = converter.reconstruct;
  model.thresholds = converter.thresholds;
  model.level_mean = point.level_mean;
  model.frozen = {cell.on, cell.off, converter.offset_sigma, converter.offset_sigmas,
                  converter.common && converter.offset_sigma > 0.0};
  model.per_read = {converter.read_noise_sigma};
  model.frozen_text = frozen_text(converter);
  model.per_read_text = per_read_text(converter);
  model.status = std::string(to_string(point.worst().status));
  model.enob = converter.enob;
  for (const TailProbability& error : point.errors) {
    model.p_wrong.push_back(error.p);
    model.p_wrong_low.push_back(error.low);
    model.p_wrong_high.push_back(error.high);
  }
  return model;
}

}  // namespace flare::analysis
