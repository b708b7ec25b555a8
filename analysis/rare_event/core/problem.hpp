// A rare-event problem and its answer, in the words that everything in this folder uses: what a run said, what
// is asked for, what comes back. Callers include rare_event.hpp, which explains them.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/tails/tail.hpp"
#include "engine/base/matrix.hpp"

namespace flare::analysis {

enum class ResponseKind : std::uint8_t {
  margin,   // a number; fails where it is <= 0
  pass,     // passed, by how much is not known
  fail,     // failed, by how much is not known
  unknown,  // no answer
};

/// What one run said.
struct Response {
  ResponseKind kind = ResponseKind::unknown;
  double value = std::numeric_limits<double>::quiet_NaN();  // the margin, where kind == margin

  /// A margin; one that is not a number is unknown. An infinite one passes or fails surely: it has a side and no size,
  /// and takes nothing from what other margins say. output_tails.hpp reads infinite outputs the same way.
  static Response margin(double value);
  static Response pass() { return {ResponseKind::pass}; }
  static Response fail() { return {ResponseKind::fail}; }
  static Response unknown() { return {}; }
};

/// Runs a batch: points is runs x d in standard-normal coordinates, the answer one Response a row. May throw;
/// the exception reaches the caller of the estimator. Called from the calling thread, one batch at a time; it
/// may run the rows in any order and in parallel.
using BatchEvaluator = std::function<std::vector<Response>(const engine::Matrix& points)>;

enum class RareEventMethod {
  automatic,
  monte_carlo,
  quasi_monte_carlo,
  subset_simulation,
  mean_shift,
  mixture_importance,
  line_sampling,
  radial_sampling,
  scaled_sigma,
};
std::string_view to_string(RareEventMethod method);

/// Independent draws of scale * N(0, I_d) with what they said.
struct ScaledDraws {
  double scale = 1.0;
  engine::Matrix points;  // runs x d
  std::vector<Response> responses;
};

/// Runs made elsewhere at points that a proposal led to: draws of no plain law.
struct SeenRuns {
  engine::Matrix points;  // runs x d
  std::vector<Response> responses;
};

struct RareEventOptions {
  RareEventMethod method = RareEventMethod::automatic;

  /// Wanted half-width of the 95 % interval in sigma. 0.1 at 6 sigma is a coefficient of variation of about
  /// 0.3.
  double target_half_width = 0.1;

  /// Never more runs than this, all purposes together. At least min_runs(d).
  std::uint64_t max_runs = 5000;

  /// Every random number comes from Philox streams of this seed: same seed, same result.
  std::uint64_t seed = 1;

  /// Points where neighbouring problems failed (most probable points, of this dimension). They only tell
  /// where to look: nothing is believed that fresh runs do not show.
  std::vector<engine::Vector> warm_starts;

  /// Draws that were evaluated elsewhere (plain runs made for moments; the summary's `draws` of the same
  /// simulations read at another threshold). The search takes them in place of its own where scale and number
  /// suit; they cost no run and never enter the estimate.
  std::vector<ScaledDraws> known;

  /// Runs of another estimate of the same simulations (the summary's `directed`, read at this threshold). They cost no run and
  /// are never made again; failures among them are where the search begins, and the answer must account for them.
  SeenRuns seen;

  /// Skip the wide search when warm starts are confirmed and the margin is close to linear near them. Faster,
  /// and a region that exists only in this problem and not in its neighbour may be missed.
  bool trust_neighbour = false;

  /// More regions than this are not told apart.
  int max_regions = 48;

  /// Smallest max_runs that is accepted in d dimensions. It is no promise: with so few runs many problems are refused,
  /// and one plane at 6 sigma is answered from about 330 runs (d up to 100) or 1.4 d on.
  static std::uint64_t min_runs(std::size_t dimension);

  /// True where the options make sense for dimension d; else false with the reason.
  bool is_valid(std::size_t dimension, std::string* error) const;
};

/// Runs by what they were for.
struct RunCounts {
  std::uint64_t explore = 0;   // find failures; never enters the estimate
  std::uint64_t pilot = 0;     // shapes and chooses the proposal; never enters the estimate
  std::uint64_t estimate = 0;  // fresh runs of the frozen proposal
  std::uint64_t audit = 0;     // looks for contradictions afterwards
  std::uint64_t unknown = 0;   // of all the above: gave no answer

  std::uint64_t total() const { return explore + pilot + estimate + audit; }
};

/// A connected set of failures as the search saw it.
struct FailureRegion {
  engine::Vector most_probable_point;  // failing point nearest to the origin that is known
  double distance = 0.0;               // its length: the region's sigma, were its boundary a plane
  double share = 0.0;                  // of P
};

/// Independent draws of scale * N(0, I) that were looked at, whatever they were made for.
struct Look {
  double scale = 1.0;
  std::uint64_t draws = 0;
};

/// Probability that the looks would have met a set of failures as likely as the result which nobody knew of. Nothing
/// else is counted: chains and lines that lead elsewhere may meet it as well.
struct MetChance {
  double half_space = std::numeric_limits<double>::quiet_NaN();  // in a direction of its own
  double corner = std::numeric_limits<double>::quiet_NaN();      // four inputs, each beyond the same limit
};

struct Diagnostics {
  double effective_samples = 0.0;  // (sum w)^2 / sum w^2 of the estimate's contributions
  double max_weight_share = 0.0;   // largest contribution / sum
  double pareto_k = 0.0;           // tail index of the contributions: above 0.7 the mean cannot be trusted
  double unseen_share = 0.0;  // Good-Turing: share of search starts that found a region nobody else found
  double coefficient_of_variation = 0.0;  // of p
  double subset_log10_p =
      std::numeric_limits<double>::quiet_NaN();  // subset simulation's own view, where made
  bool subset_alarm = false;                     // it disagrees with p beyond 3 of its standard deviations
  std::vector<std::string> search;               // how failures were looked for, in order
};

struct RareEventSummary {
  TailStatus status = TailStatus::refused;
  std::string reason;  // why refused or only bounded; empty else
  RareEventMethod method =
      RareEventMethod::automatic;  // that gave the number; the one asked for, where refused

  // Natural logarithms: P of 40 sigma does not underflow here. NaN where refused. The interval is of 95 %; wider than 0.15
  // sigma each way it is surer where unknown runs leave it open (each end of 99.9 %) or subset simulation gives it.
  double log_p = std::numeric_limits<double>::quiet_NaN();
  double log_p_low = std::numeric_limits<double>::quiet_NaN();
  double log_p_high = std::numeric_limits<double>::quiet_NaN();

  double p() const;
  double p_low() const;
  double p_high() const;
  double sigma() const;       // -Phi^-1(p)
  double sigma_low() const;   // of p_high
  double sigma_high() const;  // of p_low
  double half_width() const;  // (sigma_high - sigma_low) / 2

  /// With unknown runs p is that of "unknown fails" (never flatters), the interval reaches from the lower
  /// limit of "unknown passes" to the upper limit of "unknown fails", and these are the two estimates.
  bool bracketed = false;
  double log_p_unknown_pass = std::numeric_limits<double>::quiet_NaN();
  double log_p_unknown_fail = std::numeric_limits<double>::quiet_NaN();

  /// Upper 95 % limit of the share of all runs that give no answer, from plain draws (Clopper-Pearson). Where no run was
  /// unknown the number is about the runs that answer: those that would not, and were not met, may all fail, and are
  /// then P of at most this much more.
  double unknown_share_high = 1.0;

  bool target_met = false;        // half_width() <= options.target_half_width
  std::uint64_t runs_wanted = 0;  // where refused: a budget that could bring an answer; 0: none is known
  RunCounts runs;
  std::vector<Look> looks;
  MetChance met;                       // of a region as likely as p; NaN where refused
  std::vector<FailureRegion> regions;  // largest share first
  Diagnostics diagnostics;
  std::vector<ScaledDraws> draws;  // that the search made: `known` for a neighbouring problem

  std::string brief_report() const;  // one line
  std::string full_report() const;
};

/// Takes the number away.
void refuse(RareEventSummary& summary, std::string reason);
/// Twice the width of ln P, each way.
void double_interval(RareEventSummary& summary);

}  // namespace flare::analysis
