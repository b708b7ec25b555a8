// A stand-in for a scalar output y(x), x ~ N(0, I_d), near one of its tails:
//     M(x) = p(c) + c g.x,    c = a.x,  |a| = 1,  g orthogonal to a,
// a cubic p along one direction (straight on beyond the points it was fitted to) that tilts with the distance.
// What it says of a tail is an integral over c alone, so it is known without a run. It is never believed by
// itself: output_tails.hpp corrects it with runs, and a poor stand-in only makes that correction dearer.
#pragma once

#include <optional>
#include <vector>

#include "analysis/tails/tail.hpp"
#include "engine/base/matrix.hpp"

namespace flare::analysis {

/// Does y lie beyond `limit`, which itself is off by N(0, noise^2), drawn afresh? Units of y.
struct TailQuestion {
  double limit = 0.0;
  Side side = Side::below;
  double noise = 0.0;

  /// How far beyond the limit; fails where it is >= 0 (without noise).
  double excess(double y) const { return side == Side::below ? limit - y : y - limit; }
  /// What is left to the limit where the noise takes `deviation` of its sigma; fails where it is <= 0.
  double margin(double y, double deviation) const { return -excess(y) - noise * deviation; }
  /// ln P(fails | y), the noise taken with `more` of the same kind in squares.
  double log_failing(double y, double more = 0.0) const;
};

class TailSurrogate {
 public:
  struct Shape {
    int degree = 3;    // of p
    bool tilt = true;  // else g = 0
    /// Take the bend (what p has beyond its line) and the tilt from a neighbouring problem's, scaled to the
    /// slope here; `degree` and `tilt` then only correct them. Of a neighbour of another dimension the bend. May be
    /// null.
    const TailSurrogate* neighbour = nullptr;
  };
  /// Weighted ridge regression (how much tilt: by leave-one-out) on runs x d points near c = centre. Nothing
  /// where the points do not suffice.
  static std::optional<TailSurrogate> fit(const engine::Matrix& points, const std::vector<double>& y,
                                          const engine::Vector& axis, double centre, const Shape& shape);

  double operator()(const engine::Vector& x) const;
  const engine::Vector& axis() const { return axis_; }
  Eigen::Index dimension() const { return axis_.size(); }
  /// dp/dc.
  double slope(double c) const;
  /// p rises, or falls, throughout: a cubic that turns back would invent failures.
  bool monotonic() const;
  /// Root mean square of y - M near the centre, leave-one-out. Units of y.
  double error() const { return error_; }

  /// ln of the chance that a run at x fails, as far as M can tell: its own error counts as noise. This is the
  /// control variate.
  double log_failing(const TailQuestion& question, const engine::Vector& x) const;
  /// ln of the mean of exp(log_failing) over x ~ N(0, I), by quadrature.
  double log_probability(const TailQuestion& question) const;

  /// Where along c an error of M matters to P: mean and standard deviation; and the relative variance of P that it
  /// leaves a run there.
  struct Place {
    double mean = 0.0;
    double sd = 1.0;
    double variance = 1.0;
    engine::Vector across;  // mean of x orthogonal to a: where the tilt takes the nearest failure
  };
  Place boundary(const TailQuestion& question) const;

  /// The nearest failing point: x, and the noise's own coordinate.
  struct NearestFailure {
    engine::Vector x;
    double noise = 0.0;
    double distance() const { return std::hypot(x.norm(), noise); }
  };
  NearestFailure nearest_failure(const TailQuestion& question) const;

 private:
  double along(double c) const;  // p
  /// Calls term(c, ln phi(c) + ln of the chance to fail at c, ln of the chance to pass) on a grid.
  template <class Term>
  void integrate(const TailQuestion& question, Term term) const;

  engine::Vector axis_;
  engine::Vector tilt_;  // g
  Eigen::VectorXd p_;    // coefficients of 1, c, c^2, c^3
  double low_ = 0.0;     // p is a cubic on [low, high]
  double high_ = 0.0;
  double error_ = 0.0;
};

}  // namespace flare::analysis
