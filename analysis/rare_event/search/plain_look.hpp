// The first runs of the default estimator: the origin and plain draws at nominal spread. They tell whether
// plain Monte Carlo is enough and what a plane explains of the margin.
#pragma once

#include "analysis/rare_event/core/estimator_session.hpp"

namespace flare::analysis {

struct PlainLook {
  Evaluated origin;
  ReadDraws draws;
  std::size_t failures = 0;
  double noise = 0.0;   // standard deviation of the margin at points that are next to each other
  double spread = 0.0;  // of the margins of the draws; 0 where there are few

  double relative_noise() const { return spread > 0.0 ? noise / spread : 0.0; }
  /// A root found in the usual way would be that of the noise: lines are measured instead.
  bool rough() const { return relative_noise() > 0.002; }
  /// Too much for that: weighted failures, or one run a line.
  bool noisy() const { return relative_noise() > 0.2; }
  std::size_t runs() const { return draws.outcomes.size(); }
  bool often_fails() const { return 2 * failures >= runs(); }
  /// Runs of plain Monte Carlo to a half-width in sigma, were the share of failures seen here the truth.
  std::uint64_t monte_carlo_runs(double half_width) const;
  void read_unknown_as_failed();
};

/// Looks for noise where the design begins to fail, at `boundary`.
void look_for_noise(EstimatorSession& session, const engine::Vector& boundary, PlainLook& look);

PlainLook look_around(EstimatorSession& session);

}  // namespace flare::analysis
