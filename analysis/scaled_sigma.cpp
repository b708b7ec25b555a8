#include "analysis/scaled_sigma.hpp"

#include <fmt/format.h>

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <vector>

namespace flare::analysis {
namespace {

struct Share {
  double scale;
  double runs;
  double hits;
};

double measure(EvaluationLedger& ledger, double scale, std::uint64_t runs, NormalStream& random,
               Purpose purpose) {
  const engine::Matrix points =
      scale * random.normal_matrix(static_cast<Eigen::Index>(runs), ledger.dimension());
  const std::vector<Outcome> outcomes = ledger.evaluate(points, purpose);
  return static_cast<double>(
      std::count_if(outcomes.begin(), outcomes.end(), [](const Outcome& o) { return o.failed; }));
}

}  // namespace

RareEventSummary scaled_sigma(EvaluationLedger& ledger, std::uint64_t count, NormalStream& random,
                              Purpose purpose) {
  RareEventSummary summary;
  summary.method = RareEventMethod::scaled_sigma;
  // The smallest scale at which failures are common enough to count, by a coarse walk outwards.
  const std::uint64_t probe = std::max<std::uint64_t>(40, count / 40);
  double lowest = 0.0;
  for (double scale = 1.25; scale <= 8.0 && lowest == 0.0; scale *= 1.25) {
    if (measure(ledger, scale, probe, random, Purpose::explore) >= 3.0) lowest = scale;
  }
  if (lowest == 0.0) {
    summary.reason = "no scale up to 8 sigma meets failures";
    return summary;
  }
  constexpr int scales = 6;
  const std::uint64_t each = (std::min(count, ledger.remaining())) / scales;
  std::vector<Share> shares;
  for (int i = 0; i < scales; ++i) {
    const double scale = lowest * (1.0 + 0.2 * i);
    const double hits = measure(ledger, scale, each, random, purpose);
    if (hits >= 5.0) shares.push_back({scale, static_cast<double>(each), hits});
  }
  if (shares.size() < 4) {
    summary.reason = fmt::format("only {} scales met 5 failures; 4 are needed", shares.size());
    return summary;
  }
  // Weighted least squares; the variance of ln P at a scale is (1 - P)/(n P).
  const auto n = static_cast<Eigen::Index>(shares.size());
  Eigen::MatrixXd design(n, 3);
  Eigen::VectorXd y(n), weight(n);
  for (Eigen::Index i = 0; i < n; ++i) {
    const Share& share = shares[static_cast<std::size_t>(i)];
    const double p = std::min(share.hits / share.runs, 1.0 - 0.5 / share.runs);
    design.row(i) << 1.0, std::log(share.scale), -1.0 / (share.scale * share.scale);
    y(i) = std::log(p);
    weight(i) = share.runs * p / (1.0 - p);
  }
  const Eigen::Matrix3d gram = design.transpose() * weight.asDiagonal() * design;
  const Eigen::LDLT<Eigen::Matrix3d> solver(gram);
  const Eigen::Vector3d fit = solver.solve(design.transpose() * (weight.asDiagonal() * y));
  const Eigen::Vector3d at(1.0, 0.0, -1.0);  // s = 1
  const double variance = at.dot(solver.solve(at));
  summary.log_p = at.dot(fit);
  if (!std::isfinite(summary.log_p) || !(summary.log_p < 0.0)) {
    summary.reason = "the fit over the scales gives no probability at 1 sigma";
    summary.log_p = std::numeric_limits<double>::quiet_NaN();
    return summary;
  }
  summary.status = EstimateStatus::extrapolated;
  const double width = 1.96 * std::sqrt(variance);
  summary.log_p_low = summary.log_p - width;
  summary.log_p_high = std::min(0.0, summary.log_p + width);
  summary.diagnostics.coefficient_of_variation = std::sqrt(variance);
  summary.diagnostics.search.push_back(
      fmt::format("scales {:.2f} to {:.2f}", shares.front().scale, shares.back().scale));
  return summary;
}

}  // namespace flare::analysis
