// A tail probability with its interval and with what stands behind it, and the normal distribution far out.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace flare::analysis {

/// What a number rests on, from strongest to weakest.
enum class TailStatus {
  estimated,     // the runs made reach it
  bound,         // no failure was seen: p is an upper bound
  extrapolated,  // a fitted law continued beyond the runs made
  refused,       // no number can be given; the interval holds what the runs alone say
};

/// "estimated", "bound", "extrapolated", "refused": the words of the result file.
std::string_view to_string(TailStatus status);
/// The inverse of to_string; throws std::invalid_argument for another word.
TailStatus tail_status(std::string_view word);
TailStatus weaker(TailStatus a, TailStatus b);

/// Of a limit: where a law's tail lies.
enum class Side { below, above };

/// A probability per read. 0 < low <= p <= high <= 1; never 0 (smallest_probability instead).
struct TailProbability {
  double p = 1.0;
  double low = 0.0;  // 95 % interval
  double high = 1.0;
  TailStatus status = TailStatus::refused;
  std::size_t runs = 0;     // runs with an answer behind it
  std::size_t unknown = 0;  // runs without one; inside [low, high] they all pass ... all fail
  std::string method;       // "fit shifted-lognormal", "empirical", ...

  double sigma() const;       // -Phi^-1(p)
  double sigma_low() const;   // -Phi^-1(high): the pessimistic end
  double sigma_high() const;  // -Phi^-1(low)
};

/// Phi(-37.5): below it a double runs out of range, so nothing smaller is ever reported.
inline constexpr double smallest_probability = 4.6e-308;
/// Phi(-6) = 9.866e-10: the error per read that "6 sigma" allows.
double six_sigma_probability();

double normal_density(double z);
/// P(Z > beta), full relative accuracy; beta is clamped to +-37.5.
double normal_tail(double beta);
/// ln P(Z > beta) for any finite beta (asymptotic series beyond 35).
double log_normal_tail(double beta);
/// -Phi^-1(p): beta with P(Z > beta) = p; p is clamped to what a double can say.
double sigma_of_probability(double p);

}  // namespace flare::analysis
