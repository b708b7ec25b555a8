// The first runs of the default estimator: the origin and plain draws at nominal spread. They tell whether
// plain Monte Carlo is enough and what a plane explains of the margin.
#pragma once

#include "analysis/estimator_session.hpp"

namespace flare::analysis {

struct PlainLook {
  Outcome origin;
  ReadDraws draws;
  std::size_t failures = 0;

  std::size_t runs() const { return draws.outcomes.size(); }
  bool often_fails() const { return 2 * failures >= runs(); }
  /// Runs of plain Monte Carlo to a half-width in sigma, were the share of failures seen here the truth.
  std::uint64_t monte_carlo_runs(double half_width) const;
  void read_unknown_as_failed();
};

PlainLook look_around(EstimatorSession& session);

}  // namespace flare::analysis
