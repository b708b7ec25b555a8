// What every stage of the shared estimator works with: the budget, the runs, the random stream, and the log of what
// was done. Results of stages are not kept here; they are passed on as values.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "analysis/output_tails/output_tails.hpp"
#include "analysis/rare_event/core/normal_stream.hpp"

namespace flare::analysis {

/// Points with a value, in the order seen.
struct KnownOutputs {
  engine::Matrix points;  // runs x d
  std::vector<double> values;

  Eigen::Index count() const { return points.rows(); }
  engine::Vector y() const { return Eigen::Map<const engine::Vector>(values.data(), count()); }
  /// Rows whose value is not a number are left out.
  void add(const engine::Matrix& more, const std::vector<double>& y);
  /// Those a fit can use: an infinite value is a plain pass or fail.
  KnownOutputs finite() const;
};

/// Thrown where no question can be answered any more.
struct OutputTailsEnded {
  std::string why;
};

class OutputSession {
 public:
  /// What is referred to must outlive the session.
  OutputSession(std::size_t dimension, const OutputEvaluator& evaluator,
                const std::vector<TailQuestion>& questions, const OutputTailsOptions& options,
                std::stop_token stop);

  Eigen::Index dimension() const { return dimension_; }
  const std::vector<TailQuestion>& questions() const { return questions_; }
  const OutputTailsOptions& options() const { return options_; }
  NormalStream& random() { return random_; }
  OutputTailsSummary& summary() { return summary_; }
  std::uint64_t remaining() const;

  /// Values at points (runs x d). Throws OutputTailsEnded where the budget does not cover them or a stop was
  /// requested.
  std::vector<double> evaluate(const engine::Matrix& points, std::uint64_t RunCounts::*purpose);
  /// At least `count` draws of scale * N(0, I): those known of about that scale, and new ones for what they lack.
  OutputDraws draws(double scale, Eigen::Index count);
  /// New ones, which the summary keeps.
  OutputDraws made_draws(double scale, Eigen::Index count, std::uint64_t RunCounts::*purpose);

  /// Runs of an estimate that was given up become a pilot's: they enter no estimate.
  void count_estimate_as_pilot();

  void note(std::string line) { summary_.search.push_back(std::move(line)); }
  void refuse(std::size_t question, const std::string& reason);
  void refuse_all(const std::string& reason);

 private:
  std::vector<double> run(const engine::Matrix& points, std::uint64_t RunCounts::*purpose);
  OutputDraws known_draws(double scale) const;

  Eigen::Index dimension_;
  const OutputEvaluator& evaluator_;
  const std::vector<TailQuestion>& questions_;
  const OutputTailsOptions& options_;
  std::stop_token stop_;
  NormalStream random_;
  OutputTailsSummary summary_;
};

}  // namespace flare::analysis
