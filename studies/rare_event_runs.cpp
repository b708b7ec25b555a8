#include "studies/rare_event_runs.hpp"

#include <algorithm>

namespace flare::studies {

analysis::RareEventMethod rare_event_method(const std::string& name) {
  if (name == "monte_carlo") return analysis::RareEventMethod::monte_carlo;
  if (name == "quasi_monte_carlo") return analysis::RareEventMethod::quasi_monte_carlo;
  if (name == "subset") return analysis::RareEventMethod::subset_simulation;
  if (name == "importance") return analysis::RareEventMethod::mixture_importance;
  if (name == "line") return analysis::RareEventMethod::line_sampling;
  if (name == "scaled_sigma") return analysis::RareEventMethod::scaled_sigma;
  return analysis::RareEventMethod::automatic;
}

analysis::TailProbability probability_of(const analysis::RareEventSummary& s) {
  analysis::TailProbability p;
  p.runs = s.runs.total() - s.runs.unknown;
  p.unknown = s.runs.unknown;
  p.method = std::string(to_string(s.method));
  switch (s.status) {
    case analysis::EstimateStatus::estimated:
      p.status = analysis::TailStatus::estimated;
      break;
    case analysis::EstimateStatus::bound:
      p.status = analysis::TailStatus::bound;
      break;
    case analysis::EstimateStatus::extrapolated:
      p.status = analysis::TailStatus::extrapolated;
      break;
    case analysis::EstimateStatus::refused:
      p.status = analysis::TailStatus::refused;
      p.method += ": " + s.reason;
      return p;  // [0, 1]: nothing is known
  }
  const auto floor = [](double x) { return std::max(x, analysis::smallest_probability); };
  p.p = floor(s.p());
  p.low = std::min(floor(s.p_low()), p.p);
  p.high = std::max(floor(s.p_high()), p.p);
  return p;
}

StoredEvaluator::StoredEvaluator(const StudyRun& run, std::string stream,
                                 std::shared_ptr<const engine::Testbench> testbench)
    : run_(run) {
  samples_.stream = std::move(stream);
  samples_.points.resize(0, static_cast<Eigen::Index>(testbench->dimension()));
  samples_.testbench = std::move(testbench);
}

std::vector<engine::RunResult> StoredEvaluator::evaluate(const engine::Matrix& points) {
  const engine::RunRequest request{samples_.stream, samples_.runs.size(), samples_.testbench, points};
  std::vector<engine::RunResult> results =
      engine::run_all(run_.evaluator, run_.store, {&request, 1}, run_.stop).front();
  const Eigen::Index before = samples_.points.rows();
  samples_.points.conservativeResize(before + points.rows(), Eigen::NoChange);
  samples_.points.bottomRows(points.rows()) = points;
  samples_.runs.insert(samples_.runs.end(), results.begin(), results.end());
  return results;
}

}  // namespace flare::studies
