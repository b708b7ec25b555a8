#include "analysis/output_tails/output_tails.hpp"

#include <cmath>
#include <stdexcept>

#include "analysis/output_tails/output_audit.hpp"
#include "analysis/output_tails/shared_estimate.hpp"
#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {
namespace {

void check(std::size_t dimension, const OutputEvaluator& evaluator,
           const std::vector<TailQuestion>& questions, const OutputTailsOptions& options) {
  const auto require = [](bool holds, const char* what) {
    if (!holds) throw std::invalid_argument(std::string("output tails: ") + what);
  };
  require(dimension > 0, "dimension 0");
  require(static_cast<bool>(evaluator), "no evaluator");
  require(!questions.empty(), "no question");
  require(options.target_half_width > 0.0, "the target half-width must be positive");
  for (const TailQuestion& question : questions) {
    require(std::isfinite(question.limit), "a limit is not a number");
    require(std::isfinite(question.noise) && question.noise >= 0.0,
            "a noise must be finite and not negative");
  }
  for (const OutputDraws& known : options.known) {
    require(known.points.cols() == static_cast<Eigen::Index>(dimension), "known draws of another dimension");
    require(known.values.size() == static_cast<std::size_t>(known.points.rows()),
            "known draws without values");
    require(known.scale > 0.0, "known draws at a scale that is not positive");
  }
}

void answer(OutputSession& session) {
  PlaneExploration explored = explore_plane(session);
  if (!explored.objection.empty()) throw OutputTailsEnded{explored.objection};
  estimate_shared(session, explored, shape_surrogates(session, explored));
  audit_outputs(session, explored);
}

}  // namespace

double OutputTail::half_width() const {
  return 0.5 * (upper_tail_quantile(log_p_low) - upper_tail_quantile(log_p_high));
}

OutputTailsSummary estimate_output_tails(std::size_t dimension, const OutputEvaluator& evaluator,
                                         const std::vector<TailQuestion>& questions,
                                         const OutputTailsOptions& options, std::stop_token stop) {
  check(dimension, evaluator, questions, options);
  OutputSession session(dimension, evaluator, questions, options, std::move(stop));
  try {
    answer(session);
  } catch (const OutputTailsEnded& end) {
    session.refuse_all(end.why);
    session.note(end.why);
  }
  return std::move(session.summary());
}

}  // namespace flare::analysis
