#include "analysis/rare_event/search/plain_look.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/rare_event/sampling/plain_monte_carlo.hpp"
#include "analysis/rare_event/search/roughness.hpp"

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

// Standard deviation of the margins; 0 where there are few.
double spread_of(const std::vector<Evaluated>& outcomes) {
  double sum = 0.0, squares = 0.0, n = 0.0;
  for (const Evaluated& outcome : outcomes) {
    if (!outcome.has_margin) continue;
    sum += outcome.margin;
    squares += outcome.margin * outcome.margin;
    n += 1.0;
  }
  return n < 10.0 ? 0.0 : std::sqrt(std::max(0.0, (squares - sum * sum / n) / (n - 1.0)));
}

void note_noise(EstimatorSession& session, const PlainLook& look, std::string_view where) {
  if (!look.rough()) return;
  session.note(fmt::format("margins are noisy {}: {:.2g} between neighbours, {:.2g} in all", where,
                           look.noise, look.spread));
}

// Around the first draw: points where a margin is likely to be special, the origin among them, are avoided.
double measure_noise(EvaluationLedger& ledger, const PlainLook& look) {
  const Evaluated& first = look.draws.outcomes.front();
  if (!first.has_margin || !(look.spread > 0.0)) return 0.0;
  return roughness_at(ledger, look.draws.points.row(0), first.margin, look.spread);
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
  look.spread = spread_of(look.draws.outcomes);
  look.noise = measure_noise(session.ledger(), look);
  note_noise(session, look, "at nominal spread");
  return look;
}

void look_for_noise(EstimatorSession& session, const engine::Vector& boundary, PlainLook& look) {
  if (look.rough() || !session.ledger().margins() || !(look.spread > 0.0)) return;
  const Evaluated outcome = session.ledger().evaluate_one(boundary, Purpose::explore);
  if (!outcome.has_margin) return;
  look.noise = roughness_at(session.ledger(), boundary, outcome.margin, look.spread);
  note_noise(session, look, "where it begins to fail");
}

}  // namespace flare::analysis
