#include "analysis/rare_event/sampling/scaled_sigma.hpp"

#include <fmt/format.h>

#include <Eigen/Cholesky>
#include <algorithm>
#include <boost/math/distributions/chi_squared.hpp>
#include <cmath>
#include <optional>
#include <vector>

#include "analysis/tails/interval.hpp"
#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {
namespace {

constexpr double rare_share = 0.15;    // the walk outwards ends where this many fail
constexpr double largest_scale = 8.0;  // of the walk
constexpr int scales = 6;
constexpr double fewest_hits = 20.0;     // expected at the smallest scale of a half-space
constexpr double contradicted = 0.001;   // of the deviance's law
constexpr double widest_in_sigma = 1.5;  // half the hull; beyond it the formula decides, not the runs

struct Share {
  double scale;
  double runs;
  double hits;
};

Share measure(EvaluationLedger& ledger, double scale, std::uint64_t runs, NormalStream& random,
              Purpose purpose) {
  const engine::Matrix points =
      scale * random.normal_matrix(static_cast<Eigen::Index>(runs), ledger.dimension());
  const std::vector<Evaluated> outcomes = ledger.evaluate(points, purpose);
  const auto hits =
      std::count_if(outcomes.begin(), outcomes.end(), [](const Evaluated& o) { return o.failed; });
  return {scale, static_cast<double>(runs), static_cast<double>(hits)};
}

/// ln P at s = 1 with its standard error.
struct Reading {
  double log_p = 0.0;
  double error = 0.0;
  double deviance = 0.0;
  bool rises = false;  // inwards, which the formula of distant failures never does: c clearly below 0
};

double deviance_of(const Share& share, double p) {
  const double misses = share.runs - share.hits;
  double sum = -misses * std::log1p(-p);
  if (share.hits > 0.0) sum += share.hits * std::log(share.hits / share.runs / p);
  if (misses > 0.0) sum += misses * std::log(misses / share.runs);
  return 2.0 * sum;
}

// Fisher scoring of binomial counts with ln P linear in the columns of `design`, from a fit to smoothed logs.
// `at`: the row at s = 1; `offset`: known part of ln P, by share. The last column is the one that must not rise.
std::optional<Reading> fit(const std::vector<Share>& shares, const Eigen::MatrixXd& design,
                           const Eigen::VectorXd& offset, const Eigen::VectorXd& at, double offset_at) {
  const auto n = static_cast<Eigen::Index>(shares.size());
  Eigen::VectorXd weight(n), working(n), eta(n);
  for (Eigen::Index i = 0; i < n; ++i) {
    const Share& share = shares[static_cast<std::size_t>(i)];
    eta(i) = std::log((share.hits + 0.5) / (share.runs + 1.0));
  }
  Eigen::VectorXd solution;
  Eigen::LDLT<Eigen::MatrixXd> information;
  for (int iteration = 0; iteration < 50; ++iteration) {
    for (Eigen::Index i = 0; i < n; ++i) {
      const Share& share = shares[static_cast<std::size_t>(i)];
      const double p = std::exp(std::min(eta(i), -1e-3));
      weight(i) = share.runs * p / (1.0 - p);
      working(i) = std::log(p) + (share.hits / share.runs - p) / p - offset(i);
    }
    information.compute(design.transpose() * weight.asDiagonal() * design);
    const Eigen::VectorXd next = information.solve(design.transpose() * (weight.asDiagonal() * working));
    if (!next.allFinite()) return std::nullopt;
    // Half steps: a share of 0 throws the first ones far.
    const bool settled = solution.size() > 0 && (next - solution).norm() < 1e-8 * (1.0 + next.norm());
    solution = solution.size() > 0 ? Eigen::VectorXd(0.5 * (solution + next)) : next;
    eta = (design * solution + offset).cwiseMin(-1e-3).cwiseMax(-50.0);
    if (settled) break;
  }
  Reading reading;
  reading.log_p = at.dot(solution) + offset_at;
  reading.error = std::sqrt(std::max(0.0, at.dot(information.solve(at))));
  const Eigen::VectorXd last = Eigen::VectorXd::Unit(design.cols(), design.cols() - 1);
  reading.rises = last.dot(solution) < -2.0 * std::sqrt(std::max(0.0, last.dot(information.solve(last))));
  for (Eigen::Index i = 0; i < n; ++i)
    reading.deviance += deviance_of(shares[static_cast<std::size_t>(i)], std::exp(eta(i)));
  if (!std::isfinite(reading.log_p) || !std::isfinite(reading.error)) return std::nullopt;
  return reading;
}

std::optional<Reading> fit_formula(const std::vector<Share>& shares) {
  const auto n = static_cast<Eigen::Index>(shares.size());
  Eigen::MatrixXd design(n, 3);
  for (Eigen::Index i = 0; i < n; ++i) {
    const double s = shares[static_cast<std::size_t>(i)].scale;
    design.row(i) << 1.0, std::log(s), -1.0 / (s * s);
  }
  return fit(shares, design, Eigen::VectorXd::Zero(n), Eigen::Vector3d(1.0, 0.0, -1.0), 0.0);
}

// ln P = a + ln Phi(-beta/s), by Gauss-Newton over beta: its derivative joins the design.
std::optional<Reading> fit_half_space(const std::vector<Share>& shares, double beta) {
  const auto n = static_cast<Eigen::Index>(shares.size());
  std::optional<Reading> reading;
  for (int iteration = 0; iteration < 20; ++iteration) {
    Eigen::MatrixXd design(n, 2);
    Eigen::VectorXd offset(n);
    for (Eigen::Index i = 0; i < n; ++i) {
      const double s = shares[static_cast<std::size_t>(i)].scale;
      design.row(i) << 1.0, normal_hazard(beta / s) / s;
      offset(i) = log_upper_tail(beta / s) + beta * design(i, 1);
    }
    design.col(1) *= -1.0;
    const double hazard = normal_hazard(beta);
    // With ln Phi taken to first order about beta the coefficient is the next beta.
    const Eigen::Vector2d slope_only(0.0, 1.0);
    const std::optional<Reading> next = fit(shares, design, offset, slope_only, 0.0);
    if (!next || !(next->log_p > 0.1)) return std::nullopt;
    const double moved = std::abs(next->log_p - beta);
    beta = std::clamp(next->log_p, 0.5 * beta, 2.0 * beta);
    reading =
        fit(shares, design, offset, Eigen::Vector2d(1.0, -hazard), log_upper_tail(beta) + beta * hazard);
    if (moved < 1e-6) break;
  }
  return reading;
}

class Extrapolation {
 public:
  Extrapolation(EvaluationLedger& ledger, NormalStream& random) : ledger_(ledger), random_(random) {}

  /// Why there is no number; empty where there is one.
  std::string run(std::uint64_t count, Purpose purpose) {
    const std::uint64_t probe = std::max<std::uint64_t>(40, count / 40);
    const std::uint64_t end = ledger_.counts().total() + std::min(count, ledger_.remaining());
    double top = 0.0;
    for (double scale = 1.0; scale <= largest_scale && top == 0.0; scale *= 1.12) {
      if (ledger_.counts().total() + probe > end) return "the budget ends on the way to the failures";
      const Share seen = measure(ledger_, scale, probe, random_, Purpose::explore);
      if (seen.hits >= rare_share * seen.runs) top = scale;
      if (scale > 1.0) continue;
      plain_ = seen;
      if (top > 0.0)
        return fmt::format("{:.0f} of {:.0f} runs at 1 sigma fail: plain Monte Carlo answers that", seen.hits,
                           seen.runs);
    }
    if (top == 0.0)
      return fmt::format("no scale up to {:.0f} sigma meets failures often enough", largest_scale);
    const std::uint64_t each = (end - ledger_.counts().total()) / scales;
    if (static_cast<double>(each) < 2.0 * fewest_hits) return "the budget ends on the way to the failures";
    // Of a half-space that fails as often at `top`; never below the spread that is asked about.
    const double beta = top * upper_tail_quantile(std::log(rare_share));
    const double bottom = std::clamp(
        beta / upper_tail_quantile(std::log(fewest_hits / static_cast<double>(each))), 1.0, 0.9 * top);
    for (int i = 0; i < scales; ++i) {
      const double scale = bottom + (top - bottom) * i / (scales - 1);
      shares_.push_back(measure(ledger_, scale, each, random_, purpose));
    }
    return read(beta);
  }

  double log_p() const { return log_p_; }
  double low() const { return low_; }
  double high() const { return high_; }
  double error() const { return error_; }
  const std::vector<Share>& shares() const { return shares_; }

 private:
  std::string read(double beta) {
    const auto met =
        std::count_if(shares_.begin(), shares_.end(), [](const Share& s) { return s.hits > 0.0; });
    if (met < 4) return fmt::format("only {} of {} scales met failures; 4 are needed", met, scales);
    const std::optional<Reading> all = fit_formula(shares_);
    if (!all || !(all->log_p < 0.0)) return "the fit over the scales gives no probability at 1 sigma";
    const boost::math::chi_squared law(static_cast<double>(scales - 3));
    const double limit = quantile(complement(law, contradicted));
    if (all->deviance > limit) {
      return fmt::format(
          "the failure shares at scales {:.2f} to {:.2f} do not follow the formula (deviance {:.0f} over "
          "{:.0f})",
          shares_.front().scale, shares_.back().scale, all->deviance, limit);
    }
    if (all->rises) return "the failure shares do not fall towards 1 sigma as those of distant failures do";
    log_p_ = all->log_p;
    error_ = all->error;
    low_ = log_p_ - 1.96 * error_;
    high_ = log_p_ + 1.96 * error_;
    const std::vector<Share> inner(shares_.begin(), shares_.end() - 1);
    widen(fit_formula(inner));
    widen(fit_half_space(shares_, beta));
    high_ = std::min(0.0, high_);
    return contradiction();
  }

  // A fit that fails to converge says nothing against the others.
  void widen(const std::optional<Reading>& other) {
    if (!other) return;
    low_ = std::min(low_, other->log_p - 1.96 * other->error);
    high_ = std::max(high_, other->log_p + 1.96 * other->error);
  }

  std::string contradiction() const {
    const BinomialInterval plain =
        clopper_pearson(static_cast<std::uint64_t>(plain_.hits), static_cast<std::uint64_t>(plain_.runs));
    if (low_ > std::log(plain.high) || high_ < std::log(std::max(plain.low, 1e-300))) {
      return fmt::format("{:.0f} of {:.0f} runs at 1 sigma failed, which the fit over the scales contradicts",
                         plain_.hits, plain_.runs);
    }
    const double half = 0.5 * (upper_tail_quantile(low_) - upper_tail_quantile(high_));
    if (!(half <= widest_in_sigma)) {
      return fmt::format(
          "what the scales {:.2f} to {:.2f} say of 1 sigma depends on the formula by +-{:.1f} sigma",
          shares_.front().scale, shares_.back().scale, half);
    }
    return {};
  }

  EvaluationLedger& ledger_;
  NormalStream& random_;
  Share plain_{1.0, 0.0, 0.0};
  std::vector<Share> shares_;
  double log_p_ = 0.0, low_ = 0.0, high_ = 0.0, error_ = 0.0;
};

}  // namespace

RareEventSummary scaled_sigma(EvaluationLedger& ledger, std::uint64_t count, NormalStream& random,
                              Purpose purpose) {
  RareEventSummary summary;
  summary.method = RareEventMethod::scaled_sigma;
  Extrapolation extrapolation(ledger, random);
  summary.reason = extrapolation.run(count, purpose);
  if (!extrapolation.shares().empty()) {
    summary.diagnostics.search.push_back(fmt::format("scales {:.2f} to {:.2f}",
                                                     extrapolation.shares().front().scale,
                                                     extrapolation.shares().back().scale));
  }
  if (!summary.reason.empty()) return summary;
  summary.status = TailStatus::extrapolated;
  summary.log_p = extrapolation.log_p();
  summary.log_p_low = extrapolation.low();
  summary.log_p_high = extrapolation.high();
  summary.diagnostics.coefficient_of_variation = extrapolation.error();
  return summary;
}

}  // namespace flare::analysis
