#include "studies/rare_event_runs.hpp"

#include <algorithm>
#include <cmath>

namespace flare::studies {

namespace {

double probability_floor(double p) { return std::max(p, analysis::smallest_probability); }

}  // namespace

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
  p.p = probability_floor(s.p());
  p.low = std::min(probability_floor(s.p_low()), p.p);
  p.high = std::max(probability_floor(s.p_high()), p.p);
  return p;
}

analysis::TailProbability probability_of(const analysis::OutputTail& tail, const analysis::RunCounts& runs) {
  analysis::TailProbability p;
  p.runs = runs.total() - runs.unknown;
  p.unknown = runs.unknown;
  p.method = "surrogate importance";
  if (tail.status != analysis::EstimateStatus::estimated) {
    p.method += ": " + tail.reason;
    return p;  // [0, 1]: nothing is known
  }
  p.status = analysis::TailStatus::estimated;
  p.p = probability_floor(std::exp(tail.log_p));
  p.low = std::min(probability_floor(std::exp(tail.log_p_low)), p.p);
  p.high = std::max(probability_floor(std::exp(tail.log_p_high)), p.p);
  return p;
}

std::vector<VariableShare> variable_shares(const engine::Vector& point, const engine::Testbench& bench) {
  std::vector<VariableShare> shares;
  const double total = point.squaredNorm();
  for (Eigen::Index i = 0; i < point.size(); ++i) {
    const auto v = static_cast<std::size_t>(i);
    shares.push_back({v < bench.variables.size() ? bench.variables[v].name : "converter",
                      total > 0.0 ? point[i] * point[i] / total : 0.0});
  }
  return shares;
}

StoredEvaluator::StoredEvaluator(const StudyRun& run, std::string stream,
                                 std::shared_ptr<const engine::Testbench> testbench, MakeRuns make)
    : run_(run), make_(std::move(make)), fingerprint_(engine::fingerprint(*testbench)) {
  samples_.stream = std::move(stream);
  samples_.testbench = std::move(testbench);
}

std::vector<engine::RunResult> StoredEvaluator::evaluate(const engine::Matrix& points) {
  const engine::RunRequest request{samples_.stream, samples_.runs.size(), samples_.testbench, points,
                                   fingerprint_};
  std::vector<engine::RunResult> results =
      make_ ? make_(request) : engine::run_all(run_.evaluator, run_.store, {&request, 1}, run_.stop).front();
  batches_.push_back(points);
  samples_.runs.insert(samples_.runs.end(), results.begin(), results.end());
  return results;
}

SampleSet StoredEvaluator::take_samples() {
  samples_.points.resize(static_cast<Eigen::Index>(samples_.runs.size()),
                         static_cast<Eigen::Index>(samples_.testbench->dimension()));
  Eigen::Index next = 0;
  for (const engine::Matrix& batch : batches_) {
    samples_.points.middleRows(next, batch.rows()) = batch;
    next += batch.rows();
  }
  batches_.clear();
  return std::move(samples_);
}

}  // namespace flare::studies
