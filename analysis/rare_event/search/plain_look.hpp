// The first runs of the default estimator: the origin and plain draws at nominal spread. They tell whether
// plain Monte Carlo is enough and what a plane explains of the margin.
#pragma once

#include "analysis/rare_event/core/estimator_session.hpp"

namespace flare::analysis {

struct PlainLook {
  Evaluated origin;
  ReadDraws draws;
  std::size_t failures = 0;
  double noise = 0.0;   // standard deviation of the margin when the origin is run again
  double spread = 0.0;  // of the margins of the draws; 0 where any is missing

  /// Repeated runs disagree by more than a search for roots would tolerate.
  bool noisy() const { return noise > 0.02 * spread; }
  std::size_t runs() const { return draws.outcomes.size(); }
  bool often_fails() const { return 2 * failures >= runs(); }
  /// Runs of plain Monte Carlo to a half-width in sigma, were the share of failures seen here the truth.
  std::uint64_t monte_carlo_runs(double half_width) const;
  void read_unknown_as_failed();
};

PlainLook look_around(EstimatorSession& session);

}  // namespace flare::analysis
