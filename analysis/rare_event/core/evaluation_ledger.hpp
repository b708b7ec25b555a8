// Every run an estimator makes goes through the ledger: it counts runs by purpose, keeps the budget, reads
// pass/fail/unknown the same way everywhere, and stops when asked to.
#pragma once

#include <algorithm>
#include <stdexcept>
#include <stop_token>

#include "analysis/rare_event/core/even_selection.hpp"
#include "analysis/rare_event/core/problem.hpp"

namespace flare::analysis {

enum class Purpose { explore, pilot, estimate, audit };

/// How an unknown run is read while a bound of the bracket is estimated.
enum class UnknownAs { pass, fail };

/// A run, read.
struct Evaluated {
  bool failed = false;
  bool has_margin = false;
  bool unknown = false;
  bool infinite = false;  // a margin that has a side and no size
  double margin = 0.0;    // where has_margin
};

Evaluated read_response(const Response& response, UnknownAs reading);

/// Thrown before a batch that the budget does not cover.
class BudgetSpent : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Thrown before a batch once a stop was requested.
class StopRequested : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class EvaluationLedger {
 public:
  /// `evaluator` must outlive the ledger.
  EvaluationLedger(std::size_t dimension, const BatchEvaluator& evaluator, std::uint64_t budget,
                   std::stop_token stop);

  std::vector<Evaluated> evaluate(const engine::Matrix& points, Purpose purpose);
  Evaluated evaluate_one(const engine::Vector& point, Purpose purpose);
  /// Reads responses of runs that were made elsewhere: they count as no run.
  std::vector<Evaluated> take_in(const engine::Matrix& points, const std::vector<Response>& responses);

  /// The same, and failures among them are remembered like those of a search.
  void remember_seen(const engine::Matrix& points, const std::vector<Response>& responses) {
    remember(points, take_in(points, responses));
  }

  /// Runs of an estimate that was given up become a pilot's: they enter no estimate.
  void count_estimate_as_pilot(std::uint64_t runs) {
    counts_.estimate -= runs;
    counts_.pilot += runs;
  }

  Eigen::Index dimension() const { return dimension_; }
  std::uint64_t remaining() const {
    const std::uint64_t spent = counts_.total() + held_back_;
    return spent < budget_ ? budget_ - spent : 0;
  }
  const RunCounts& counts() const { return counts_; }
  void set_unknown_as(UnknownAs reading) { reading_ = reading; }
  /// The first unknown points (at most 40), as rows.
  const std::vector<engine::Vector>& unknown_points() const { return unknown_points_; }
  /// These outcomes are of independent draws of scale * N(0, I).
  void count_draws(double scale, const std::vector<Evaluated>& outcomes);
  const std::vector<Look>& looks() const { return looks_; }
  /// Unknown among plain draws of N(0, I), and how many there were.
  std::uint64_t plain_runs() const { return plain_runs_; }
  std::uint64_t plain_unknown() const { return plain_unknown_; }
  bool saw_unknown() const { return !unknown_points_.empty(); }
  /// Keeps `runs` back, besides those kept already: they cannot be spent until they are released.
  void hold_back(std::uint64_t runs) { held_back_ += runs; }
  void release(std::uint64_t runs) { held_back_ -= std::min(runs, held_back_); }
  /// Failing points that were met while exploring, piloting or auditing: all of them, or every second, fourth, ...
  /// where there are many, so that memory stays bounded.
  const std::vector<engine::Vector>& met_failures() const { return met_.items(); }
  /// Some run failed, whatever it was made for and wherever it was made.
  bool saw_failure() const { return saw_failure_; }
  /// Margins are usable throughout: some were seen and nothing came without.
  bool margins() const { return saw_margin_ && !saw_bare_; }

 private:
  Eigen::Index dimension_;
  const BatchEvaluator* evaluator_;
  std::uint64_t budget_;
  std::stop_token stop_;
  RunCounts counts_;
  UnknownAs reading_ = UnknownAs::pass;
  std::uint64_t held_back_ = 0;
  void remember(const engine::Matrix& points, const std::vector<Evaluated>& outcomes);

  std::vector<engine::Vector> unknown_points_;
  EvenSelection<engine::Vector> met_;
  std::vector<Look> looks_;
  std::uint64_t plain_runs_ = 0, plain_unknown_ = 0;
  bool saw_margin_ = false;
  bool saw_bare_ = false;  // only pass or fail (unknown aside)
  bool saw_failure_ = false;
};

}  // namespace flare::analysis
