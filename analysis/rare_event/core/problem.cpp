#include "analysis/rare_event/core/problem.hpp"

#include <fmt/format.h>

#include <cmath>

#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {

Response Response::margin(double value) {
  if (std::isnan(value)) return unknown();
  if (std::isinf(value)) return {value > 0.0 ? ResponseKind::pass : ResponseKind::fail, value};
  return {ResponseKind::margin, value};
}

std::string_view to_string(RareEventMethod method) {
  switch (method) {
    case RareEventMethod::automatic:
      return "automatic";
    case RareEventMethod::monte_carlo:
      return "monte carlo";
    case RareEventMethod::quasi_monte_carlo:
      return "quasi-monte carlo";
    case RareEventMethod::subset_simulation:
      return "subset simulation";
    case RareEventMethod::mean_shift:
      return "mean-shift importance sampling";
    case RareEventMethod::mixture_importance:
      return "mixture importance sampling";
    case RareEventMethod::line_sampling:
      return "line sampling";
    case RareEventMethod::radial_sampling:
      return "radial sampling";
    case RareEventMethod::scaled_sigma:
      return "scaled sigma";
  }
  return "";
}

std::uint64_t RareEventOptions::min_runs(std::size_t dimension) {
  return 200 + 2 * static_cast<std::uint64_t>(dimension);
}

bool RareEventOptions::is_valid(std::size_t dimension, std::string* error) const {
  const auto fail = [&](std::string text) {
    if (error != nullptr) *error = std::move(text);
    return false;
  };
  if (dimension == 0) return fail("dimension is 0: a rare event needs at least one random variable");
  if (!(target_half_width > 0.0) || !(target_half_width <= 2.0)) {
    return fail(fmt::format("target_half_width is {}: give sigma in (0, 2]", target_half_width));
  }
  if (max_runs < min_runs(dimension)) {
    return fail(fmt::format("max_runs is {}: {} dimensions need at least {}", max_runs, dimension,
                            min_runs(dimension)));
  }
  if (max_regions < 1) return fail(fmt::format("max_regions is {}: give at least 1", max_regions));
  for (const engine::Vector& start : warm_starts) {
    if (static_cast<std::size_t>(start.size()) != dimension || !start.allFinite() || !(start.norm() > 0.0)) {
      return fail(fmt::format("a warm start has {} coordinates: give {} finite ones, not all 0", start.size(),
                              dimension));
    }
  }
  for (const ScaledDraws& draws : known) {
    if (static_cast<std::size_t>(draws.points.cols()) != dimension || !(draws.scale > 0.0) ||
        draws.responses.size() != static_cast<std::size_t>(draws.points.rows())) {
      return fail(fmt::format("known draws need {} coordinates, a scale above 0 and a response for every row",
                              dimension));
    }
  }
  const engine::Matrix& points = seen.points;
  if (seen.responses.size() != static_cast<std::size_t>(points.rows()) ||
      (points.rows() > 0 && static_cast<std::size_t>(points.cols()) != dimension))
    return fail(
        fmt::format("runs seen elsewhere need {} coordinates and a response for every row", dimension));
  return true;
}

double RareEventSummary::p() const { return std::exp(log_p); }
double RareEventSummary::p_low() const { return std::exp(log_p_low); }
double RareEventSummary::p_high() const { return std::exp(log_p_high); }
double RareEventSummary::sigma() const { return upper_tail_quantile(log_p); }
double RareEventSummary::sigma_low() const { return upper_tail_quantile(log_p_high); }
double RareEventSummary::sigma_high() const { return upper_tail_quantile(log_p_low); }
double RareEventSummary::half_width() const { return 0.5 * (sigma_high() - sigma_low()); }

void refuse(RareEventSummary& summary, std::string reason) {
  summary.status = TailStatus::refused;
  summary.reason = std::move(reason);
  summary.log_p = summary.log_p_low = summary.log_p_high = std::numeric_limits<double>::quiet_NaN();
}

void double_interval(RareEventSummary& summary) {
  summary.log_p_low -= summary.log_p - summary.log_p_low;
  summary.log_p_high = std::min(0.0, 2.0 * summary.log_p_high - summary.log_p);
}

std::string RareEventSummary::brief_report() const {
  if (status == TailStatus::refused) return fmt::format("refused after {} runs: {}", runs.total(), reason);
  return fmt::format("{}: P = {:.3g} [{:.3g}, {:.3g}], {:.2f} sigma [{:.2f}, {:.2f}], {} runs, {}",
                     to_string(status), p(), p_low(), p_high(), sigma(), sigma_low(), sigma_high(),
                     runs.total(), to_string(method));
}

std::string RareEventSummary::full_report() const {
  std::string text = brief_report() + "\n";
  if (!reason.empty()) text += fmt::format("reason            {}\n", reason);
  text += fmt::format("runs              explore {}, pilot {}, estimate {}, audit {} (unknown {})\n",
                      runs.explore, runs.pilot, runs.estimate, runs.audit, runs.unknown);
  text += fmt::format(
      "diagnostics       effective samples {:.1f}, largest share {:.3f}, Pareto k {:.2f}, CoV {:.3f}, unseen "
      "share {:.3f}\n",
      diagnostics.effective_samples, diagnostics.max_weight_share, diagnostics.pareto_k,
      diagnostics.coefficient_of_variation, diagnostics.unseen_share);
  if (runs.unknown == 0 && status != TailStatus::refused)
    text += fmt::format(
        "unknown           no run was; at most {:.2g} of all would be (95 %), and P more by that\n",
        unknown_share_high);
  if (!std::isnan(met.half_space)) {
    text += fmt::format(
        "not known         a half-space as likely as this would have been met with {:.1f} %, a corner of "
        "four inputs "
        "with {:.0f} %\n",
        100.0 * met.half_space, 100.0 * met.corner);
  }
  for (const std::string& line : diagnostics.search) text += fmt::format("search            {}\n", line);
  for (const FailureRegion& region : regions)
    text += fmt::format("region            at {:.2f} sigma, {:.1f} % of P\n", region.distance,
                        100.0 * region.share);
  return text;
}

}  // namespace flare::analysis
