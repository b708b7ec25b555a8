#include "analysis/rare_event/search/plain_look.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/rare_event/sampling/plain_monte_carlo.hpp"

namespace flare::analysis {
namespace {

std::size_t count_failures(const std::vector<Evaluated>& outcomes) {
  return static_cast<std::size_t>(
      std::count_if(outcomes.begin(), outcomes.end(), [](const Evaluated& o) { return o.failed; }));
}

// Enough for a least-squares plane with some runs left over to judge it.
Eigen::Index plain_runs(const EstimatorSession& session) {
  const Eigen::Index d = session.ledger().dimension();
  if (session.trusts_neighbour()) return 24;
  return d <= 150 ? std::max<Eigen::Index>(60, (14 * d) / 10 + 30) : 60;
}

// Standard deviation; 0 where a margin is missing.
double spread_of(const std::vector<Evaluated>& outcomes) {
  double sum = 0.0, squares = 0.0;
  for (const Evaluated& outcome : outcomes) {
    if (!outcome.has_margin) return 0.0;
    sum += outcome.margin;
    squares += outcome.margin * outcome.margin;
  }
  const auto n = static_cast<double>(outcomes.size());
  return std::sqrt(std::max(0.0, (squares - sum * sum / n) / (n - 1.0)));
}

// The origin once more; where that disagrees, several times.
double measure_noise(EvaluationLedger& ledger, const Evaluated& origin) {
  constexpr Eigen::Index repeats = 8;
  if (!origin.has_margin) return 0.0;
  const Evaluated again = ledger.evaluate_one(engine::Vector::Zero(ledger.dimension()), Purpose::explore);
  if (!again.has_margin || again.margin == origin.margin) return 0.0;
  std::vector<Evaluated> outcomes =
      ledger.evaluate(engine::Matrix::Zero(repeats, ledger.dimension()), Purpose::explore);
  outcomes.push_back(origin);
  outcomes.push_back(again);
  return spread_of(outcomes);
}

}  // namespace

std::uint64_t PlainLook::monte_carlo_runs(double half_width) const {
  const double p = (static_cast<double>(failures) + 0.5) / (static_cast<double>(runs()) + 1.0);
  return monte_carlo_runs_for(p, half_width);
}

void PlainLook::read_unknown_as_failed() {
  for (Evaluated& outcome : draws.outcomes) outcome.failed = outcome.failed || outcome.unknown;
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
  look.noise = measure_noise(session.ledger(), look.origin);
  look.spread = spread_of(look.draws.outcomes);
  if (look.noisy()) {
    session.note(
        fmt::format("margins are noisy: {:.2g} when repeated, {:.2g} in all", look.noise, look.spread));
  }
  return look;
}

}  // namespace flare::analysis
