#include "studies/converter/converter_thresholds.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>

#include "analysis/converters/linearity.hpp"
#include "analysis/converters/sine_test.hpp"
#include "analysis/levels/moments.hpp"
#include "studies/converter/offset_spread.hpp"
#include "studies/converter/sar_bench.hpp"

namespace flare::studies {

namespace {

std::size_t comparator_of(const MeasuredCorner& corner, std::size_t k) {
  return corner.one_comparator ? 0 : k;
}

std::size_t dies_of(const MeasuredCorner& corner) { return corner.offsets.front().size(); }

double deviation(const ReferenceSpread& references, std::size_t die, std::size_t k) {
  return references.empty() ? 0.0 : references[die][k];
}

/// The length that a reference deviation is a part of: a ladder's span, or the supply of a capacitor array.
double span_of(const MeasuredCorner& corner) {
  return corner.one_comparator ? corner.supply
                               : std::fabs(corner.thresholds.back() - corner.thresholds.front());
}

/// What a threshold of a die is off at a corner, untrimmed.
double raw_shift(const MeasuredCorner& corner, const ReferenceSpread& references, std::size_t die,
                 std::size_t k) {
  return corner.kicks[k] + corner.offsets[comparator_of(corner, k)][die] +
         span_of(corner) * deviation(references, die, k);
}

/// What a trim, set at the nominal corner, takes off threshold k of a die. One comparator has one trim, which cannot know of
/// single capacitors.
double trimmed_away(const MeasuredCorner& nominal, const ReferenceSpread& references, std::size_t die,
                    std::size_t k, const Trim& trim) {
  const double seen = nominal.one_comparator ? nominal.kicks[k] + nominal.offsets[0][die]
                                             : raw_shift(nominal, references, die, k);
  return seen - trim.residual(seen);
}

/// What is left of threshold k of each die with a known offset.
std::vector<double> left_over(const MeasuredCorner& corner, const MeasuredCorner& nominal,
                              const ReferenceSpread& references, const std::optional<Trim>& trim,
                              std::size_t k) {
  std::vector<double> left;
  for (std::size_t die = 0; die < dies_of(corner); ++die) {
    const double here = raw_shift(corner, references, die, k);
    const double away = trim ? trimmed_away(nominal, references, die, k, *trim) : 0.0;
    if (std::isfinite(here - away)) left.push_back(here - away);
  }
  return left;
}

std::vector<double> finite_of(const std::vector<double>& values) {
  std::vector<double> finite;
  std::copy_if(values.begin(), values.end(), std::back_inserter(finite),
               [](double v) { return std::isfinite(v); });
  return finite;
}

/// NaN moments of too few values: no number rather than a wrong one.
analysis::Moments moments_of(const std::vector<double>& values, std::size_t unknown) {
  if (values.size() < analysis::min_moment_runs) {
    analysis::Moments none;
    none.mean = none.sigma = NAN;
    none.unknown = unknown;
    return none;
  }
  return analysis::estimate_moments(values, unknown);
}

std::vector<double> differences(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> left(a.size());
  std::transform(a.begin(), a.end(), b.begin(), left.begin(), std::minus<>());
  return left;
}

double reference_sigma(const ReferenceSpread& references, std::size_t k, double span) {
  if (references.size() < analysis::min_moment_runs) return 0.0;
  std::vector<double> values;
  for (const std::vector<double>& die : references) values.push_back(span * die[k]);
  return analysis::estimate_moments(values).sigma;
}

/// Of a comparator's offset over dies: from the dies alone where nothing is predicted of them.
OffsetSpread spread_of(const MeasuredCorner& corner, std::size_t c, const analysis::Moments& offset) {
  if (!corner.predicted.empty()) {
    const OffsetSpread sharp = offset_spread(corner.offsets[c], corner.predicted[c], corner.first_order[c]);
    if (std::isfinite(sharp.sigma)) return sharp;
  }
  if (!std::isfinite(offset.sigma) || offset.sigma <= 0.0) return {offset.sigma, offset.sigma, offset.sigma};
  return {offset.sigma, offset.sigma_interval().low, offset.sigma_interval().high};
}

analysis::SineTest test_of(const MeasuredCorner& corner) {
  analysis::SineTest test;
  test.samples = 8192;
  if (corner.one_comparator) {
    test.noise_sigma = corner.noise[0];
  } else {
    test.entry = analysis::NoiseEntry::comparators;
    test.noise_sigmas = corner.noise;
  }
  return analysis::full_scale(corner.thresholds, test);
}

}  // namespace

std::vector<std::vector<double>> die_thresholds(const MeasuredCorner& corner, const MeasuredCorner& nominal,
                                                const ReferenceSpread& references,
                                                const std::optional<Trim>& trim) {
  std::vector<std::vector<double>> dies(dies_of(corner));
  for (std::size_t die = 0; die < dies.size(); ++die) {
    for (std::size_t k = 0; k < corner.thresholds.size(); ++k) {
      const double away = trim ? trimmed_away(nominal, references, die, k, *trim) : 0.0;
      dies[die].push_back(corner.thresholds[k] + raw_shift(corner, references, die, k) - away);
    }
    const bool known =
        std::all_of(dies[die].begin(), dies[die].end(), [](double t) { return std::isfinite(t); });
    if (!known) dies[die].clear();
  }
  return dies;
}

std::vector<analysis::AdcThresholdRow> threshold_rows(const MeasuredCorner& corner,
                                                      const MeasuredCorner& nominal,
                                                      const ReferenceSpread& references,
                                                      const std::optional<Trim>& trim) {
  std::vector<analysis::AdcThresholdRow> rows;
  for (std::size_t k = 0; k < corner.thresholds.size(); ++k) {
    const std::size_t c = comparator_of(corner, k);
    const std::vector<double> known = finite_of(corner.offsets[c]);
    const std::size_t unknown = corner.offsets[c].size() - known.size();
    const analysis::Moments offset = moments_of(known, unknown);
    const analysis::Moments left = moments_of(left_over(corner, nominal, references, trim, k), unknown);
    const analysis::Moments drift =
        moments_of(finite_of(differences(corner.offsets[c], nominal.offsets[c])), 0);
    const OffsetSpread spread = spread_of(corner, c, offset);
    analysis::AdcThresholdRow row;
    row.corner = corner.name;
    row.k = static_cast<int>(k) + 1;
    row.threshold = corner.thresholds[k];
    row.common_mode = corner.common_modes[c];
    row.kick = corner.kicks[k];
    row.offset_mean = offset.mean;
    row.offset_sigma = spread.sigma;
    row.offset_sigma_low = spread.low;
    row.offset_sigma_high = spread.high;
    row.first_order = corner.first_order[c];
    row.reference_sigma = reference_sigma(references, k, span_of(corner));
    row.drift_sigma = drift.sigma;
    row.left_mean = left.mean;
    // Without a trim all of the offset is left, which is known better than the dies alone say.
    row.left_sigma = trim ? left.sigma : std::hypot(spread.sigma, row.reference_sigma);
    row.noise = corner.noise[c];
    row.decision_time = corner.decision_times[c];
    row.dies = static_cast<int>(known.size());
    row.unknown = static_cast<int>(unknown);
    rows.push_back(row);
  }
  return rows;
}

analysis::AdcFigureRow linearity_figures(const MeasuredCorner& corner, const MeasuredCorner& nominal,
                                         const ReferenceSpread& references, const std::optional<Trim>& trim) {
  analysis::AdcFigureRow row;
  row.corner = corner.name;
  row.codes = static_cast<int>(corner.thresholds.size()) + 1;
  std::vector<double> even =
      corner.thresholds;  // without mismatch; a trim takes the kick of the nominal corner
  for (std::size_t k = 0; k < even.size(); ++k) even[k] += corner.kicks[k] - (trim ? nominal.kicks[k] : 0.0);
  const analysis::SineTest test = test_of(corner);
  const analysis::Linearity line = analysis::linearity(even);
  const analysis::SineFigures sine = analysis::sine_figures(even, test);
  row.lsb = line.lsb;
  row.dnl = line.worst_dnl;
  row.inl = line.worst_inl;
  row.sinad = sine.sinad_db;
  row.enob = sine.enob;
  double count = 0.0;
  row.worst_enob = INFINITY;
  for (const std::vector<double>& die : die_thresholds(corner, nominal, references, trim)) {
    if (die.empty()) continue;
    const analysis::Linearity own = analysis::linearity(die);
    const double enob = analysis::sine_figures(die, test).enob;
    row.die_dnl += own.worst_dnl;
    row.die_inl += own.worst_inl;
    row.die_enob += enob;
    row.worst_enob = std::min(row.worst_enob, enob);
    count += 1.0;
  }
  for (double* mean : {&row.die_dnl, &row.die_inl, &row.die_enob}) *mean = count > 0.0 ? *mean / count : NAN;
  if (count == 0.0) row.worst_enob = NAN;
  return row;
}

ReferenceSpread ladder_deviations(const engine::Matrix& draws, double sigma) {
  ReferenceSpread dies;
  for (Eigen::Index die = 0; die < draws.rows(); ++die) {
    std::vector<double> taps = {0.0};
    for (Eigen::Index r = 0; r < draws.cols(); ++r) taps.push_back(taps.back() + 1.0 + sigma * draws(die, r));
    const double whole = taps.back();
    for (std::size_t k = 0; k < taps.size(); ++k) {
      taps[k] = taps[k] / whole - static_cast<double>(k) / static_cast<double>(taps.size() - 1);
    }
    dies.push_back(std::move(taps));
  }
  return dies;
}

ReferenceSpread array_deviations(const engine::Matrix& draws, const CapacitorArray& array, double load,
                                 int n) {
  const std::vector<double> weights = binary_weights(array.bits);
  const std::vector<double> nominal = charge_thresholds(weights, 1.0, load, 1.0, 0.0);
  ReferenceSpread dies;
  for (Eigen::Index die = 0; die < draws.rows(); ++die) {
    std::vector<double> own = weights;
    for (std::size_t bit = 0; bit < own.size(); ++bit) {
      own[bit] += array.sigma * std::sqrt(weights[bit]) * draws(die, static_cast<Eigen::Index>(bit));
    }
    const double rest = 1.0 + array.sigma * draws(die, draws.cols() - 1);
    std::vector<double> deviations = charge_thresholds(own, rest, load, 1.0, 0.0);
    for (std::size_t c = 0; c < deviations.size(); ++c) deviations[c] -= nominal[c];
    deviations.resize(static_cast<std::size_t>(n));
    // Thresholds are listed as the bitline falls: the highest code first.
    std::reverse(deviations.begin(), deviations.end());
    dies.push_back(std::move(deviations));
  }
  return dies;
}

}  // namespace flare::studies
