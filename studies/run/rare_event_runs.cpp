#include "studies/run/rare_event_runs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace flare::studies {

namespace {

using analysis::Probability;

/// p, low and high from natural logarithms, in order whatever rounding does.
void set_from_logs(double log_p, double log_low, double log_high, analysis::TailProbability& tail) {
  tail.p = Probability::of_log(log_p);
  tail.low = std::min(Probability::of_log(log_low), tail.p);
  tail.high = std::max(Probability::of_log(log_high), tail.p);
}

/// What to change in the study where an estimate was refused.
std::string remedy(const analysis::RareEventSummary& s) {
  if (s.method != analysis::RareEventMethod::automatic &&
      s.method != analysis::RareEventMethod::subset_simulation) {
    return "set [estimator] method = \"auto\"";
  }
  const std::uint64_t wanted = std::max<std::uint64_t>(s.runs_wanted, 2 * s.runs.total());
  return fmt::format("raise [estimator] budget to at least {}", 100 * ((wanted + 99) / 100));
}

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

void check_budget(const Study& study, std::size_t dimension) {
  if (study.estimator.method == "fit" || study.estimator.method == "monte_carlo") return;
  const std::uint64_t least = analysis::RareEventOptions::min_runs(dimension);
  if (static_cast<std::uint64_t>(study.estimator.budget) >= least) return;
  throw StudyError(
      fmt::format("{}: estimator.budget: {} runs cannot hold an estimate over {} variables, which takes at "
                  "least {}; raise it",
                  study.file.string(), study.estimator.budget, dimension, least));
}

analysis::TailProbability probability_of(const analysis::RareEventSummary& s) {
  analysis::TailProbability p;
  p.runs = s.runs.total() - s.runs.unknown;
  p.unknown = s.runs.unknown;
  p.status = s.status;
  p.method = std::string(to_string(s.method));
  if (!s.reason.empty()) p.method += ": " + s.reason;
  if (s.status == analysis::TailStatus::refused) {
    p.method += "; " + remedy(s);
    return p;
  }
  set_from_logs(s.log_p, s.log_p_low, s.log_p_high, p);
  p.met_half_space = s.met.half_space;
  p.met_corner = s.met.corner;
  return p;
}

analysis::TailProbability probability_of(const analysis::OutputTail& tail, const analysis::RunCounts& runs) {
  analysis::TailProbability p;
  p.runs = runs.total() - runs.unknown;
  p.unknown = runs.unknown;
  p.status = tail.status;
  p.method = "surrogate importance";
  if (tail.status == analysis::TailStatus::refused) {
    p.method += ": " + tail.reason;
    return p;
  }
  set_from_logs(tail.log_p, tail.log_p_low, tail.log_p_high, p);
  p.met_half_space = tail.met_half_space;
  return p;
}

std::vector<VariableShare> variable_shares(const engine::Vector& point, const engine::Testbench& bench) {
  std::vector<VariableShare> shares;
  const double total = point.squaredNorm();
  for (Eigen::Index i = 0; i < point.size(); ++i) {
    const auto v = static_cast<std::size_t>(i);
    shares.push_back({v < bench.variables.size() ? bench.variables[v].name : "converter",
                      total > 0.0 ? point[i] * point[i] / total : 0.0, point[i]});
  }
  return shares;
}

double area_slope(const Study& study, const VariableShare& share, double distance) {
  const std::string label = share.variable.substr(share.variable.rfind('.') + 1);
  const bool by_area = std::any_of(study.devices.begin(), study.devices.end(), [&](const DeviceVariation& v) {
    return v.label == label && v.pelgrom > 0.0;
  });
  return by_area && distance > 0.0 ? 0.5 * share.coordinate * share.coordinate / distance : 0.0;
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

std::size_t StoredEvaluator::index_of(const Eigen::Ref<const Eigen::RowVectorXd>& point) {
  const auto key = [](const Eigen::Ref<const Eigen::RowVectorXd>& x) {
    return std::string(reinterpret_cast<const char*>(x.data()),
                       sizeof(double) * static_cast<std::size_t>(x.size()));
  };
  for (; indexed_ < batches_.size(); ++indexed_) {
    std::size_t run = rows_before(indexed_);
    for (Eigen::Index i = 0; i < batches_[indexed_].rows(); ++i)
      index_[key(batches_[indexed_].row(i))] = run++;
  }
  return index_.at(key(point));
}

std::size_t StoredEvaluator::rows_before(std::size_t batch) const {
  Eigen::Index rows = 0;
  for (std::size_t b = 0; b < batch; ++b) rows += batches_[b].rows();
  return static_cast<std::size_t>(rows);
}

std::vector<engine::RunResult> StoredEvaluator::runs_at(const engine::Matrix& points) {
  std::vector<engine::RunResult> runs;
  runs.reserve(static_cast<std::size_t>(points.rows()));
  for (Eigen::Index i = 0; i < points.rows(); ++i) runs.push_back(samples_.runs[index_of(points.row(i))]);
  return runs;
}

void StoredEvaluator::weigh(const analysis::WeightedRuns& runs) {
  samples_.log_weights.resize(samples_.runs.size(), std::nan(""));
  for (Eigen::Index i = 0; i < runs.points.rows(); ++i) {
    samples_.log_weights[index_of(runs.points.row(i))] = runs.log_weights[static_cast<std::size_t>(i)];
  }
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
