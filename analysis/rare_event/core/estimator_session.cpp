#include "analysis/rare_event/core/estimator_session.hpp"

#include <fmt/format.h>

#include <cmath>

namespace flare::analysis {
namespace {

Response as_response(const Evaluated& outcome) {
  if (outcome.unknown) return Response::unknown();
  if (outcome.has_margin) return Response::margin(outcome.margin);
  return outcome.failed ? Response::fail() : Response::pass();
}

}  // namespace

ReadDraws EstimatorSession::draws_at(double scale, Eigen::Index count) {
  for (const ScaledDraws& known : options_->known) {
    if (known.points.rows() < count || std::abs(std::log(known.scale / scale)) > std::log(1.2)) continue;
    note(fmt::format("{} known draws at {:.1f} sigma", known.points.rows(), known.scale));
    ReadDraws read{known.points, ledger_->take_in(known.points, known.responses)};
    if (known.scale == 1.0) ledger_->count_plain(read.outcomes);
    return read;
  }
  ScaledDraws made{scale, scale * random_.normal_matrix(count, ledger_->dimension()), {}};
  std::vector<Evaluated> outcomes = ledger_->evaluate(made.points, Purpose::explore);
  if (scale == 1.0) ledger_->count_plain(outcomes);
  for (const Evaluated& outcome : outcomes) made.responses.push_back(as_response(outcome));
  made_.push_back(std::move(made));
  return {made_.back().points, std::move(outcomes)};
}

}  // namespace flare::analysis
