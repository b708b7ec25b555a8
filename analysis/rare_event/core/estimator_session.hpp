// What every stage of the default estimator works with: the ledger that makes and counts its runs, its random
// stream, and the log of what was done. Results of stages are not kept here; they are passed on as values.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "analysis/rare_event/core/evaluation_ledger.hpp"
#include "analysis/rare_event/core/normal_stream.hpp"

namespace flare::analysis {

/// Draws of scale * N(0, I), read.
struct ReadDraws {
  engine::Matrix points;
  std::vector<Evaluated> outcomes;
};

class EstimatorSession {
 public:
  /// Ledger and options must outlive the session.
  EstimatorSession(EvaluationLedger& ledger, const RareEventOptions& options, std::string_view label)
      : ledger_(&ledger), options_(&options), random_(options.seed, label, 0) {}

  EvaluationLedger& ledger() { return *ledger_; }
  const EvaluationLedger& ledger() const { return *ledger_; }
  const RareEventOptions& options() const { return *options_; }
  NormalStream& random() { return random_; }
  /// The caller lets a neighbouring problem's failing points shorten the search.
  bool trusts_neighbour() const { return options_->trust_neighbour && !options_->warm_starts.empty(); }

  /// At least `count` draws: those known beforehand of about that scale, else new ones, which are kept. Known ones that
  /// serve two scales are counted as looks once.
  ReadDraws draws_at(double scale, Eigen::Index count);
  /// Failing points among the runs seen elsewhere, at most 8, evenly chosen.
  std::vector<engine::Vector> seen_failures() const;
  const std::vector<ScaledDraws>& made_draws() const { return made_; }

  void note(std::string line) { notes_.push_back(std::move(line)); }
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  EvaluationLedger* ledger_;
  const RareEventOptions* options_;
  NormalStream random_;
  std::vector<ScaledDraws> made_;
  std::set<std::size_t> counted_;  // of the known ones
  std::vector<std::string> notes_;
};

}  // namespace flare::analysis
