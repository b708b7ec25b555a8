#include "analysis/output_tails/output_tails.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <stdexcept>

#include "analysis/output_tails/output_audit.hpp"
#include "analysis/output_tails/shared_estimate.hpp"
#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {
namespace {

constexpr int attempts = 3;

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
  std::vector<QuestionGroup> groups = shape_surrogates(session, explored);
  EstimateRules rules;
  SharedRuns made;
  for (int attempt = 1; attempt <= attempts; ++attempt) {
    if (attempt == attempts) rules.patience = std::numeric_limits<std::uint64_t>::max();
    made = estimate_shared(session, explored, groups, rules);
    if (!made.doubted || session.remaining() < static_cast<std::uint64_t>(made.fresh.count())) break;
    // A sample that may not be believed becomes one more pilot, and the estimate begins again.
    session.note(
        fmt::format("{} runs that may not be believed shape the stand-ins anew", made.fresh.count()));
    session.count_estimate_as_pilot();
    explored.near.add(made.fresh.points, made.fresh.values);
    reshape_surrogates(session, explored, groups);
    rules.least_near_limit = 24;  // it was not easy
  }
  audit_outputs(session, explored, made);
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
