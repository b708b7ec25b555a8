// What a study and the rare-event estimators need of each other: runs that are kept, and results in the words of
// the result file.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "analysis/output_tails/output_tails.hpp"
#include "analysis/rare_event/rare_event.hpp"
#include "analysis/tails/tail.hpp"
#include "studies/run/study_run.hpp"

namespace flare::studies {

/// "auto", "monte_carlo", "subset", ... of a study's [estimator].
analysis::RareEventMethod rare_event_method(const std::string& name);

/// Throws StudyError where the study's method makes rare-event estimates and its budget cannot hold one over
/// `dimension` variables.
void check_budget(const Study& study, std::size_t dimension);

/// p, interval, status and method as tables hold them. A refused one holds no number; its method says why and
/// what to change in the study.
analysis::TailProbability probability_of(const analysis::RareEventSummary& summary);
/// `runs`: all that stand behind the answer, those it shares with other questions included.
analysis::TailProbability probability_of(const analysis::OutputTail& tail, const analysis::RunCounts& runs);

/// Share of every variable in the squared distance of a nearest failing point; sums to 1. `point` may be longer
/// than the names (the converter's coordinate), which then gets the name "converter".
struct VariableShare {
  std::string variable;
  double share = 0.0;
  double coordinate = 0.0;  // in sigma, with its sign
};
std::vector<VariableShare> variable_shares(const engine::Vector& point, const engine::Testbench& bench);

/// d sigma / d ln area of the device of a variable (analysis/results/carrier_table.hpp); `distance` of the point.
double area_slope(const Study& study, const VariableShare& share, double distance);

/// Makes the runs of a request; empty: as the request stands.
using MakeRuns = std::function<std::vector<engine::RunResult>(const engine::RunRequest& request)>;

/// Evaluates points of one testbench through the store: run i of the stream is the i-th point ever asked for, so
/// an estimator that is started again with the same seed finds its runs.
class StoredEvaluator {
 public:
  StoredEvaluator(const StudyRun& run, std::string stream, std::shared_ptr<const engine::Testbench> testbench,
                  MakeRuns make = {});

  /// Throws engine::Stopped where a stop was requested.
  std::vector<engine::RunResult> evaluate(const engine::Matrix& points);

  /// Runs at points (rows) that were all evaluated, the latest of each. Throws std::out_of_range for another point.
  std::vector<engine::RunResult> runs_at(const engine::Matrix& points);
  /// Their weights in the estimate they were made for.
  void weigh(const analysis::WeightedRuns& runs);

  std::size_t runs() const { return samples_.runs.size(); }
  const engine::Testbench& testbench() const { return *samples_.testbench; }
  /// Every run made, in order.
  SampleSet take_samples();

 private:
  const StudyRun& run_;
  MakeRuns make_;
  std::uint64_t fingerprint_;
  SampleSet samples_;  // its points are joined when they are taken
  std::vector<engine::Matrix> batches_;
  std::unordered_map<std::string, std::size_t>
      index_;  // by the bytes of a point; of the first `indexed_` batches
  std::size_t indexed_ = 0;

  std::size_t rows_before(std::size_t batch) const;
  std::size_t index_of(const Eigen::Ref<const Eigen::RowVectorXd>& point);
};

}  // namespace flare::studies
