// A law for one bitline level, fitted to its samples, and what it says far from its centre.
//
// A level is a smooth, nearly linear function of many small normal deviations, so its law is a mildly bent
// normal law: level = h(Z), Z ~ N(0,1), h increasing. Three families bend it:
//   shifted_lognormal  Y = +-(exp(w Z) - m)/s, w from the skewness. Bends like Z^2, as does the current of a
//                      transistor over its threshold; its kurtosis follows (3 + 16/9 g^2 to first order).
//   sinh_arcsinh       Y = (sinh((asinh Z + e)/d) - m)/s  (Jones and Pewsey, Biometrika 96, 2009) with d = 1:
//                      two half-normal tails of unequal width; as skewed, but the tails bend less.
//   sinh_arcsinh_4     the same with d free: skewness and kurtosis of their own; d < 1 heavy, d > 1 light
//                      tails.
// All are fitted by moments, all are increasing, none has an atom. The lognormal is used unless the sample's
// kurtosis contradicts it at 1 %, then sinh_arcsinh_4 is.
//
// The interval of a tail probability is taken in sigma: the estimate +- (the largest distance to another
// family, plus t times the standard error of beta(t) that the covariance of the moments gives by the delta method).
// It holds as far as the law is a bent normal law of about these kinds. Samples cannot prove that beyond
// themselves, which is why such a number has the status "extrapolated". Coverage against exact tails is
// measured in tests/analysis/levels/level_fit_test.cpp.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "analysis/levels/moments.hpp"
#include "analysis/tails/tail.hpp"
#include "engine/base/matrix.hpp"

namespace flare::analysis {

enum class Family { shifted_lognormal, sinh_arcsinh, sinh_arcsinh_4 };
std::string to_string(Family family);

/// A law with given moments: level = h(Z).
class LevelShape {
 public:
  /// The kurtosis is used by sinh_arcsinh_4 alone. Throws std::domain_error where the family has no member
  /// with these moments (sinh_arcsinh: |skewness| below 1.44), std::invalid_argument for sigma <= 0.
  LevelShape(Family family, double mean, double sigma, double skewness, double kurtosis);

  /// h(z), increasing.
  double level(double z) const;
  /// h^-1: P(level < x) = Phi(z(x)). +-infinity beyond the end of a law that has one.
  double z(double x) const;
  /// Density at x.
  double density(double x) const;
  Family family() const { return family_; }
  double sigma() const { return sigma_; }

 private:
  double standard_level(double z) const;

  Family family_;
  double mean_;
  double sigma_;
  double flip_ = 1.0;   // -1: the mirror image (shifted lognormal, negative skewness)
  double width_ = 0.0;  // w of the lognormal; 0: the normal law
  double epsilon_ = 0.0;
  double delta_ = 1.0;
  double shape_mean_ = 0.0;
  double shape_sigma_ = 1.0;
};

struct FitOptions {
  /// Observed exceedances from which on a number counts as reached by the runs ("estimated").
  std::size_t min_exceedances = 10;
  /// Standard errors by which the kurtosis must contradict the lognormal before it gets a parameter (1 %).
  double kurtosis_rejection = 2.576;
  /// Beyond these the level is not a bent normal law and the fit is refused.
  double max_skewness = 1.5;
  double max_kurtosis = 12.0;
};

/// Immutable. Probabilities carry the fit's interval, widened to the bracket [all unknown runs fall on the
/// inside, all fall on the outside].
class LevelFit {
 public:
  /// The fit, or what stands in its place: `samples` too few (< min_moment_runs), all equal, or too far from
  /// normal give a refused fit, whose tails are the empirical bracket. Throws std::invalid_argument for a
  /// sample that is not finite.
  static LevelFit from_samples(std::vector<double> samples, std::size_t unknown = 0,
                               const FitOptions& options = {});
  /// The same with the runs' standard-normal inputs (one row of `points` per sample) as control variates: far
  /// narrower intervals from the same runs (regression_moments.hpp).
  static LevelFit from_runs(std::vector<double> samples, const engine::Matrix& points,
                            std::size_t unknown = 0, const FitOptions& options = {});
  /// From moments estimated elsewhere; the samples still decide what counts as reached.
  static LevelFit from_moments(const Moments& moments, std::vector<double> samples,
                               const FitOptions& options = {});

  bool refused() const { return members_.empty(); }
  const std::string& refusal() const { return refusal_; }  // the reason, "" where there is none
  const Moments& moments() const { return moments_; }
  const std::vector<double>& samples() const { return *samples_; }  // ascending
  /// The fitted law. Throws std::logic_error where the fit was refused.
  const LevelShape& shape() const;
  std::string method() const;  // "fit shifted-lognormal"

  /// P(level < t) or P(level > t). A bound where the law ends before t; not a number where the fit was refused.
  TailProbability tail(double t, Side side) const { return noisy_tail(t, side, 0.0); }
  /// P(level + e < t) or P(level + e > t), e ~ N(0, noise_sigma^2) independent of the level.
  TailProbability noisy_tail(double t, Side side, double noise_sigma) const;
  /// What the runs alone say, without a law: share of exceedances with the Clopper-Pearson 95 % interval.
  /// None seen: p is the 95 % upper bound (status "bound"); all seen: likewise for the complement.
  TailProbability empirical_tail(double t, Side side) const;
  /// Samples beyond t.
  std::size_t exceedances(double t, Side side) const;

  /// The fit of a + b level, b != 0.
  LevelFit affine(double a, double b) const;

 private:
  LevelFit() = default;

  /// A law with one parameter moved by a standard error each way.
  struct Moved {
    LevelShape up, down;
  };
  /// A fitted family; without moved laws it contributes its value but no parameter error.
  struct Member {
    LevelShape shape;
    /// By mean, sigma, skewness, kurtosis; nothing where it left the family.
    std::vector<std::optional<Moved>> moved;
  };
  static std::vector<Member> members_for(const Moments& moments, const FitOptions& options);
  static std::optional<Moved> moved(const LevelShape& shape, const Moments& moments, Eigen::Index parameter);
  double standard_error(const Member& member, const std::function<double(const LevelShape&)>& beta) const;

  FitOptions options_;
  Moments moments_;
  std::vector<Member> members_;  // the fitted law first, then those that only widen the interval
  std::string refusal_;
  std::shared_ptr<const std::vector<double>> samples_;
};

/// What counting says: `beyond` of `runs` with an answer lie beyond a limit, `unknown` further ones have none. The share
/// with the Clopper-Pearson 95 % interval; none seen: p is the 95 % upper bound (status "bound").
TailProbability counted_tail(std::size_t beyond, std::size_t runs, std::size_t unknown);

/// -Phi^-1 of P(shape + e beyond t), e ~ N(0, noise_sigma^2): quadrature in logarithms around the integrand's
/// peak, relative accuracy of P better than 1e-8 however small it is.
double noisy_tail_sigma(const LevelShape& shape, double t, Side side, double noise_sigma);

}  // namespace flare::analysis
