#include "analysis/rare_event/last_resort.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <limits>

#include "analysis/rare_event/estimate_audit.hpp"
#include "analysis/rare_event/sampling/plain_monte_carlo.hpp"
#include "analysis/rare_event/sampling/subset_simulation.hpp"
#include "analysis/tails/interval.hpp"

namespace flare::analysis {
namespace {

// Far enough for six sigma in a direction that matters, and no farther than models of devices are made for.
constexpr std::array<double, 3> far_scales = {2.0, 3.0, 4.5};
constexpr std::uint64_t far_percent = 5;  // of what is left, at each scale
constexpr std::uint64_t most_far = 200;

// Chains rest on margins that lead to the failures. Noise that is fresh in every run is one more input to them, drawn
// anew with every move.
bool subset_may_answer(const EstimatorSession& session, const PlainLook& look) {
  return session.ledger().margins() && !look.origin.failed;
}

}  // namespace

RareEventSummary subset_at_last(EstimatorSession& session, const PlainLook& look, const SearchResult& search,
                                RareEventSummary refused) {
  EvaluationLedger& ledger = session.ledger();
  if (!subset_may_answer(session, look)) return refused;
  session.note(fmt::format("{} runs for subset simulation: {}", ledger.remaining(), refused.reason));
  ledger.hold_back(unreached_runs);
  engine::Matrix reached;
  RareEventSummary summary =
      repeat_subset_simulation(ledger, ledger.remaining(), session.random(), Purpose::estimate,
                               search.subset ? search.subset->levels : 0, &reached);
  ledger.release(unreached_runs);
  if (summary.status == TailStatus::estimated) {
    const std::size_t unreached = unreached_failures(session, reached).size();
    if (unreached == 0) return summary;
    summary.reason =
        fmt::format("{} failures were met that no chain of subset simulation leads to", unreached);
  }
  refused.reason += "; " + summary.reason;
  refused.runs_wanted = summary.runs_wanted;
  return refused;
}

std::vector<engine::Vector> look_far_out(EstimatorSession& session) {
  for (const double scale : far_scales) {
    const std::uint64_t count = std::min(session.ledger().remaining() * far_percent / 100, most_far);
    if (count == 0 || session.ledger().saw_unknown()) return {};
    const ReadDraws draws = session.draws_at(scale, static_cast<Eigen::Index>(count));
    std::vector<engine::Vector> failing;
    for (std::size_t i = 0; i < draws.outcomes.size(); ++i)
      if (draws.outcomes[i].failed) failing.push_back(draws.points.row(static_cast<Eigen::Index>(i)));
    session.note(
        fmt::format("{} draws at {:.1f} sigma, {} failed", draws.outcomes.size(), scale, failing.size()));
    if (!failing.empty()) return failing;
  }
  return {};
}

RareEventSummary bound_without_failure(EstimatorSession& session, const PlainLook& look) {
  EvaluationLedger& ledger = session.ledger();
  const std::uint64_t count = ledger.remaining();
  RareEventSummary summary = plain_monte_carlo(ledger, count, session.random(), Purpose::estimate);
  // One that fails after all is plain Monte Carlo's to answer; unknown runs are not passes.
  if (count > 0 && (summary.status == TailStatus::estimated || ledger.saw_unknown())) return summary;
  const std::uint64_t plain = count + look.runs();
  summary.status = TailStatus::bound;
  summary.reason = fmt::format("none of {} plain runs failed", plain);
  if (ledger.saw_failure()) {
    summary.reason += "; failures were met farther out, and no region of them could be placed";
  } else {
    summary.reason +=
        fmt::format(", and none of {} others that looked out to {:.1f} sigma",
                    ledger.counts().total() - std::min(ledger.counts().total(), plain), far_scales.back());
  }
  summary.log_p = summary.log_p_high = std::log(clopper_pearson(0, plain).high);
  summary.log_p_low = -std::numeric_limits<double>::infinity();
  return summary;
}

}  // namespace flare::analysis
