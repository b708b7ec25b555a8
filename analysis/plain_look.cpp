#include "analysis/plain_look.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "analysis/plain_monte_carlo.hpp"

namespace flare::analysis {
namespace {

std::size_t count_failures(const std::vector<Outcome>& outcomes) {
  return static_cast<std::size_t>(
      std::count_if(outcomes.begin(), outcomes.end(), [](const Outcome& o) { return o.failed; }));
}

// Enough for a least-squares plane with some runs left over to judge it.
Eigen::Index plain_runs(const EstimatorSession& session) {
  const Eigen::Index d = session.ledger().dimension();
  if (session.trusts_neighbour()) return 24;
  return d <= 150 ? std::max<Eigen::Index>(60, (14 * d) / 10 + 30) : 60;
}

}  // namespace

std::uint64_t PlainLook::monte_carlo_runs(double half_width) const {
  const double p = (static_cast<double>(failures) + 0.5) / (static_cast<double>(runs()) + 1.0);
  return monte_carlo_runs_for(p, half_width);
}

void PlainLook::read_unknown_as_failed() {
  for (Outcome& outcome : draws.outcomes) outcome.failed = outcome.failed || outcome.unknown;
  origin.failed = origin.failed || origin.unknown;
  failures = count_failures(draws.outcomes);
}

PlainLook look_around(EstimatorSession& session) {
  PlainLook look;
  look.origin =
      session.ledger().evaluate_one(engine::Vector::Zero(session.ledger().dimension()), Purpose::explore);
  look.draws = session.draws_at(1.0, plain_runs(session));
  look.failures = count_failures(look.draws.outcomes);
  session.note(fmt::format("{} plain runs, {} failed", look.runs(), look.failures));
  return look;
}

}  // namespace flare::analysis
