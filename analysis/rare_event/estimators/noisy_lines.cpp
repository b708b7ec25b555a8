#include "analysis/rare_event/estimators/noisy_lines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <optional>

#include "analysis/tails/interval.hpp"
#include "analysis/tails/normal_tail.hpp"
#include "engine/base/averages.hpp"

namespace flare::analysis {
namespace {

using engine::Matrix;
using engine::Vector;

constexpr Eigen::Index largest_batch = 1024;
constexpr Eigen::Index pilot_lines = 100;
constexpr double step_spread = 1.0;  // of t, sigma: shows whether c changes along the lines
constexpr std::size_t least_reached = 25;
constexpr double largest_correction = 0.35;  // of ln P, by third and fourth cumulant: more asks for the fifth
constexpr double largest_deviation = 4.0;  // of skewness and kurtosis from the normal law's, standard errors
constexpr double fewest_lines = 1500;      // that tell a noise far from normal

struct NoisyRoots {
  std::vector<double> t, c;
};

// Noisy roots of `count` lines, looked at around `middle`; stops at a run without a margin.
std::optional<NoisyRoots> draw_roots(EstimatorSession& session, const LineRegion& plane, double middle,
                                     Eigen::Index count, Purpose purpose) {
  NoisyRoots roots;
  for (Eigen::Index done = 0; done < count;) {
    const Eigen::Index batch = std::min(largest_batch, count - done);
    Matrix points(batch, session.ledger().dimension());
    std::vector<double> t;
    for (Eigen::Index i = 0; i < batch; ++i) {
      const Vector x = plane.law.project(session.random().normal_vector(points.cols()));
      t.push_back(middle + step_spread * session.random().normal());
      points.row(i) = x + t.back() * plane.direction;
    }
    const std::vector<Evaluated> outcomes = session.ledger().evaluate(points, purpose);
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      if (!outcomes[i].has_margin) return std::nullopt;
      roots.t.push_back(t[i]);
      roots.c.push_back(t[i] + outcomes[i].margin / plane.steepness);
    }
    done += batch;
  }
  return roots;
}

// k-th central moment.
double moment(const std::vector<double>& values, double mean, int k) {
  double sum = 0.0;
  for (const double v : values) sum += std::pow(v - mean, k);
  return sum / static_cast<double>(values.size());
}

// Slope of y on t over its standard error.
double trend(const std::vector<double>& t, const std::vector<double>& y) {
  const double mean_t = engine::mean(t), mean_y = engine::mean(y);
  double tt = 0.0, ty = 0.0, yy = 0.0;
  for (std::size_t i = 0; i < t.size(); ++i) {
    tt += (t[i] - mean_t) * (t[i] - mean_t);
    ty += (t[i] - mean_t) * (y[i] - mean_y);
    yy += (y[i] - mean_y) * (y[i] - mean_y);
  }
  return ty / std::sqrt(tt * yy / static_cast<double>(t.size()));
}

// Slope of c on t.
double slope_of(const NoisyRoots& roots) {
  const double mean_t = engine::mean(roots.t), mean_c = engine::mean(roots.c);
  double tt = 0.0, tc = 0.0;
  for (std::size_t i = 0; i < roots.t.size(); ++i) {
    tt += (roots.t[i] - mean_t) * (roots.t[i] - mean_t);
    tc += (roots.t[i] - mean_t) * (roots.c[i] - mean_c);
  }
  return tc / tt;
}

// The steepness that the runs themselves show, in place of the one assumed: c no longer changes with t.
void correct_steepness(NoisyRoots& roots) {
  const double ratio = std::clamp(1.0 - slope_of(roots), 0.3, 3.0);
  for (std::size_t i = 0; i < roots.c.size(); ++i)
    roots.c[i] = roots.t[i] + (roots.c[i] - roots.t[i]) / ratio;
}

struct CumulantFit {
  double log_p = 0.0;
  double variance = 0.0;    // of log_p
  double correction = 0.0;  // by the third and fourth cumulant
  double deviation = 0.0;   // of skewness or kurtosis, standard errors
  double matters = 0.0;     // share of a normal law beyond the noise that matters most
  std::size_t reached = 0;  // lines beyond the noise that matters most
};

CumulantFit fit_cumulants(const std::vector<double>& c) {
  const auto n = static_cast<double>(c.size());
  const double mean = engine::mean(c), variance = moment(c, mean, 2);
  const double theta = mean / (1.0 + variance), q2 = theta * theta * variance;
  const double third = -moment(c, mean, 3);  // of -c
  const double fourth = moment(c, mean, 4) - 3.0 * variance * variance;
  CumulantFit fit;
  fit.correction = std::pow(theta, 3) * third / 6.0 + std::pow(theta, 4) * fourth / 24.0;
  fit.log_p = log_upper_tail(mean / std::sqrt(1.0 + variance)) + fit.correction;
  // Of the first four sample cumulants of a nearly normal law: the first terms of exp(q^2) - 1.
  fit.variance = (q2 + q2 * q2 / 2.0 + std::pow(q2, 3) / 6.0 + std::pow(q2, 4) / 24.0) / n;
  const double matters = mean - theta * variance;
  fit.matters = std::exp(log_upper_tail(std::sqrt(q2)));
  fit.deviation = std::sqrt(n) * std::max(std::abs(third) / std::pow(variance, 1.5) / std::sqrt(6.0),
                                          std::abs(fourth) / (variance * variance) / std::sqrt(24.0));
  fit.reached =
      static_cast<std::size_t>(std::count_if(c.begin(), c.end(), [&](double v) { return v <= matters; }));
  return fit;
}

// Lines that most likely meet the noise that matters often enough.
double enough_reached(const CumulantFit& pilot) { return 1.6 * least_reached / pilot.matters; }

// Lines to the wanted half-width in sigma, as the pilot sees it.
double lines_wanted(const CumulantFit& pilot, double half_width) {
  const double cov = 0.85 * half_width * normal_hazard(upper_tail_quantile(pilot.log_p)) / 1.96;
  return std::max({fewest_lines, pilot.variance * pilot_lines / (cov * cov), enough_reached(pilot)});
}

std::string objection(const NoisyRoots& roots, const CumulantFit& fit) {
  std::vector<double> t_squares, c_squares;
  const double mean_t = engine::mean(roots.t), mean_c = engine::mean(roots.c);
  for (const double t : roots.t) t_squares.push_back((t - mean_t) * (t - mean_t));
  for (const double c : roots.c) c_squares.push_back((c - mean_c) * (c - mean_c));
  if (std::abs(trend(t_squares, roots.c)) > 4.0 || std::abs(trend(roots.t, c_squares)) > 4.0)
    return "the margins are noisy, and the noise does not just add to a margin that is linear near failure";
  if (fit.reached < least_reached) {
    return fmt::format("the margins are noisy, and only {} of {} runs met the noise that matters",
                       fit.reached, roots.c.size());
  }
  if (std::abs(fit.correction) > largest_correction || fit.deviation > largest_deviation)
    return "the margins are noisy, and the noise is far from normal";
  return {};
}

void set_interval(RareEventSummary& summary, double log_p, double width) {
  summary.status = TailStatus::estimated;
  summary.log_p = log_p;
  summary.log_p_low = log_p - width;
  summary.log_p_high = std::min(0.0, log_p + width);
}

RareEventSummary summarize_roots(NoisyRoots roots) {
  RareEventSummary summary;
  correct_steepness(roots);
  summary.method = RareEventMethod::line_sampling;
  const CumulantFit fit = fit_cumulants(roots.c);
  summary.reason = objection(roots, fit);
  if (!summary.reason.empty()) return summary;
  Stratum values;
  for (const double c : roots.c) values.values.push_back(std::exp(log_upper_tail(c) - fit.log_p));
  const WeightedEstimate plain = summarize({values}, fit.log_p);
  summary.diagnostics.pareto_k = plain.pareto_k;
  summary.diagnostics.max_weight_share = plain.max_weight_share;
  if (plain.objection().empty() && plain.pareto_k < 0.5) {
    summary.diagnostics.effective_samples = plain.effective_samples;
    summary.diagnostics.coefficient_of_variation = plain.coefficient_of_variation;
    set_interval(summary, plain.log_p, plain.log_high - plain.log_p);
    return summary;
  }
  const auto reached = static_cast<double>(fit.reached);
  const double t = quantile(boost::math::students_t_distribution<>(reached - 1.0), 0.975);
  summary.diagnostics.effective_samples = reached;
  summary.diagnostics.coefficient_of_variation = std::sqrt(fit.variance);
  set_interval(summary, fit.log_p, t * std::sqrt(fit.variance));
  return summary;
}

RareEventSummary estimate_in_noise(EstimatorSession& session, const LineRegion& plane, double noise) {
  RareEventSummary summary;
  const double s = noise / plane.steepness;
  const double middle = plane.root.offset / (1.0 + s * s);  // nearest point of the plane in (x, noise)
  std::optional<NoisyRoots> roots = draw_roots(session, plane, middle, pilot_lines, Purpose::pilot);
  if (roots) {
    correct_steepness(*roots);
    const double count = lines_wanted(fit_cumulants(roots->c), session.options().target_half_width);
    roots = draw_roots(
        session, plane, middle,
        static_cast<Eigen::Index>(std::min(count, static_cast<double>(session.ledger().remaining()))),
        Purpose::estimate);
  }
  if (!roots) {
    summary.reason = "the margins are noisy, and some runs gave none";
    return summary;
  }
  summary = summarize_roots(std::move(*roots));
  summary.regions.push_back({plane.most_probable_point, plane.root.offset, 1.0});
  return summary;
}

}  // namespace

void NoisyLineEstimator::pilot(Findings& findings) {
  regions_ = findings.search.regions;
  forecast_.usable = true;
}

RareEventSummary NoisyLineEstimator::estimate(Findings& findings) {
  return estimate_in_noise(findings.session, regions_.front(), findings.look.noise);
}

}  // namespace flare::analysis
