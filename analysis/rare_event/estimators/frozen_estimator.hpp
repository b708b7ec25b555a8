// Estimates from fresh values of a frozen proposal, in stages until the target is met or the budget ends:
// what lines, rays and weighted runs share.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "analysis/rare_event/estimators/estimator.hpp"
#include "analysis/tails/interval.hpp"

namespace flare::analysis {

/// Values made so far, and what they say.
struct Sampled {
  std::vector<Stratum> strata;
  WeightedEstimate estimate;
  double values = 0.0;    // lines, rays or runs behind it
  bool given_up = false;  // early, with half of the budget left

  /// Of weighted runs: so few count that the proposal must be far from the failures.
  bool hardly_counts() const { return estimate.effective_samples < std::min(100.0, 0.03 * values); }
};

class FrozenEstimator : public Estimator {
 public:
  RareEventSummary estimate(Findings& findings) override;

 protected:
  virtual RareEventMethod method() const = 0;
  /// counts[i] fresh values of stratum i, in units of exp(forecast().log_p).
  virtual std::vector<Stratum> draw(EstimatorSession& session, const std::vector<std::size_t>& counts) = 0;
  /// Why the sample may not be believed, beyond what every weighted sample is asked; empty where it may.
  virtual std::string objection(const Sampled& sampled) const;
  /// The same by at most runs_to_ask() runs (Purpose::audit), once nothing else speaks against it.
  virtual std::string asked_objection(EstimatorSession& session, const Sampled& sampled) const;
  virtual std::uint64_t runs_to_ask() const { return 0; }
  /// Makes a sample that may not be believed, of `cost` runs, one more pilot: true where the proposal was
  /// refitted to it and fresh values are worth another try. Asked once.
  virtual bool can_relearn() const { return false; }
  /// The values drawn last showed that the next ones must be drawn otherwise: a reason to begin again, too.
  virtual bool has_changed() const { return false; }
  virtual void relearn(EstimatorSession& session, std::uint64_t cost);
  virtual void describe_regions(const WeightedEstimate& estimate, RareEventSummary& summary) const;

  /// Reads a pilot's strata into the forecast; they cost `cost` runs.
  void judge(const RareEventOptions& options, const std::vector<Stratum>& strata, double log_scale,
             std::uint64_t cost);
  /// Logs the forecast.
  void note_pilot(EstimatorSession& session) const;

 private:
  Sampled sample_to_target(EstimatorSession& session, bool may_give_up);
  Sampled sample_or_relearn(EstimatorSession& session);
  std::string all_objections(const Findings& findings, const Sampled& sampled) const;
};

}  // namespace flare::analysis
