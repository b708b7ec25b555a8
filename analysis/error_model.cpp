#include "analysis/error_model.hpp"

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
  return text;
}

std::string per_read_text(const Converter& converter) {
  if (converter.read_noise_sigma <= 0.0) return "nothing";
  if (converter.kind == ConverterKind::ideal) {
    return "noise of each comparator (read_noise_sigma_step), independent from comparator to comparator";
  }
  return "noise and distortion of the converter (read_noise_sigma_step), added to the level";
}

void check(bool condition, const std::string& path, const std::string& what) {
  if (!condition)
    throw engine::FileError(path + ": " + what + "; the file is damaged or from another program");
}

}  // namespace

std::string ModelKey::point_path() const {
  return "/points/" + cell + "/sawl" + std::to_string(sawl) + "/" + corner;
}

std::string ModelKey::model_path() const {
  return "/error_models/" + cell + "/sawl" + std::to_string(sawl) + "/" + adc + "/" + corner;
}

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
  model.confusion = point.confusion;
  model.reconstruct = converter.reconstruct;
  model.thresholds = converter.thresholds;
  model.level_mean = point.level_mean;
  model.cell_sigma_step = cell.on;
  model.off_cell_sigma_step = cell.off;
  model.threshold_offset_sigma_step = converter.offset_sigma;
  model.read_noise_sigma_step = converter.read_noise_sigma;
  model.frozen = frozen_text(converter);
  model.per_read = per_read_text(converter);
  model.status = std::string(to_string(point.worst().status));
  model.enob = converter.enob;
  for (const TailProbability& error : point.errors) {
    model.p_wrong.push_back(error.p);
    model.p_wrong_low.push_back(error.low);
    model.p_wrong_high.push_back(error.high);
  }
  return model;
}

void write_error_model(H5::H5File& file, const ModelKey& key, const ErrorModel& model) {
  const std::string path = key.model_path() + "/confusion";
  engine::write_matrix(file, path, model.confusion);
  const auto number = [&](const char* name, double value) {
    engine::write_attribute(file, path, name, value);
  };
  const auto numbers = [&](const char* name, const std::vector<double>& values) {
    engine::write_attribute(file, path, name, values);
  };
  numbers("reconstruct", model.reconstruct);
  numbers("thresholds", model.thresholds);
  numbers("level_mean", model.level_mean);
  number("cell_sigma_step", model.cell_sigma_step);
  number("off_cell_sigma_step", model.off_cell_sigma_step);
  number("threshold_offset_sigma_step", model.threshold_offset_sigma_step);
  number("read_noise_sigma_step", model.read_noise_sigma_step);
  number("enob", model.enob);
  numbers("p_wrong", model.p_wrong);
  numbers("p_wrong_low", model.p_wrong_low);
  numbers("p_wrong_high", model.p_wrong_high);
  engine::write_attribute(file, path, "frozen", model.frozen);
  engine::write_attribute(file, path, "per_read", model.per_read);
  engine::write_attribute(file, path, "status", model.status);
}

ErrorModel read_error_model(const H5::H5File& file, const ModelKey& key) {
  const std::string path = key.model_path() + "/confusion";
  ErrorModel model;
  model.confusion = engine::read_matrix(file, path);
  const auto number = [&](const char* name) { return engine::read_number(file, path, name); };
  const auto numbers = [&](const char* name) { return engine::read_numbers(file, path, name); };
  model.reconstruct = numbers("reconstruct");
  model.thresholds = numbers("thresholds");
  model.level_mean = numbers("level_mean");
  model.cell_sigma_step = number("cell_sigma_step");
  model.off_cell_sigma_step = number("off_cell_sigma_step");
  model.threshold_offset_sigma_step = number("threshold_offset_sigma_step");
  model.read_noise_sigma_step = number("read_noise_sigma_step");
  model.enob = number("enob");
  model.p_wrong = numbers("p_wrong");
  model.p_wrong_low = numbers("p_wrong_low");
  model.p_wrong_high = numbers("p_wrong_high");
  model.frozen = engine::read_text(file, path, "frozen");
  model.per_read = engine::read_text(file, path, "per_read");
  model.status = engine::read_text(file, path, "status");
  const auto levels = static_cast<std::size_t>(model.confusion.rows());
  const auto codes = static_cast<std::size_t>(model.confusion.cols());
  check(levels >= 2 && codes >= 2, path, "a confusion matrix needs two levels and two codes");
  check(model.reconstruct.size() == codes, path, "one reconstruct value per code expected");
  check(model.thresholds.size() + 1 == codes, path, "one threshold fewer than codes expected");
  check(model.level_mean.size() == levels && model.p_wrong.size() == levels, path,
        "one value per level expected");
  check(model.confusion.allFinite() && model.confusion.minCoeff() >= 0.0, path,
        "entries must be probabilities");
  check((model.confusion.rowwise().sum().array() - 1.0).abs().maxCoeff() < 1e-9, path, "rows must sum to 1");
  return model;
}

}  // namespace flare::analysis
