#include "analysis/rare_event/estimators/race.hpp"

#include <algorithm>
#include <cmath>

#include "analysis/rare_event/estimators/line_estimator.hpp"
#include "analysis/rare_event/estimators/ray_estimator.hpp"
#include "analysis/rare_event/search/other_directions.hpp"

namespace flare::analysis {
namespace {

constexpr double most_cov = 0.5;  // of a pilot that saw something clearly

// Where the origin itself fails no point is nearest to it. A short pilot along each direction there is decides.
void choose_direction(Findings& findings) {
  std::vector<LineRegion> candidates = other_directions(findings.session, findings.search);
  candidates.push_back(findings.search.regions.front());
  double best = -1.0;
  for (const LineRegion& candidate : candidates) {
    LineEstimator lines({candidate}, "direction", 1);
    lines.pilot(findings);
    if (!(lines.forecast().effective > best)) continue;
    best = lines.forecast().effective;
    findings.search.regions = lines.regions();
  }
  findings.search.unseen_share = 0.0;
}

bool any_comfortable(const Findings& findings, const Estimators& estimators) {
  return std::any_of(estimators.begin(), estimators.end(), [&](const std::unique_ptr<Estimator>& e) {
    return e->is_comfortable(findings.session.ledger());
  });
}

// Those whose pilot was made before the budget ended.
Estimators run_pilots(Findings& findings) {
  Estimators made;
  int round = 0;
  try {
    for (const Entrant& entrant : race_entrants()) {
      if (entrant.round > round && any_comfortable(findings, made)) break;
      round = entrant.round;
      if (!entrant.enters(findings)) continue;
      for (std::unique_ptr<Estimator>& estimator : entrant.make(findings)) {
        estimator->pilot(findings);
        note_pilot(estimator->forecast(), findings.search);
        made.push_back(std::move(estimator));
      }
    }
  } catch (const BudgetSpent&) {
    if (made.empty()) throw;
    findings.session.note("the budget ends before every engine had its pilot");
  }
  return made;
}

bool sees_less(const Forecast& forecast, const Estimators& others) {
  return std::any_of(others.begin(), others.end(), [&](const std::unique_ptr<Estimator>& e) {
    const Forecast& other = e->forecast();
    const double noise = 3.0 * std::hypot(std::min(forecast.cov, 1.0), std::min(other.cov, 1.0));
    return other.usable && other.cov < most_cov && other.log_p > forecast.log_p + std::max(1.0, noise);
  });
}

// Of the usable ones the cheapest first; one that sees clearly less than another misses something.
Estimators ranked(Estimators all) {
  std::vector<char> good;
  for (const std::unique_ptr<Estimator>& estimator : all)
    good.push_back(estimator->forecast().usable && !sees_less(estimator->forecast(), all) ? 1 : 0);
  Estimators usable;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (good[i]) usable.push_back(std::move(all[i]));
  std::stable_sort(usable.begin(), usable.end(),
                   [](const auto& a, const auto& b) { return a->price() < b->price(); });
  return usable;
}

}  // namespace

void note_pilot(const Forecast& forecast, SearchResult& search) {
  if (forecast.usable && forecast.cov < most_cov)
    search.log_p_at_least = std::max(search.log_p_at_least, forecast.log_p - 3.0 * forecast.cov);
}

Estimators race(Findings& findings) {
  if (findings.look.origin.failed) choose_direction(findings);
  return ranked(run_pilots(findings));
}

Estimators as_asked(Findings& findings) {
  if (findings.look.origin.failed) choose_direction(findings);
  const RareEventMethod method = findings.session.options().method;
  if (method != RareEventMethod::radial_sampling && !findings.look.noisy() && may_surround(findings))
    RayEstimator(true).pilot(findings);
  Estimators asked = named_estimator(method).make(findings);
  for (const std::unique_ptr<Estimator>& estimator : asked) estimator->pilot(findings);
  std::erase_if(asked, [](const std::unique_ptr<Estimator>& e) { return !e->forecast().usable; });
  return asked;
}

}  // namespace flare::analysis
