#include "analysis/auto_estimator.hpp"

#include <fmt/format.h>

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <tuple>
#include <utility>

#include "analysis/failure_regions.hpp"
#include "analysis/importance_sampling.hpp"
#include "analysis/line_sampling.hpp"
#include "analysis/normal_tail.hpp"
#include "analysis/plain_monte_carlo.hpp"
#include "analysis/radial_sampling.hpp"
#include "analysis/subset_simulation.hpp"

namespace flare::analysis {
namespace {

using engine::Matrix;
using engine::Vector;

constexpr Eigen::Index max_scan_dimension = 30;

struct LinearModel {
  double at_origin = 0.0;
  Vector slope;
  double r2 = 0.0;  // leave-one-out
  // Correction seen at an inflated scale: shift + bend |x|^2, with a typical error left.
  double shift = 0.0;
  double bend = 0.0;
  double error = 0.0;
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
  LinearModel model;
  model.at_origin = fit(d);
  model.slope = fit.head(d);
  model.r2 = 1.0 - press / total;
  return model;
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
    RareEventSummary summary = guarded([&] { return estimate_once(true); });
    if (!ledger_.saw_unknown() || stopped_ || summary.bracketed) return summary;
    return bracket(std::move(summary));
  }

 private:
  template <class F>
  RareEventSummary guarded(F step) {
    try {
      return step();
    } catch (const BudgetSpent& error) {
      return refused(error.what());
    } catch (const StopRequested& error) {
      stopped_ = true;
      return refused(error.what());
    }
  }

  RareEventSummary estimate_once(bool first) {
    if (first) {
      look_around();
    } else {
      read_unknown_as_failed();
    }
    if (crude_suffices()) return monte_carlo();
    if (first) {
      explore();
    } else {
      explore_unknown();
    }
    if (regions_.empty()) return nothing_found();
    return estimate();
  }

  // --- unknown runs -------------------------------------------------------------------------------------
  // `passing` is the estimate with every unknown run read as a pass. The same again with all of them read as
  // failures, from the same exploration plus the unknown points themselves.
  RareEventSummary bracket(RareEventSummary passing) {
    ledger_.release();
    ledger_.set_unknown_as(UnknownAs::fail);
    note("again, with unknown runs read as failures");
    RareEventSummary failing = guarded([&] { return estimate_once(false); });
    if (stopped_) return failing;
    if (failing.status == EstimateStatus::refused) failing = crude_limit();
    RareEventSummary summary = std::move(passing);
    summary.diagnostics.search = search_;
    if (summary.status == EstimateStatus::refused) {
      summary.log_p_low = -std::numeric_limits<double>::infinity();
      summary.log_p_unknown_pass = summary.log_p_low;
      summary.reason = "only an upper limit: " + summary.reason;
    } else {
      summary.log_p_unknown_pass = summary.log_p;
    }
    const bool two_sided = summary.status == EstimateStatus::estimated;
    summary.status = two_sided ? EstimateStatus::estimated : EstimateStatus::bound;
    summary.bracketed = true;
    summary.log_p_unknown_fail = failing.log_p;
    summary.log_p = two_sided ? failing.log_p : failing.log_p_high;
    summary.log_p_high = failing.log_p_high;
    return summary;
  }

  void read_unknown_as_failed() {
    for (Outcome& outcome : plain_outcomes_) outcome.failed = outcome.failed || outcome.unknown;
    origin_.failed = origin_.failed || origin_.unknown;
    plain_failures_ = static_cast<std::size_t>(std::count_if(plain_outcomes_.begin(), plain_outcomes_.end(),
                                                             [](const Outcome& o) { return o.failed; }));
  }

  void explore_unknown() {
    RegionFinder finder(ledger_, random_, !origin_.failed, options_.max_regions);
    finder.regions() = regions_;
    finder.count_found(2);
    finder.add(ledger_.unknown_points(), true, 6);
    unseen_ = std::max(unseen_, finder.unseen_share());
    finder.drop_negligible();
    regions_ = std::move(finder.regions());
    subset_.reset();  // its levels passed over the unknown runs
  }

  // The binomial limit of what is left of the budget, spent on plain runs.
  RareEventSummary crude_limit() {
    return guarded([&] {
      const std::uint64_t count = std::min<std::uint64_t>(ledger_.remaining(), 2000);
      if (count >= 50) return plain_monte_carlo(ledger_, count, random_, Purpose::estimate);
      RareEventSummary summary;
      const BinomialInterval limits = clopper_pearson(plain_failures_, plain_outcomes_.size());
      summary.log_p = summary.log_p_high = std::log(limits.high);
      return summary;
    });
  }

  // --- plain runs at nominal spread ---------------------------------------------------------------------
  void look_around() {
    const Eigen::Index d = ledger_.dimension();
    const auto count =
        trusting() ? Eigen::Index{24} : (d <= 150 ? std::max<Eigen::Index>(60, (14 * d) / 10 + 30) : 60);
    origin_ = ledger_.evaluate_one(Vector::Zero(d), Purpose::explore);
    std::tie(plain_, plain_outcomes_) = draws(1.0, count);
    for (const Outcome& outcome : plain_outcomes_) plain_failures_ += outcome.failed ? 1 : 0;
    note(fmt::format("{} plain runs, {} failed", plain_.rows(), plain_failures_));
    if (ledger_.saw_unknown()) ledger_.hold_back(options_.max_runs * 45 / 100);
  }

  // At least `count` draws of scale * N(0, I): known ones of about that scale, else new ones.
  std::pair<Matrix, std::vector<Outcome>> draws(double scale, Eigen::Index count) {
    for (const ScaledDraws& known : options_.known) {
      if (known.points.rows() < count || std::abs(std::log(known.scale / scale)) > std::log(1.2)) continue;
      note(fmt::format("{} known draws at {:.1f} sigma", known.points.rows(), known.scale));
      return {known.points, ledger_.take_in(known.points, known.responses)};
    }
    ScaledDraws made;
    made.scale = scale;
    made.points = scale * random_.normal_matrix(count, ledger_.dimension());
    std::vector<Outcome> outcomes = ledger_.evaluate(made.points, Purpose::explore);
    for (const Outcome& outcome : outcomes) {
      made.responses.push_back(outcome.unknown      ? Response::unknown()
                               : outcome.has_margin ? Response::margin(outcome.margin)
                               : outcome.failed     ? Response::fail()
                                                    : Response::pass());
    }
    draws_.push_back(std::move(made));
    return {draws_.back().points, std::move(outcomes)};
  }

  std::uint64_t crude_runs_needed() const {
    const auto n = static_cast<double>(plain_.rows());
    const double p = (static_cast<double>(plain_failures_) + 0.5) / (n + 1.0);
    return monte_carlo_runs_for(p, options_.target_half_width);
  }

  bool crude_suffices() const {
    const auto n = static_cast<std::size_t>(plain_.rows());
    if (2 * plain_failures_ >= n) return true;
    return plain_failures_ * 20 >= n && crude_runs_needed() <= ledger_.remaining();
  }

  RareEventSummary monte_carlo() {
    const std::uint64_t count = std::min(crude_runs_needed(), ledger_.remaining());
    RareEventSummary summary = plain_monte_carlo(ledger_, count, random_, Purpose::estimate);
    return finish(std::move(summary));
  }

  // --- exploration --------------------------------------------------------------------------------------
  void explore() {
    RegionFinder finder(ledger_, random_, !origin_.failed, options_.max_regions);
    const bool planar = nearly_linear(finder);
    if (!planar) search_widely(finder);
    unseen_ = planar || finder.starts() == 0 ? 0.0 : finder.unseen_share();
    starts_ = finder.starts();
    finder.drop_negligible();
    regions_ = std::move(finder.regions());
  }

  bool trusting() const { return options_.trust_neighbour && !options_.warm_starts.empty(); }

  // The plane that a neighbouring problem's nearest failing point suggests; nothing where it does not fit
  // here.
  std::optional<LinearModel> linear_from_neighbour() {
    const Vector& start = options_.warm_starts.front();
    const Outcome outcome = ledger_.evaluate_one(start, Purpose::explore);
    if (!outcome.has_margin || !(outcome.margin < origin_.margin)) return std::nullopt;
    LinearModel model;
    model.at_origin = origin_.margin;
    model.slope = -(origin_.margin - outcome.margin) / start.squaredNorm() * start;
    model.r2 = explained_variance(model, plain_, plain_outcomes_);
    if (model.r2 < 0.85) return std::nullopt;
    return model;
  }

  // One plane explains the margin, near and far: its direction is the region and the wide search is not
  // needed.
  bool nearly_linear(RegionFinder& finder) {
    if (!ledger_.margins() || origin_.failed || !origin_.has_margin) return false;
    const Eigen::Index d = ledger_.dimension();
    if (trusting()) linear_ = linear_from_neighbour();
    if (!linear_) linear_ = fit_linear(plain_, plain_outcomes_);
    if (!linear_ && static_cast<std::uint64_t>(d + 1) * 5 < ledger_.remaining() * 3) {
      const Gradient gradient = finite_difference(ledger_, Vector::Zero(d), 0.1, Purpose::explore);
      if (gradient.slope.size() > 0) {
        linear_ = LinearModel{gradient.margin, gradient.slope};
        linear_->r2 = explained_variance(*linear_, plain_, plain_outcomes_);
      }
    }
    if (!linear_ || linear_->r2 < 0.85 || linear_->at_origin <= 0.0) return false;
    const double steepness = linear_->slope.norm();
    LineRegion region(-linear_->slope, linear_->at_origin / steepness);
    region.steepness = steepness;
    region.root.spread = 0.3;
    std::vector<Vector> failing;
    const double r2_far = look_far(std::clamp(region.root.offset / 1.5, 1.5, 3.0), failing);
    if (r2_far < 0.9) return false;
    finder.regions().push_back(region);
    finder.count_found(1);
    // Further out only failures count: a cliff that the plane does not know of.
    const auto [farther, outcomes] =
        draws(std::clamp(region.root.offset / 1.2, 2.0, 4.5), trusting() ? 15 : 40);
    for (Eigen::Index i = 0; i < farther.rows(); ++i)
      if (outcomes[static_cast<std::size_t>(i)].failed && surprising(farther.row(i)))
        failing.push_back(farther.row(i));
    if (failing.size() > 8) failing.resize(8);
    const std::size_t surprises = failing.size();
    finder.add(failing, true, 2);
    if (finder.regions().size() == 1 && finder.all_placed()) return true;
    note(fmt::format("but {} failures were met where it predicts none", surprises));
    return false;
  }

  bool surprising(const Vector& failing) const {
    const double predicted = linear_->at_origin + linear_->shift + linear_->slope.dot(failing) +
                             linear_->bend * failing.squaredNorm();
    return predicted > 3.0 * linear_->error + 0.05 * linear_->at_origin;
  }

  // r2 of the linear model at an inflated scale, an isotropic bend apart: mild curvature is not held against
  // it.
  double look_far(double scale, std::vector<Vector>& failing) {
    const auto [far, outcomes] = draws(scale, trusting() ? 30 : 60);
    double weight = 0.0, total = 0.0, bend = 0.0, mean = 0.0, mean_r2 = 0.0;
    const auto n = static_cast<double>(far.rows());
    std::vector<double> residuals, r2s;
    for (Eigen::Index i = 0; i < far.rows(); ++i) {
      const Outcome& outcome = outcomes[static_cast<std::size_t>(i)];
      if (!outcome.has_margin) return 0.0;
      residuals.push_back(outcome.margin - linear_->at_origin - far.row(i).dot(linear_->slope));
      r2s.push_back(far.row(i).squaredNorm());
      mean += residuals.back() / n;
      mean_r2 += r2s.back() / n;
    }
    for (std::size_t i = 0; i < residuals.size(); ++i) {
      bend += (residuals[i] - mean) * (r2s[i] - mean_r2);
      weight += (r2s[i] - mean_r2) * (r2s[i] - mean_r2);
      total += std::pow(linear_->slope.dot(far.row(static_cast<Eigen::Index>(i))), 2);
    }
    bend /= weight;
    double left = 0.0;
    for (std::size_t i = 0; i < residuals.size(); ++i)
      left += std::pow(residuals[i] - mean - bend * (r2s[i] - mean_r2), 2);
    const double r2 = 1.0 - left / (total + left);
    linear_->bend = bend;
    linear_->shift = mean - bend * mean_r2;
    linear_->error = std::sqrt(left / n);
    for (Eigen::Index i = 0; i < far.rows(); ++i)
      if (outcomes[static_cast<std::size_t>(i)].failed && surprising(far.row(i)))
        failing.push_back(far.row(i));
    note(fmt::format(
        "a plane explains {:.3f} of the margin's variance at 1 sigma, with a bend {:.3f} at {:.1f} sigma",
        linear_->r2, r2, scale));
    return r2;
  }

  // Where inflated sigma hardly meets failures, an independent second subset simulation is the other witness.
  void second_opinion(RegionFinder& finder) {
    if (finder.starts() >= 8 || origin_.failed || !subset_ || !subset_->reached) return;
    SubsetOptions options;
    options.max_runs = ledger_.remaining() / 2;
    options.population = 80;
    const SubsetResult other = subset_simulation(ledger_, options, {}, {}, random_, Purpose::explore);
    if (!other.reached) return;
    std::vector<Vector> failing;
    for (Eigen::Index i = 0; i < other.failing.rows() && failing.size() < 15; ++i)
      failing.push_back(other.failing.row(i));
    finder.add(failing, false, ledger_.dimension() > 60 ? 1 : -1);
    finder.count_population(subset_->failing);
    finder.count_population(other.failing);
    note(fmt::format("second subset simulation: log10 P = {:.2f}", other.log_p / std::log(10.0)));
  }

  std::size_t scan_runs() const {
    const std::size_t most = ledger_.dimension() <= max_scan_dimension
                                 ? 1500
                                 : 300 + 3 * static_cast<std::size_t>(ledger_.dimension());
    const std::uint64_t share =
        ledger_.margins() ? 35 : 55;  // percent; nothing else searches without margins
    return std::min<std::size_t>(most, std::min(options_.max_runs * share / 100, ledger_.remaining() / 2));
  }

  void search_widely(RegionFinder& finder) {
    const Eigen::Index d = ledger_.dimension();
    for (const Vector& start : options_.warm_starts) {
      if (ledger_.evaluate_one(1.02 * start, Purpose::explore).failed) finder.add({1.02 * start}, false);
    }
    if (ledger_.margins() && plain_failures_ < static_cast<std::size_t>(plain_.rows()) / 4) {
      SubsetOptions options;
      options.max_runs = options_.max_runs * 45 / 100;
      subset_ = subset_simulation(ledger_, options, plain_, plain_outcomes_, random_, Purpose::explore);
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
    finder.add(failing, false, origin_.failed ? 1 : (d > 60 ? 3 : -1));
    {
      if (!origin_.failed) finder.scan(scan_runs(), 3.0, ledger_.margins() ? 8 : 40);
      second_opinion(finder);
      note(fmt::format("scan at inflated sigma: {} failing starts, {} regions, unseen share {:.2f}",
                       finder.starts(), finder.regions().size(), finder.unseen_share()));
    }
    finder.shape_from_population();
  }

  // --- engines ------------------------------------------------------------------------------------------
  // A frozen proposal and what its pilot promises.
  struct Plan {
    RareEventMethod method = RareEventMethod::line_sampling;
    std::string name;
    std::vector<LineRegion> regions;
    MixtureProposal mixture;
    std::vector<LineResult> lines;  // of the pilot
    std::vector<double> spreads;    // of each stratum, relative
    double values_needed = 0.0;     // lines, rays or runs to the target
    double runs_each = 1.0;
    double check_share = 0.3;  // of the values, looked at once more away from the root
    double log_p = 0.0;
    double cov = 1e300;      // of the pilot's mean
    double effective = 0.0;  // samples of the pilot
    bool usable = false;

    double runs() const { return values_needed * runs_each; }
  };

  double target_cov(double log_p) const {
    const double sigma = upper_tail_quantile(std::min(log_p, -1e-6));
    return 0.85 * options_.target_half_width * normal_hazard(sigma) / 1.96;
  }

  // Reads a pilot's strata into the plan.
  void judge(Plan& plan, const std::vector<Stratum>& strata, double log_scale, std::uint64_t cost) {
    const WeightedEstimate estimate = summarize(strata, log_scale);
    double made = 0.0, spread_sum = 0.0, mean_sum = 0.0;
    plan.spreads.clear();
    for (const Stratum& stratum : strata) {
      const auto n = static_cast<double>(stratum.values.size());
      const double mean = std::accumulate(stratum.values.begin(), stratum.values.end(), 0.0) / n;
      double squares = 0.0;
      for (const double v : stratum.values) squares += (v - mean) * (v - mean);
      plan.spreads.push_back(std::sqrt(squares / (n - 1.0)) + 0.1 * std::abs(mean));
      spread_sum += plan.spreads.back();
      mean_sum += mean;
      made += n;
    }
    plan.log_p = estimate.log_p;
    plan.cov = estimate.coefficient_of_variation;
    plan.effective = estimate.effective_samples;
    plan.usable = std::isfinite(estimate.log_p) && estimate.effective_samples > 4.0;
    plan.runs_each = static_cast<double>(cost) / made;
    if (mean_sum > 0.0) {
      plan.values_needed = std::max(strata.size() == 1 ? 40.0 : 60.0,
                                    std::pow(spread_sum / mean_sum / target_cov(estimate.log_p), 2));
    } else {
      plan.values_needed = 1e300;
    }
  }

  static std::string pilot_note(const Plan& plan) {
    if (!plan.usable) return fmt::format("pilot, {}: not usable", plan.name);
    return fmt::format("pilot, {}: {} regions, log10 P = {:.2f}, CoV {:.2f}, about {:.0f} runs to the target",
                       plan.name, plan.regions.size(), plan.log_p / std::log(10.0), plan.cov, plan.runs());
  }

  // Rounds of lines, each from laws refitted to all before it; the last round's spread sets the sample sizes.
  Plan pilot_lines(std::vector<LineRegion> regions, std::string name, int max_rounds = 4) {
    Plan plan;
    plan.name = std::move(name);
    plan.regions = std::move(regions);
    const std::size_t k = plan.regions.size();
    std::size_t each = k == 1 ? 24 : (k <= 4 ? 20 : (k <= 8 ? 14 : 7));
    for (int round = 0; round < max_rounds; ++round) {
      const std::vector<std::size_t> counts(k, each);
      LineOptions options;
      options.check_share = plan.check_share;
      options.log_scale = log_upper_tail(nearest(plan.regions));
      const std::uint64_t before = ledger_.counts().pilot;
      std::vector<LineResult> lines =
          sample_lines(ledger_, plan.regions, counts, options, random_, Purpose::pilot);
      double best = -1e300;
      for (const LineResult& line : lines) {
        best = std::max(best, line.log_value);
        // A contradiction: from here on every line is checked.
        if (line.correction != 0.0) plan.check_share = 1.0;
      }
      plan.lines.insert(plan.lines.end(), lines.begin(), lines.end());
      if (!(best > -1e299)) {
        plan.usable = false;
        return plan;
      }
      const double previous = round > 0 ? plan.runs() : 1e300;
      judge(plan, line_strata(lines, k, best), best, ledger_.counts().pilot - before);
      adapt_regions(plan.regions, plan.lines);
      const double enough = std::max(40.0, static_cast<double>(k * each));
      if (plan.usable && (plan.values_needed <= enough || plan.runs() > 0.7 * previous)) break;
      if (!plan.usable && k == 1) each *= 2;
    }
    note(pilot_note(plan));
    return plan;
  }

  // Failing points with weights: the pilot's roots, each a little deepened, where the pilot was any good;
  // else the population of subset simulation.
  Plan pilot_mixture(const Plan& lines) {
    Plan plan;
    plan.method = RareEventMethod::mixture_importance;
    plan.name = "mixture";
    plan.regions = lines.regions;
    std::vector<Vector> points;
    std::vector<double> weights;
    if (subset_ && subset_->reached) {
      for (Eigen::Index i = 0; i < subset_->failing.rows(); ++i) {
        points.push_back(subset_->failing.row(i));
        weights.push_back(1.0 / static_cast<double>(subset_->failing.rows()));
      }
    }
    double total = -1e300;
    for (const LineResult& line : lines.lines) total = log_sum(total, line.log_value);
    for (const LineResult& line : lines.lines) {
      if (!std::isfinite(line.log_value)) continue;
      const double beyond = -std::log(1.0 - random_.uniform()) / std::max(1.0, std::abs(line.root));
      points.push_back(line.x + (line.root + beyond) * lines.regions[line.region].direction);
      weights.push_back(std::exp(line.log_value - total));
    }
    Matrix pool(static_cast<Eigen::Index>(points.size()), ledger_.dimension());
    for (std::size_t i = 0; i < points.size(); ++i) pool.row(static_cast<Eigen::Index>(i)) = points[i];
    for (int round = 0; round < 3; ++round) {
      MixtureProposal mixture =
          fit_mixture(pool, weights, cells(pool, plan.regions), plan.regions.size(), 0.2);
      if (mixture.components.empty()) break;
      plan.mixture = std::move(mixture);
      const WeightedSample sample = sample_mixture(ledger_, plan.mixture, 120, random_, Purpose::pilot);
      double best = -1e300;
      std::vector<Eigen::Index> failing;
      for (std::size_t i = 0; i < sample.outcomes.size(); ++i) {
        if (!sample.outcomes[i].failed) continue;
        failing.push_back(static_cast<Eigen::Index>(i));
        best = std::max(best, sample.log_weights[i]);
      }
      if (failing.size() < 5) break;
      const double previous = round > 0 ? plan.runs() : 1e300;
      judge(plan, {importance_stratum(sample, best)}, best, 120);
      if (plan.usable && plan.runs() > 0.7 * previous) break;
      // The next fit sees this round's failures beside the pool, at equal weight.
      double sum = 0.0;
      for (const Eigen::Index i : failing)
        sum += std::exp(sample.log_weights[static_cast<std::size_t>(i)] - best);
      double pool_sum = 0.0;
      for (const double w : weights) pool_sum += w;
      Matrix grown(pool.rows() + static_cast<Eigen::Index>(failing.size()), pool.cols());
      grown.topRows(pool.rows()) = pool;
      for (std::size_t j = 0; j < failing.size(); ++j) {
        grown.row(pool.rows() + static_cast<Eigen::Index>(j)) = sample.points.row(failing[j]);
        weights.push_back(2.0 * pool_sum / sum *
                          std::exp(sample.log_weights[static_cast<std::size_t>(failing[j])] - best));
      }
      pool = std::move(grown);
    }
    note(pilot_note(plan));
    return plan;
  }

  Plan pilot_rays(const std::vector<LineRegion>& regions) {
    Plan plan;
    plan.method = RareEventMethod::radial_sampling;
    plan.name = "rays";
    plan.regions = regions;
    const std::uint64_t before = ledger_.counts().pilot;
    LineOptions options;
    options.check_share = plan.check_share = 0.6;
    options.log_scale = log_upper_tail(nearest(regions));
    const Stratum stratum = sample_rays(ledger_, regions, 40, options, random_, Purpose::pilot);
    judge(plan, {stratum}, options.log_scale, ledger_.counts().pilot - before);
    note(pilot_note(plan));
    return plan;
  }

  static double nearest(const std::vector<LineRegion>& regions) {
    double distance = 1e300;
    for (const LineRegion& region : regions) distance = std::min(distance, region.root.offset);
    return distance;
  }

  static std::vector<std::size_t> cells(const Matrix& points, const std::vector<LineRegion>& regions) {
    std::vector<std::size_t> assignment;
    for (Eigen::Index i = 0; i < points.rows(); ++i) {
      std::size_t best = 0;
      for (std::size_t k = 1; k < regions.size(); ++k)
        if (regions[k].direction.dot(points.row(i)) > regions[best].direction.dot(points.row(i))) best = k;
      assignment.push_back(best);
    }
    return assignment;
  }

  // Directions worth a pilot where the regions found do badly: the mean of the failing population, the
  // gradient at the origin.
  std::vector<LineRegion> other_directions() {
    std::vector<LineRegion> others;
    const auto add = [&](const Vector& direction, double steepness) {
      if (!(direction.norm() > 0.0)) return;
      const Vector a = direction / direction.norm();
      const double reach =
          subset_ && subset_->reached ? (subset_->failing * a).mean() : regions_.front().root.offset;
      LineRegion region(a, reach);
      region.steepness = steepness;
      region.root.spread = 0.5;
      if (subset_ && subset_->reached) {
        region.law.fit(subset_->failing,
                       std::vector<double>(static_cast<std::size_t>(subset_->failing.rows()), 1.0), 0.02,
                       4.0);
      }
      others.push_back(std::move(region));
    };
    const double steepness = regions_.front().steepness;
    if (subset_ && subset_->reached) add(subset_->failing.colwise().mean().transpose(), steepness);
    if (ledger_.margins()) {
      if (!linear_ && static_cast<std::uint64_t>(ledger_.dimension()) * 4 < ledger_.remaining()) {
        const Gradient gradient =
            finite_difference(ledger_, Vector::Zero(ledger_.dimension()), 0.1, Purpose::pilot);
        if (gradient.slope.size() > 0) linear_ = LinearModel{gradient.margin, gradient.slope};
      }
      if (linear_) add(-linear_->slope, linear_->slope.norm());
    }
    return others;
  }

  // Few dimensions or many regions: the failures may surround the origin.
  bool may_surround() const {
    const Eigen::Index d = ledger_.dimension();
    return !origin_.failed && d > 1 &&
           (d <= 3 || (d <= 6 && regions_.size() >= 6) || (d <= 12 && unseen_ > 0.1));
  }

  bool comfortable(const Plan& plan) const {
    return plan.usable && plan.runs() < 0.6 * static_cast<double>(ledger_.remaining());
  }

  RareEventSummary estimate() {
    if (origin_.failed) choose_direction();
    std::vector<Plan> plans;
    if (options_.method != RareEventMethod::automatic) return audit(estimate_as_asked());
    plans.push_back(pilot_lines(regions_, "regions"));
    if (!comfortable(plans.front()) || plans.front().runs() > 800.0 || may_surround()) try_others(plans);
    // Of the usable plans the cheapest; one that sees clearly less than another misses something.
    std::stable_sort(plans.begin(), plans.end(), [](const Plan& a, const Plan& b) {
      if (a.usable != b.usable) return a.usable;
      // Rays know nothing of regions, so they can miss none: worth twice the price.
      return a.runs() * (a.method == RareEventMethod::radial_sampling ? 0.5 : 1.0) <
             b.runs() * (b.method == RareEventMethod::radial_sampling ? 0.5 : 1.0);
    });
    RareEventSummary summary = refuse({}, "no engine's pilot saw enough failures to go on");
    for (const Plan& plan : plans) {
      if (!plan.usable || sees_less(plan, plans)) continue;
      summary = estimate_with(plan);
      if (summary.status == EstimateStatus::estimated) break;
      note(fmt::format("{} refused: {}", plan.name, summary.reason));
    }
    return audit(std::move(summary));
  }

  // One engine, the caller's.
  RareEventSummary estimate_as_asked() {
    Plan plan;
    if (options_.method == RareEventMethod::line_sampling) {
      plan = pilot_lines(regions_, "regions");
    } else if (options_.method == RareEventMethod::radial_sampling) {
      plan = pilot_rays(regions_);
    } else if (options_.method == RareEventMethod::mixture_importance) {
      plan = pilot_mixture(pilot_lines(regions_, "regions", 1));
    } else {
      plan = pilot_shift();
    }
    if (!plan.usable) return refuse({}, "the pilot saw too few failures to go on");
    return estimate_with(plan);
  }

  // N(m, I) at each region's nearest failing point, weighted by Phi(-|m|).
  Plan pilot_shift() {
    Plan plan;
    plan.method = RareEventMethod::mean_shift;
    plan.name = "mean shift";
    plan.regions = regions_;
    double total = -1e300;
    for (const LineRegion& region : regions_) total = log_sum(total, log_upper_tail(region.root.offset));
    for (const LineRegion& region : regions_) {
      ShapedNormal shifted(ledger_.dimension(), {}, 0.0);
      shifted.set_mean(region.most_probable_point);
      plan.mixture.components.push_back(std::move(shifted));
      plan.mixture.weights.push_back(std::exp(log_upper_tail(region.root.offset) - total));
    }
    const WeightedSample sample = sample_mixture(ledger_, plan.mixture, 120, random_, Purpose::pilot);
    judge(plan, {importance_stratum(sample, total)}, total, 120);
    note(pilot_note(plan));
    return plan;
  }

  // Where the origin itself fails no point is nearest to it. A short pilot along each direction there is
  // decides.
  void choose_direction() {
    std::vector<LineRegion> candidates = other_directions();
    candidates.push_back(regions_.front());
    double best = -1.0;
    for (LineRegion& candidate : candidates) {
      const Plan plan = pilot_lines({candidate}, "direction", 1);
      if (!(plan.effective > best)) continue;
      best = plan.effective;
      regions_ = plan.regions;
    }
    unseen_ = 0.0;
  }

  static bool sees_less(const Plan& plan, const std::vector<Plan>& plans) {
    return std::any_of(plans.begin(), plans.end(), [&](const Plan& other) {
      const double noise = 3.0 * std::hypot(std::min(plan.cov, 1.0), std::min(other.cov, 1.0));
      return other.usable && other.cov < 0.5 && other.log_p > plan.log_p + std::max(1.0, noise);
    });
  }

  void try_others(std::vector<Plan>& plans) {
    const Eigen::Index d = ledger_.dimension();
    try {
      if (may_surround()) plans.push_back(pilot_rays(regions_));
      if (std::any_of(plans.begin(), plans.end(), [&](const Plan& p) { return comfortable(p); })) return;
      if (regions_.size() == 1 && !origin_.failed) {
        for (LineRegion& region : other_directions())
          plans.push_back(pilot_lines({std::move(region)}, "direction"));
      }
      if (std::any_of(plans.begin(), plans.end(), [&](const Plan& p) { return comfortable(p); })) return;
      if (d <= 60) plans.push_back(pilot_mixture(plans.front()));
      if (d <= 12 && !origin_.failed && !may_surround()) plans.push_back(pilot_rays(regions_));
    } catch (const BudgetSpent&) {
      note("the budget ends before every engine had its pilot");
    }
  }

  // Sample sizes in proportion to the strata's spreads, at least 8 each, at most `affordable` together.
  static std::vector<std::size_t> allocate(const Plan& plan, double wanted, double affordable) {
    const double total = std::accumulate(plan.spreads.begin(), plan.spreads.end(), 0.0);
    const double floor = plan.spreads.size() <= 8 ? 10.0 : 8.0;
    const double free =
        std::max(0.0, std::min(wanted, affordable) - floor * static_cast<double>(plan.spreads.size()));
    std::vector<std::size_t> counts;
    for (const double spread : plan.spreads)
      counts.push_back(static_cast<std::size_t>(floor + free * spread / total));
    return counts;
  }

  // Fresh values of the frozen plan, appended to the strata.
  void draw(const Plan& plan, const std::vector<std::size_t>& counts, const LineOptions& options,
            std::vector<Stratum>& strata) {
    if (plan.method == RareEventMethod::line_sampling) {
      const auto lines = sample_lines(ledger_, plan.regions, counts, options, random_, Purpose::estimate);
      const auto fresh = line_strata(lines, plan.regions.size(), options.log_scale);
      for (std::size_t k = 0; k < strata.size(); ++k)
        strata[k].values.insert(strata[k].values.end(), fresh[k].values.begin(), fresh[k].values.end());
      return;
    }
    const Stratum fresh =
        plan.method == RareEventMethod::radial_sampling
            ? sample_rays(ledger_, plan.regions, counts[0], options, random_, Purpose::estimate)
            : importance_stratum(sample_mixture(ledger_, plan.mixture, counts[0], random_, Purpose::estimate),
                                 options.log_scale);
    strata[0].values.insert(strata[0].values.end(), fresh.values.begin(), fresh.values.end());
  }

  RareEventSummary estimate_with(const Plan& plan) {
    LineOptions options;
    options.log_scale = plan.log_p;
    options.log_negligible = plan.log_p - 9.0;
    options.check_share = plan.check_share;
    options.tolerance = 0.01;
    double wanted = std::max(plan.values_needed, 1.5 * 10.0 * static_cast<double>(plan.spreads.size()));
    std::vector<Stratum> strata(plan.spreads.size());
    WeightedEstimate estimate;
    double made = 0.0;
    const std::uint64_t before = ledger_.counts().estimate;
    double each = 1.25 * plan.runs_each + 0.5;
    for (int stage = 0; stage < 4; ++stage) {
      const double affordable = static_cast<double>(ledger_.remaining()) / each;
      if (affordable < 8.0 * static_cast<double>(strata.size())) break;
      const auto counts = allocate(plan, wanted, affordable);
      try {
        draw(plan, counts, options, strata);
      } catch (const BudgetSpent&) {
        break;
      }
      for (const std::size_t n : counts) made += static_cast<double>(n);
      each = 1.1 * static_cast<double>(ledger_.counts().estimate - before) / made;
      estimate = summarize(strata, options.log_scale);
      const double half = half_width(estimate);
      if (half <= options_.target_half_width && estimate.objection().empty()) break;
      const double ratio = std::pow(half / (0.92 * options_.target_half_width), 2);
      wanted = std::max(20.0, made * (std::isfinite(ratio) ? std::clamp(ratio - 1.0, 0.3, 4.0) : 1.0));
    }
    if (made == 0.0) return refuse({}, "the budget does not cover an estimate after exploring");
    RareEventSummary summary = from_estimate(estimate, plan.method, made);
    if (plan.method == RareEventMethod::line_sampling) {
      for (std::size_t k = 0; k < plan.regions.size(); ++k) {
        const Vector& point = plan.regions[k].most_probable_point;
        summary.regions.push_back({point, point.norm(), estimate.shares[k]});
      }
    }
    return summary;
  }

  static double half_width(const WeightedEstimate& estimate) {
    return 0.5 * (upper_tail_quantile(estimate.log_low) - upper_tail_quantile(estimate.log_high));
  }

  // `values`: lines, rays or runs behind the estimate.
  RareEventSummary from_estimate(const WeightedEstimate& estimate, RareEventMethod method, double values) {
    RareEventSummary summary;
    summary.method = method;
    summary.diagnostics.effective_samples = estimate.effective_samples;
    summary.diagnostics.max_weight_share = estimate.max_weight_share;
    summary.diagnostics.pareto_k = estimate.pareto_k;
    summary.diagnostics.coefficient_of_variation = estimate.coefficient_of_variation;
    summary.reason = estimate.objection();
    // In many dimensions a law fitted to few points can be too tight where the boundary bends, and a sample too small to
    // show it looks good.
    const bool uneven = estimate.effective_samples < std::min(100.0, 0.6 * values);
    if (summary.reason.empty() && ledger_.dimension() > 60 && uneven) {
      summary.reason =
          fmt::format("effective sample size {:.0f} of {:.0f} is too small to trust in {} dimensions",
                      estimate.effective_samples, values, ledger_.dimension());
    }
    if (summary.reason.empty() && method != RareEventMethod::radial_sampling && unseen_ > 0.1) {
      summary.reason =
          fmt::format("{:.0f} % of the search's starts found regions of their own", 100.0 * unseen_);
    }
    if (!summary.reason.empty()) return summary;
    summary.status = EstimateStatus::estimated;
    summary.log_p = estimate.log_p;
    summary.log_p_low = estimate.log_low;
    summary.log_p_high = estimate.log_high;
    if (method != RareEventMethod::radial_sampling) {
      summary.log_p_high = std::min(0.0, summary.log_p_high + std::log1p(unseen_allowance()));
    }
    return summary;
  }

  // --- audit and endings ----------------------------------------------------------------------------------
  RareEventSummary audit(RareEventSummary summary) {
    if (subset_ && subset_->reached) {
      summary.diagnostics.subset_log10_p = subset_->log_p / std::log(10.0);
      if (summary.status == EstimateStatus::estimated) {
        const double gap = std::abs(subset_->log_p - summary.log_p);
        summary.diagnostics.subset_alarm = gap > 3.0 * subset_->log_sd;
        if (summary.diagnostics.subset_alarm && subset_->log_p > summary.log_p) {
          return finish(
              refuse(std::move(summary), "subset simulation sees clearly more: a region was missed"));
        }
      }
    }
    return finish(std::move(summary));
  }

  // Share of P that regions nobody met may hold. Among many regions two more than Good-Turing expects are
  // allowed for: its own error.
  double unseen_allowance() const {
    if (regions_.size() < 5 || starts_ == 0) return unseen_;
    return unseen_ + 2.0 / static_cast<double>(starts_);
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
    summary.draws = std::move(draws_);
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
  double unseen_ = 0.0;
  std::size_t starts_ = 0;
  std::vector<ScaledDraws> draws_;
  bool stopped_ = false;
  std::vector<std::string> search_;
};

}  // namespace

RareEventSummary estimate_automatically(EvaluationLedger& ledger, const RareEventOptions& options,
                                        std::string_view label) {
  return AutoEstimator(ledger, options, label).run();
}

}  // namespace flare::analysis
