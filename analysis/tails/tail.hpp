// The answer every estimator gives: a probability with its interval and with what stands behind it.
#pragma once

#include <compare>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {

/// What a number rests on, from strongest to weakest.
enum class TailStatus {
  estimated,     // p with a 95 % interval from runs that reach it
  bound,         // p is a limit: no failure (or no pass) was seen, or a fitted law ends before it
  extrapolated,  // continued beyond the runs made, by a fitted law or by scaled sigma
  refused,       // no number: p and its interval are not numbers, `method` says why
};

/// "estimated", "bound", "extrapolated", "refused": the words of the result file.
std::string_view to_string(TailStatus status);
/// The inverse of to_string; throws std::invalid_argument for another word.
TailStatus tail_status(std::string_view word);
TailStatus weaker(TailStatus a, TailStatus b);

/// Of a limit: where a law's tail lies.
enum class Side { below, above };

/// Smaller probabilities are told apart by their sigma alone: a double ends a little below.
inline constexpr double least_shown_probability = 1e-300;

/// A probability that does not underflow: the number with its logarithm. NaN where nothing is known.
class Probability {
 public:
  Probability() = default;
  explicit Probability(double p);
  static Probability of_log(double log_p);
  /// P(Z > sigma).
  static Probability of_sigma(double sigma);

  /// At least least_shown_probability, except for an exact 0 (the lower end of a bound); NaN for NaN.
  double value() const;
  operator double() const { return value(); }
  double log() const { return log_; }
  /// -Phi^-1(p), beyond 37 sigma too.
  double sigma() const;
  bool below_shown() const { return value_ < least_shown_probability && log_ > -infinity; }

  friend std::partial_ordering operator<=>(const Probability& a, const Probability& b) {
    return a.compared(b);
  }
  friend bool operator==(const Probability& a, const Probability& b) { return std::is_eq(a.compared(b)); }

 private:
  static constexpr double infinity = std::numeric_limits<double>::infinity();
  std::partial_ordering compared(const Probability& other) const;

  double value_ = std::numeric_limits<double>::quiet_NaN();
  double log_ = std::numeric_limits<double>::quiet_NaN();
};

/// A probability per read. low <= p <= high, p never 0; all three NaN where refused. An upper bound has p = high
/// and low = 0, a lower one p = low and high = 1.
struct TailProbability {
  Probability p;
  Probability low;  // 95 % interval
  Probability high;
  TailStatus status = TailStatus::refused;
  std::size_t runs = 0;     // runs with an answer behind it
  std::size_t unknown = 0;  // runs without one; inside [low, high] they all pass ... all fail
  std::string method;  // "fit shifted-lognormal", "empirical", ...; of a refused one "...: why; what to do"
  /// Where runs were searched for failures: the probability that a region as likely as p, which nobody knew of, would have
  /// been met. A half-space, a corner of four inputs; NaN where nothing was searched.
  double met_half_space = std::numeric_limits<double>::quiet_NaN();
  double met_corner = std::numeric_limits<double>::quiet_NaN();

  double sigma() const { return p.sigma(); }         // -Phi^-1(p)
  double sigma_low() const { return high.sigma(); }  // the pessimistic end
  double sigma_high() const { return low.sigma(); }
  /// A number or a limit that is neither continued beyond the runs nor refused: it counts where a miss is to be known.
  bool is_known() const { return status == TailStatus::estimated || status == TailStatus::bound; }
  /// The limit lies above the truth (no failure seen), not below it (no pass seen).
  bool is_upper_bound() const { return status == TailStatus::bound && p == high; }
};

/// A refused number hides a failure of unknown size: it is worse than every other. Else the larger p, among
/// equals the larger upper end.
bool worse(const TailProbability& a, const TailProbability& b);

/// Of several probabilities of which the worst counts, one refused and one, `known`, that alone is more than `target`: a lower
/// bound on the worst, p = low = the lower end of `known`, high = 1. Unchanged where `known` alone does not decide, or
/// nothing is refused. `what` names `known`.
TailProbability missed_anyway(const TailProbability& worst, const TailProbability& known,
                              const std::string& what, double target);

/// Phi(-6) = 9.866e-10: the error per read that "6 sigma" allows.
double six_sigma_probability();

}  // namespace flare::analysis
