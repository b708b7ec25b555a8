// Many tails of one scalar output from one set of runs.
//
// A bitline level y(x), x ~ N(0, I_d), is asked many questions: does it lie beyond this threshold, beyond that
// one, with the noise of a finer converter, of a coarser one? Each is a tail probability of the same y, and
// where y is close to linear the runs that answer one answer all:
//
//     P = E[h(M(x))] + E_q[phi/q (h(y(x)) - h(M(x)))],     h = Pr(fails | y), M a stand-in for y
//
// The first term is known without a run (tail_surrogate.hpp); the second is estimated by fresh runs of one frozen
// proposal q, a mixture along one direction a that has a component wherever a question is decided, and N(0, I)
// across it: weights do not depend on the dimension, and are bounded by a defensive share. Unbiased whatever M
// is; a poor M shows as a wide interval or a refusal. The same combination of a control variate with importance
// sampling is Owen & Zhou (2000), the mixture weights are those of Veach's balance heuristic.
//
//     explore   draws at an inflated sigma: one plane must explain y there too, and every failure met
//     pilot     runs near the boundaries shape M, one for questions near one another; then M and q are frozen
//     estimate  fresh runs until every question has its interval; a sample that may not be believed becomes one more
//               pilot, at most twice, and the estimate begins again
//     audit     fresh draws at an inflated sigma, around the origin and near the limits: a failure that M does not expect
//               takes the answers back; outputs that it does not expect are weighed (unexpected_outputs.hpp), where they
//               could hold 0.3 of P or more after up to two closer looks of 48 runs
//
// What is promised.
//   estimated  Fresh runs, made after M and q were frozen, reach the limit, and nothing that was met contradicts the
//              number. The interval is that of a mean with Student's t on the degrees of freedom of its variance; its
//              upper end is raised by what unexpected outputs that were met may be worth, at their 99 % limit. It holds the
//              truth in at least 90 of 100 repeats on the problems of tests/analysis/output_tails.
//   refused    No number. Of sound answers the screen takes back about 1 in 100 on columns without noise at 7 to
//              10 sigma. It assumes that what exceeds the stand-in by e or more is, across the axis, no rarer at an
//              inflated sigma than a half-space of the same P; a region that no draw met it cannot know of. With 60
//              draws at 3 sigma, 16 at 4.5 and 32 at 4.5 near the limits of a side a step across the axis at 4 sigma is
//              missed in fewer than 1 of 10,000 searches, at 5 sigma in 1 of 1,000, at 6 sigma in 1 of 100 (binomial;
//              of the draws around the origin the half towards the limit is counted).
//
// An infinite output is a plain pass or fail, as in rare_event.hpp; not a number is unknown.
//
// A question that this cannot answer is refused, with the reason: rare_event.hpp can search for it, and takes the
// summary's draws as known.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "analysis/output_tails/tail_surrogate.hpp"
#include "analysis/rare_event/rare_event.hpp"

namespace flare::analysis {

/// Values of y at the rows of a matrix (runs x d); not a number where a run gave no answer. May throw.
using OutputEvaluator = std::function<std::vector<double>(const engine::Matrix& points)>;

/// Independent draws of scale * N(0, I_d).
struct OutputDraws {
  double scale = 1.0;
  engine::Matrix points;       // runs x d
  std::vector<double> values;  // NaN: unknown
};

struct OutputTailsOptions {
  double target_half_width = 0.1;  // of every 95 % interval, in sigma
  std::uint64_t max_runs = 1000;   // never more, all questions and purposes together
  std::uint64_t seed = 1;
  std::vector<OutputDraws> known;  // evaluated elsewhere; cost no run, never enter an estimate
  /// Stand-ins of a neighbouring problem (another corner, another level): where their bend and tilt fit here they spare most of the pilot. Never believed by themselves.
  std::vector<TailSurrogate> warm_starts;
};

/// Runs at points that a pilot, an estimate or a closer look chose: of no plain law.
struct DirectedOutputs {
  engine::Matrix points;       // runs x d
  std::vector<double> values;  // NaN: unknown
};

/// The answer to one question.
struct OutputTail {
  TailStatus status = TailStatus::refused;  // estimated or refused
  std::string reason;                       // why refused
  // Natural logarithms; NaN where refused.
  double log_p = std::numeric_limits<double>::quiet_NaN();
  double log_p_low = std::numeric_limits<double>::quiet_NaN();
  double log_p_high = std::numeric_limits<double>::quiet_NaN();
  bool bracketed = false;  // some runs gave no answer: p is that of "they fail", low that of "they pass"
  bool target_met = false;
  double effective_samples = 0.0;
  /// Probability that a half-space as likely as p, across the axis and known to nobody, would have been met by a draw at
  /// an inflated sigma; NaN where refused.
  double met_half_space = std::numeric_limits<double>::quiet_NaN();
  TailSurrogate::NearestFailure nearest;

  double half_width() const;  // sigma
};

/// Runs of a frozen proposal q: P(A) is the mean over all of them of phi/q where A holds.
struct WeightedRuns {
  engine::Matrix points;            // runs x d
  std::vector<double> log_weights;  // ln phi/q
};

struct OutputTailsSummary {
  std::vector<OutputTail> tails;  // as the questions
  RunCounts runs;
  std::vector<TailSurrogate> surrogates;  // frozen ones: warm starts of a neighbour
  std::vector<OutputDraws> draws;         // made: `known` to whoever asks on
  DirectedOutputs directed;               // all others: `seen` to whoever asks on
  std::vector<std::string> search;        // what was done, in order
  WeightedRuns estimate;                  // those the answers rest on
};

/// Throws std::invalid_argument for dimension 0, no questions, options out of range; what the evaluator throws
/// passes through. A requested stop gives refused tails within one batch.
OutputTailsSummary estimate_output_tails(std::size_t dimension, const OutputEvaluator& evaluator,
                                         const std::vector<TailQuestion>& questions,
                                         const OutputTailsOptions& options = {}, std::stop_token stop = {});

}  // namespace flare::analysis
