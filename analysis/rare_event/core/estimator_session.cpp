#include "analysis/rare_event/core/estimator_session.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>

namespace flare::analysis {
namespace {

Response as_response(const Evaluated& outcome) {
  if (outcome.unknown) return Response::unknown();
  if (outcome.has_margin) return Response::margin(outcome.margin);
  if (outcome.infinite) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    return Response::margin(outcome.failed ? -infinity : infinity);
  }
  return outcome.failed ? Response::fail() : Response::pass();
}

}  // namespace

ReadDraws EstimatorSession::draws_at(double scale, Eigen::Index count) {
  for (std::size_t i = 0; i < options_->known.size(); ++i) {
    const ScaledDraws& known = options_->known[i];
    if (known.points.rows() < count || std::abs(std::log(known.scale / scale)) > std::log(1.2)) continue;
    note(fmt::format("{} known draws at {:.1f} sigma", known.points.rows(), known.scale));
    ReadDraws read{known.points, ledger_->take_in(known.points, known.responses)};
    if (counted_.insert(i).second) ledger_->count_draws(known.scale, read.outcomes);
    return read;
  }
  ScaledDraws made{scale, scale * random_.normal_matrix(count, ledger_->dimension()), {}};
  std::vector<Evaluated> outcomes = ledger_->evaluate(made.points, Purpose::explore);
  ledger_->count_draws(scale, outcomes);
  for (const Evaluated& outcome : outcomes) made.responses.push_back(as_response(outcome));
  made_.push_back(std::move(made));
  return {made_.back().points, std::move(outcomes)};
}

std::vector<engine::Vector> EstimatorSession::seen_failures() const {
  constexpr std::size_t most = 8;
  std::vector<engine::Vector> failing;
  for (std::size_t i = 0; i < options_->seen.responses.size(); ++i)
    if (read_response(options_->seen.responses[i], UnknownAs::pass).failed)
      failing.push_back(options_->seen.points.row(static_cast<Eigen::Index>(i)));
  std::vector<engine::Vector> chosen;
  const std::size_t n = failing.size(), count = std::min(n, most);
  for (std::size_t i = 0; i < count; ++i) chosen.push_back(failing[i * n / count]);
  return chosen;
}

}  // namespace flare::analysis
