#include "analysis/auto_estimator.hpp"

#include <fmt/format.h>

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "analysis/failure_regions.hpp"
#include "analysis/importance_sampling.hpp"
#include "analysis/line_sampling.hpp"
#include "analysis/normal_tail.hpp"
#include "analysis/plain_monte_carlo.hpp"
#include "analysis/subset_simulation.hpp"

namespace flare::analysis {
namespace {

using engine::Matrix;
using engine::Vector;

constexpr std::size_t max_pilot_rounds = 3;
constexpr Eigen::Index max_scan_dimension = 30;

struct LinearModel {
  double at_origin = 0.0;
  Vector slope;
  double r2 = 0.0;  // leave-one-out
};

// Ordinary least squares of the margin on x; r2 from leave-one-out residuals.
std::optional<LinearModel> fit_linear(const Matrix& points, const std::vector<Outcome>& outcomes) {
  const Eigen::Index n = points.rows(), d = points.cols();
  if (n < d + 12) return std::nullopt;
  Matrix design(n, d + 1);
  Vector y(n);
  design.leftCols(d) = points;
  design.col(d).setOnes();
  for (Eigen::Index i = 0; i < n; ++i) {
    const Outcome& outcome = outcomes[static_cast<std::size_t>(i)];
    if (!outcome.has_margin) return std::nullopt;
    y(i) = outcome.margin;
  }
  const Eigen::LDLT<Eigen::MatrixXd> gram(Eigen::MatrixXd(design.transpose() * design));
  const Vector fit = gram.solve(design.transpose() * y);
  const Eigen::MatrixXd influence = gram.solve(design.transpose());
  double press = 0.0;
  const double total = (y.array() - y.mean()).square().sum();
  for (Eigen::Index i = 0; i < n; ++i) {
    const double leverage = design.row(i).dot(influence.col(i));
    const double residual = (y(i) - design.row(i).dot(fit)) / std::max(1e-9, 1.0 - leverage);
    press += residual * residual;
  }
  if (!(total > 0.0)) return std::nullopt;
  return LinearModel{fit(d), fit.head(d), 1.0 - press / total};
}

// r2 of a given linear model on points it was not fitted to.
double explained_variance(const LinearModel& model, const Matrix& points,
                          const std::vector<Outcome>& outcomes) {
  double residual = 0.0, sum = 0.0, squares = 0.0;
  for (Eigen::Index i = 0; i < points.rows(); ++i) {
    const Outcome& outcome = outcomes[static_cast<std::size_t>(i)];
    if (!outcome.has_margin) return 0.0;
    const double error = outcome.margin - model.at_origin - points.row(i).dot(model.slope);
    residual += error * error;
    sum += outcome.margin;
    squares += outcome.margin * outcome.margin;
  }
  const auto n = static_cast<double>(points.rows());
  const double total = squares - sum * sum / n;
  return total > 0.0 ? 1.0 - residual / total : 0.0;
}

class AutoEstimator {
 public:
  AutoEstimator(EvaluationLedger& ledger, const RareEventOptions& options, std::string_view label)
      : ledger_(ledger), options_(options), random_(options.seed, label, 0) {}

  RareEventSummary run() {
    try {
      look_around();
      if (crude_suffices()) return monte_carlo();
      explore();
      if (regions_.empty()) return nothing_found();
      return estimate();
    } catch (const BudgetSpent& error) {
      return refused(error.what());
    } catch (const StopRequested& error) {
      return refused(error.what());
    }
  }

 private:
  // --- plain runs at nominal spread ---------------------------------------------------------------------
  void look_around() {
    const Eigen::Index d = ledger_.dimension();
    const bool warm = options_.trust_neighbour && !options_.warm_starts.empty();
    const auto count =
        warm ? Eigen::Index{24} : (d <= 150 ? std::max<Eigen::Index>(60, (14 * d) / 10 + 30) : 60);
    origin_ = ledger_.evaluate_one(Vector::Zero(d), Purpose::explore);
    plain_ = random_.normal_matrix(count, d);
    plain_outcomes_ = ledger_.evaluate(plain_, Purpose::explore);
    for (const Outcome& outcome : plain_outcomes_) plain_failures_ += outcome.failed ? 1 : 0;
    note(fmt::format("{} plain runs, {} failed", count, plain_failures_));
  }

  std::uint64_t crude_runs_needed() const {
    const auto n = static_cast<double>(plain_.rows());
    const double p = (static_cast<double>(plain_failures_) + 0.5) / (n + 1.0);
    return monte_carlo_runs_for(p, options_.target_half_width);
  }

  bool crude_suffices() const {
    const auto n = static_cast<std::size_t>(plain_.rows());
    if (plain_failures_ == n) return true;
    return plain_failures_ * 20 >= n && crude_runs_needed() <= ledger_.remaining();
  }

  RareEventSummary monte_carlo() {
    const std::uint64_t count = std::clamp<std::uint64_t>(crude_runs_needed(), 100, ledger_.remaining());
    RareEventSummary summary = plain_monte_carlo(ledger_, count, random_, Purpose::estimate);
    return finish(std::move(summary));
  }

  // --- exploration --------------------------------------------------------------------------------------
  void explore() {
    RegionFinder finder(ledger_, random_, !origin_.failed, options_.max_regions);
    if (!nearly_linear(finder)) search_widely(finder);
    unseen_ = finder.starts() > 0 ? finder.unseen_share() : 0.0;
    finder.drop_negligible();
    regions_ = std::move(finder.regions());
  }

  // One plane explains the margin, near and far: its direction is the region and the wide search is not
  // needed.
  bool nearly_linear(RegionFinder& finder) {
    if (!ledger_.margins() || origin_.failed || !origin_.has_margin) return false;
    const Eigen::Index d = ledger_.dimension();
    linear_ = fit_linear(plain_, plain_outcomes_);
    if (!linear_ && static_cast<std::uint64_t>(d + 1) * 5 < ledger_.remaining() * 3) {
      const Gradient gradient = finite_difference(ledger_, Vector::Zero(d), 0.1, Purpose::explore);
      if (gradient.slope.size() > 0) {
        linear_ = LinearModel{gradient.margin, gradient.slope, 0.0};
        linear_->r2 = explained_variance(*linear_, plain_, plain_outcomes_);
      }
    }
    if (!linear_ || linear_->r2 < 0.9 || linear_->at_origin <= 0.0) return false;
    const double steepness = linear_->slope.norm();
    LineRegion region(-linear_->slope, linear_->at_origin / steepness);
    region.steepness = steepness;
    region.root.spread = 0.3;
    const double scale = std::clamp(region.root.offset / 1.5, 1.5, d <= max_scan_dimension ? 3.0 : 2.0);
    const Matrix far = scale * random_.normal_matrix(40, d);
    const std::vector<Outcome> outcomes = ledger_.evaluate(far, Purpose::explore);
    const double r2_far = explained_variance(*linear_, far, outcomes);
    note(fmt::format("a plane explains {:.3f} of the margin's variance at 1 sigma, {:.3f} at {:.1f} sigma",
                     linear_->r2, r2_far, scale));
    if (r2_far < 0.9) return false;
    finder.regions().push_back(region);
    finder.count_found(1);
    std::vector<Vector> failing;
    for (Eigen::Index i = 0; i < far.rows(); ++i)
      if (outcomes[static_cast<std::size_t>(i)].failed) failing.push_back(far.row(i));
    finder.add(failing, true);
    return true;
  }

  void search_widely(RegionFinder& finder) {
    const Eigen::Index d = ledger_.dimension();
    for (const Vector& start : options_.warm_starts) {
      if (ledger_.evaluate_one(1.02 * start, Purpose::explore).failed) finder.add({1.02 * start}, false);
    }
    if (ledger_.margins() && plain_failures_ < static_cast<std::size_t>(plain_.rows()) / 4) {
      subset_ = subset_simulation(ledger_, {}, plain_, plain_outcomes_, random_, Purpose::explore);
      note(fmt::format("subset simulation: {} levels, {}", subset_->levels,
                       subset_->reached
                           ? fmt::format("log10 P = {:.2f} +- {:.2f}", subset_->log_p / std::log(10.0),
                                         subset_->log_sd / std::log(10.0))
                           : std::string("failure not reached")));
    }
    std::vector<Vector> failing;
    if (subset_ && subset_->reached) {
      finder.set_population(subset_->failing);
      for (Eigen::Index i = 0; i < subset_->failing.rows() && failing.size() < 15; ++i)
        failing.push_back(subset_->failing.row(i));
    } else {
      for (Eigen::Index i = 0; i < plain_.rows(); ++i)
        if (plain_outcomes_[static_cast<std::size_t>(i)].failed && failing.size() < 15)
          failing.push_back(plain_.row(i));
    }
    finder.add(failing, false, d > 60 ? 3 : -1);
    if (d <= max_scan_dimension) {
      finder.scan(std::min<std::size_t>(600, ledger_.remaining() / 4));
      note(fmt::format("scan at inflated sigma: {} failing starts, {} regions, unseen share {:.2f}",
                       finder.starts(), finder.regions().size(), finder.unseen_share()));
    }
    finder.shape_from_population();
  }

  // --- engines ------------------------------------------------------------------------------------------
  struct Forecast {
    double runs = 1e300;  // predicted for the target
    double log_p = 0.0;
    double log_scale = 0.0;
    bool usable = false;
  };

  double target_cov(double log_p) const {
    const double sigma = upper_tail_quantile(log_p);
    return 0.85 * options_.target_half_width * normal_hazard(sigma) / 1.96;
  }

  double nearest() const {
    double best = 1e300;
    for (const LineRegion& region : regions_) best = std::min(best, region.root.offset);
    return best;
  }

  std::size_t pilot_lines() const {
    const std::size_t k = regions_.size();
    return k == 1 ? 24 : (k <= 4 ? 16 : 10);
  }

  // Rounds of lines, each from a law refitted to all before it; the last round's spread sets the sample
  // sizes.
  Forecast pilot() {
    Forecast forecast;
    for (std::size_t round = 0; round < max_pilot_rounds; ++round) {
      LineOptions options;
      options.tolerance = 0.02;
      const std::uint64_t before = ledger_.counts().pilot;
      const std::vector<std::size_t> counts(regions_.size(), pilot_lines());
      std::vector<LineResult> lines =
          sample_lines(ledger_, regions_, counts, options, random_, Purpose::pilot);
      const auto cost = static_cast<double>(ledger_.counts().pilot - before);
      const auto made = static_cast<double>(lines.size());
      double best = -1e300;
      for (const LineResult& line : lines) best = std::max(best, line.log_value);
      if (!(best > -1e299)) return forecast;
      const std::vector<Stratum> strata = line_strata(lines, regions_.size(), best);
      const WeightedEstimate estimate = summarize(strata, best);
      pilot_lines_.insert(pilot_lines_.end(), lines.begin(), lines.end());
      const double previous = forecast.runs;
      forecast.log_p = estimate.log_p;
      forecast.log_scale = estimate.log_p;
      spreads_.clear();
      double spread_sum = 0.0, mean_sum = 0.0;
      for (const Stratum& stratum : strata) {
        const auto n = static_cast<double>(stratum.values.size());
        const double mean = std::accumulate(stratum.values.begin(), stratum.values.end(), 0.0) / n;
        double squares = 0.0;
        for (const double v : stratum.values) squares += (v - mean) * (v - mean);
        spreads_.push_back(std::sqrt(squares / (n - 1.0)) + 0.1 * mean);
        spread_sum += spreads_.back();
        mean_sum += mean;
      }
      const double cov = target_cov(estimate.log_p);
      const double lines_needed = std::max(40.0, std::pow(spread_sum / mean_sum / cov, 2));
      forecast.runs = lines_needed * (cost / made + check_share_);
      forecast.usable = estimate.effective_samples > 4.0;
      adapt_regions(regions_, pilot_lines_);
      if (round > 0 && forecast.usable && forecast.runs > 0.7 * previous) break;
      if (forecast.usable && lines_needed <= 40.0) break;
    }
    note(fmt::format("pilot lines: {} regions, about {:.0f} runs to the target", regions_.size(),
                     forecast.runs));
    return forecast;
  }

  RareEventSummary estimate() {
    const Forecast forecast = pilot();
    RareEventSummary summary = estimate_by_lines(forecast);
    return audit(std::move(summary));
  }

  std::vector<std::size_t> allocate(double lines_needed) const {
    const double total = std::accumulate(spreads_.begin(), spreads_.end(), 0.0);
    std::vector<std::size_t> counts;
    for (const double spread : spreads_) {
      counts.push_back(static_cast<std::size_t>(std::ceil(std::max(8.0, lines_needed * spread / total))));
    }
    return counts;
  }

  RareEventSummary estimate_by_lines(const Forecast& forecast) {
    LineOptions options;
    options.log_scale = forecast.log_scale;
    options.log_negligible = forecast.log_p - 9.0;
    options.check_share = check_share_;
    options.tolerance = 0.01;
    const double per_line = forecast.usable ? 4.0 : 5.0;
    double lines_needed = std::max(40.0, forecast.runs / 3.0);
    std::vector<LineResult> lines;
    WeightedEstimate estimate;
    for (int stage = 0; stage < 4; ++stage) {
      const double affordable = static_cast<double>(ledger_.remaining()) / per_line;
      if (affordable < 8.0) break;
      std::vector<std::size_t> counts = allocate(std::min(lines_needed, affordable));
      const std::uint64_t floor = std::accumulate(counts.begin(), counts.end(), std::size_t{0});
      if (static_cast<double>(floor) > affordable) break;
      std::vector<LineResult> fresh =
          sample_lines(ledger_, regions_, counts, options, random_, Purpose::estimate);
      lines.insert(lines.end(), fresh.begin(), fresh.end());
      estimate = summarize(line_strata(lines, regions_.size(), options.log_scale), options.log_scale);
      const double half = half_width(estimate);
      if (half <= options_.target_half_width && estimate.objection().empty()) break;
      const double ratio = std::pow(half / (0.9 * options_.target_half_width), 2);
      lines_needed = std::max(20.0, static_cast<double>(lines.size()) * std::clamp(ratio - 1.0, 0.3, 4.0));
      if (!std::isfinite(lines_needed)) lines_needed = static_cast<double>(lines.size());
    }
    if (lines.empty()) return refused("the budget does not cover the estimate after exploring");
    RareEventSummary summary = from_estimate(estimate, RareEventMethod::line_sampling);
    for (std::size_t k = 0; k < regions_.size(); ++k) {
      const LineRegion& region = regions_[k];
      summary.regions.push_back(
          {region.most_probable_point, region.most_probable_point.norm(), estimate.shares[k]});
    }
    return summary;
  }

  static double half_width(const WeightedEstimate& estimate) {
    return 0.5 * (upper_tail_quantile(estimate.log_low) - upper_tail_quantile(estimate.log_high));
  }

  RareEventSummary from_estimate(const WeightedEstimate& estimate, RareEventMethod method) {
    RareEventSummary summary;
    summary.method = method;
    summary.diagnostics.effective_samples = estimate.effective_samples;
    summary.diagnostics.max_weight_share = estimate.max_weight_share;
    summary.diagnostics.pareto_k = estimate.pareto_k;
    summary.diagnostics.coefficient_of_variation = estimate.coefficient_of_variation;
    summary.reason = estimate.objection();
    if (!summary.reason.empty()) return summary;
    summary.status = EstimateStatus::estimated;
    summary.log_p = estimate.log_p;
    summary.log_p_low = estimate.log_low;
    summary.log_p_high = std::min(0.0, estimate.log_high + std::log1p(unseen_));
    return summary;
  }

  // --- audit and endings ----------------------------------------------------------------------------------
  RareEventSummary audit(RareEventSummary summary) {
    if (subset_ && subset_->reached) {
      summary.diagnostics.subset_log10_p = subset_->log_p / std::log(10.0);
      if (summary.status == EstimateStatus::estimated) {
        const double gap = std::abs(subset_->log_p - summary.log_p);
        summary.diagnostics.subset_alarm = gap > 3.0 * subset_->log_sd;
        if (summary.diagnostics.subset_alarm) {
          return finish(
              refuse(std::move(summary), "subset simulation disagrees beyond 3 standard deviations"));
        }
      }
    }
    return finish(std::move(summary));
  }

  static RareEventSummary refuse(RareEventSummary summary, std::string reason) {
    summary.status = EstimateStatus::refused;
    summary.reason = std::move(reason);
    summary.log_p = summary.log_p_low = summary.log_p_high = std::numeric_limits<double>::quiet_NaN();
    return summary;
  }

  RareEventSummary refused(std::string reason) { return finish(refuse({}, std::move(reason))); }

  RareEventSummary nothing_found() {
    if (plain_failures_ > 0) {
      return finish(plain_monte_carlo(ledger_, ledger_.remaining(), random_, Purpose::estimate));
    }
    RareEventSummary summary = finish({});
    const BinomialInterval limits = clopper_pearson(0, static_cast<std::uint64_t>(plain_.rows()));
    summary.status = EstimateStatus::bound;
    summary.reason = "no failure was found; the bound is that of the plain runs";
    summary.method = RareEventMethod::monte_carlo;
    summary.log_p = summary.log_p_high = std::log(limits.high);
    summary.log_p_low = -std::numeric_limits<double>::infinity();
    return summary;
  }

  RareEventSummary finish(RareEventSummary summary) {
    summary.diagnostics.search = search_;
    summary.diagnostics.unseen_share = unseen_;
    std::sort(summary.regions.begin(), summary.regions.end(),
              [](const FailureRegion& a, const FailureRegion& b) { return a.share > b.share; });
    return summary;
  }

  void note(std::string line) { search_.push_back(std::move(line)); }

  EvaluationLedger& ledger_;
  const RareEventOptions& options_;
  NormalStream random_;
  Outcome origin_;
  Matrix plain_;
  std::vector<Outcome> plain_outcomes_;
  std::size_t plain_failures_ = 0;
  std::optional<LinearModel> linear_;
  std::optional<SubsetResult> subset_;
  std::vector<LineRegion> regions_;
  std::vector<LineResult> pilot_lines_;
  std::vector<double> spreads_;
  double unseen_ = 0.0;
  double check_share_ = 0.3;
  std::vector<std::string> search_;
};

}  // namespace

RareEventSummary estimate_automatically(EvaluationLedger& ledger, const RareEventOptions& options,
                                        std::string_view label) {
  return AutoEstimator(ledger, options, label).run();
}

}  // namespace flare::analysis
