// A failure region from one failing point of its boundary: the direction that leads to it, and a point of it that fails.
// By gradients where the margin has them; else by a population of failures, or by lines around the ray.
#pragma once

#include <optional>

#include "analysis/rare_event/core/normal_stream.hpp"
#include "analysis/rare_event/sampling/line_sampling.hpp"

namespace flare::analysis {

/// Margin and gradient at a point by forward differences: d + 1 runs.
struct Gradient {
  double margin = 0.0;
  engine::Vector slope;  // of the margin; empty where a margin was missing or nothing moved
};
/// `step`, or as much more as makes noise, relative to the margin's spread, small beside the difference.
double step_in_noise(double step, double noise);
Gradient finite_difference(EvaluationLedger& ledger, const engine::Vector& point, double step,
                           Purpose purpose);

/// x deepened a little along the direction and brought halfway to its axis.
engine::Vector brought_closer(const engine::Vector& direction, const engine::Vector& x);

class RegionBuilder {
 public:
  RegionBuilder(EvaluationLedger& ledger, NormalStream& random, bool origin_passes, Purpose purpose)
      : ledger_(&ledger), random_(&random), origin_passes_(origin_passes), purpose_(purpose) {}

  /// Margins change from run to run by `noise` relative to their spread: gradients from wider steps, and where it
  /// is too much none, boundaries from passes and failures only.
  void expect_noise(double noise, bool trust_margins) {
    noise_ = noise;
    trust_margins_ = trust_margins;
  }
  bool noisy() const { return noise_ > little_noise; }
  bool trusts_margins() const { return trust_margins_; }

  /// A typical failing population (rows): leads to regions where gradients do not.
  void set_population(engine::Matrix population) { population_ = std::move(population); }
  const engine::Matrix& population() const { return population_; }

  /// The region of a failing boundary point. Where no gradient leads to it, it may lean on a plane that passes.
  std::optional<LineRegion> build(const engine::Vector& boundary);
  /// Makes a point that fails such a region's most probable one: `boundary`, or the foot of its plane, where that fails
  /// nearer by.
  void keep_what_fails(LineRegion& region, const engine::Vector& boundary);

 private:
  static constexpr double little_noise = 0.02;  // of the margins beside their spread

  /// Between the boundary point and the region that its gradient leads to the margin jumps: what fails there is another
  /// region, of which gradients say nothing.
  bool beyond_a_jump(const LineRegion& region, const engine::Vector& boundary);
  std::optional<LineRegion> build_behind_a_jump(const engine::Vector& boundary);
  bool smooth_across(const LineRegion& region);
  std::optional<LineRegion> build_with_gradient(engine::Vector boundary);
  std::optional<LineRegion> build_with_lines(const engine::Vector& boundary);
  std::optional<LineRegion> build_from_population(const engine::Vector& failing);
  std::optional<double> root_along(const engine::Vector& direction, double start, double steepness);

  EvaluationLedger* ledger_;
  NormalStream* random_;
  bool origin_passes_;
  Purpose purpose_;
  bool trust_margins_ = true;
  double noise_ = 0.0;
  engine::Matrix population_;
};

}  // namespace flare::analysis
