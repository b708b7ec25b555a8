// One-dimensional search for where failure begins along a line.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "analysis/rare_event/core/evaluation_ledger.hpp"

namespace flare::analysis {

/// Searches one line for the beginning of failure, from `start`, within [floor, ceiling]. While !done(): run
/// at next(), then tell(). Newton and secant steps where there are margins (the first with `steepness`, the
/// typical -d(margin)/dt); expansion by `step` and bisection else.
class RootSearch {
 public:
  RootSearch(double start, double floor, double ceiling, double steepness, double step, double tolerance,
             int max_steps)
      : floor_(floor),
        ceiling_(ceiling),
        steepness_(steepness),
        step_(step),
        tolerance_(tolerance),
        max_steps_(max_steps) {
    next_ = std::clamp(start, floor_, ceiling_);
  }

  /// Margins differ by noise of `spread` (sigma along the line) between neighbouring points. Newton's steps with the given
  /// steepness lead close to the root; the last run is made `dither` (-1 ... 1) widths of the noise away
  /// from there, and the root is what that run alone says. Over the noise the mean of Phi(-root) is the
  /// probability of failing along a line with a margin that is linear there: E Phi(-c), c = t + margin / steepness, t
  /// not chosen by the same noise. A root where Newton's steps end would be.
  void expect_noise(double spread, double dither) {
    noise_ = spread;
    dither_ = dither;
  }

  bool done() const { return done_; }
  double next() const { return next_; }
  double root() const { return root_; }
  bool root_free() const { return root_free_; }
  // The slope that two measurements agreed on, or that led to the root; negative where they were made and
  // disagreed; 0 where none was made.
  double seen_steepness() const { return seen_; }
  // A bracket still to be finished with a random point: [low, high].
  bool open() const { return open_; }
  double low() const { return low_; }
  double high() const { return high_; }

  void tell(const Evaluated& outcome) {
    ++steps_;
    const double t = next_;
    if (noise_ > 0.0 && outcome.has_margin && std::isfinite(steepness_))
      return tell_in_noise(t, outcome.margin);
    if (outcome.failed) {
      high_ = std::min(high_, t);
      if (t <= floor_) return finish(floor_, false);
    } else {
      low_ = std::max(low_, t);
      if (t >= ceiling_) return finish(std::numeric_limits<double>::infinity(), true);
    }
    if (low_ > high_) return finish_bracket(t);  // contradicts itself: noise
    // The same margin at two places, or exactly 0, comes from a staircase, where its size says nothing. A
    // smooth function that happens to be 0 here shows its slope a little below.
    if (zero_) {
      const double below = outcome.has_margin ? outcome.margin / (*zero_ - t) : 0.0;
      if (below > steepness_ / 3.0 && below < 3.0 * steepness_) return finish(*zero_, true);
      zero_.reset();
      flat_ = true;
    }
    if (outcome.has_margin && last_t_ && t != *last_t_ && outcome.margin == last_margin_) flat_ = true;
    if (outcome.has_margin && outcome.margin == 0.0 && !flat_ && std::isfinite(steepness_) &&
        t - 0.05 > floor_) {
      zero_ = t;
      next_ = t - 0.05;
      return;
    }
    if (flat_ || !outcome.has_margin || !std::isfinite(steepness_)) return bisect();
    // A slope is believed once it agrees with the one before it (within a factor 3): across a jump the secant
    // gets steeper and steeper, and a step as small as the tolerance means nothing.
    if (last_t_ && t != *last_t_) {
      // It may also be confirmed by where it led: most of the margin is gone.
      if (doubted_ > 0.0 && std::abs(outcome.margin) < 0.3 * std::abs(last_margin_)) seen_ = doubted_;
      const double slope = -(outcome.margin - last_margin_) / (t - *last_t_);
      agreed_ = slope > steepness_ / 1.6 && slope < 1.6 * steepness_;
      if (agreed_ && std::abs(t - *last_t_) > 0.02) seen_ = slope;
      if (!agreed_ && seen_ == 0.0) seen_ = -1.0;
      doubted_ = !agreed_ && std::abs(t - *last_t_) > 0.02 ? slope : 0.0;
      if (slope > 0.05 * steepness_ && slope < 20.0 * steepness_) steepness_ = slope;
    }
    last_t_ = t;
    last_margin_ = outcome.margin;
    newton(t, outcome.margin);
  }

 private:
  static constexpr double bracket_width = 0.3;  // of pass/fail searches, sigma

  void finish(double root, bool free) {
    root_ = root;
    root_free_ = free;
    done_ = true;
  }
  void finish_bracket(double t) {
    if (!(low_ < high_)) {
      low_ = std::max(floor_, t - 1.0);
      high_ = std::min(ceiling_, t + 1.0);
    }
    open_ = done_ = true;
  }
  void tell_in_noise(double t, double margin) {
    const double root = t + margin / steepness_;
    if (last_) {
      if (root > ceiling_) return finish(std::numeric_limits<double>::infinity(), true);
      return finish(std::max(root, floor_), root > floor_);
    }
    const bool near = std::abs(root - t) < 3.0 * noise_ + 0.1;
    // Beyond an end by more than the noise: the last run is made at the end.
    last_ = near || steps_ >= max_steps_ || (t >= ceiling_ && root > t) || (t <= floor_ && root < t);
    const double target = std::clamp(root, t - 2.5, t + 2.5);
    next_ = std::clamp(target + (last_ ? 2.0 * noise_ * dither_ : 0.0), floor_, ceiling_);
  }
  void newton(double t, double margin) {
    double target = t + margin / steepness_;
    if (std::abs(target - t) < tolerance_ && agreed_) {
      return target <= floor_ ? finish(floor_, false) : finish(target, true);
    }
    if (steps_ >= max_steps_) return bisect();
    if (high_ - low_ < tolerance_) return finish(0.5 * (low_ + high_), true);
    target = std::clamp(target, t - 2.5, t + 2.5);
    if (target <= low_ || target >= high_) {
      if (std::isfinite(low_) && std::isfinite(high_)) {
        target = 0.5 * (low_ + high_);
      }
    }
    next_ = std::clamp(target, floor_, ceiling_);
    if (next_ == t) return bisect();
  }
  void bisect() {
    const bool have_low = std::isfinite(low_), have_high = std::isfinite(high_);
    if (have_low && have_high) {
      if (high_ - low_ <= bracket_width || steps_ >= 4 * max_steps_) {
        open_ = done_ = true;
        return;
      }
      next_ = 0.5 * (low_ + high_);
      return;
    }
    if (have_high) {
      next_ = std::max(floor_, high_ - step_);
    } else {
      next_ = std::min(ceiling_, low_ + step_);
    }
    step_ *= 2.0;
  }

  double floor_, ceiling_, steepness_, step_;
  double tolerance_;
  int max_steps_;
  double next_ = 0.0;
  double low_ = -std::numeric_limits<double>::infinity(), high_ = std::numeric_limits<double>::infinity();
  std::optional<double> last_t_;
  std::optional<double> zero_;  // where the margin was exactly 0
  double last_margin_ = 0.0;
  double noise_ = 0.0, dither_ = 0.0;
  double seen_ = 0.0;
  double doubted_ = 0.0;  // a slope that disagreed with the one before it
  int steps_ = 0;
  bool done_ = false, open_ = false, flat_ = false, agreed_ = true, root_free_ = true;
  bool last_ = false;  // in noise: the run to come decides
  double root_ = std::numeric_limits<double>::infinity();
};

}  // namespace flare::analysis
