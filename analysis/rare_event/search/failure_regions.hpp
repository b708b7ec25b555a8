// Finds failure regions: where failing points are known, which directions lead to them, and how many starts
// found something nobody else found. Exploration only; nothing here enters an estimate.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "analysis/rare_event/search/region_builder.hpp"

namespace flare::analysis {

class RegionFinder {
 public:
  RegionFinder(EvaluationLedger& ledger, NormalStream& random, bool origin_passes, int max_regions,
               Purpose purpose = Purpose::explore)
      : ledger_(&ledger),
        random_(&random),
        builder_(ledger, random, origin_passes, purpose),
        origin_passes_(origin_passes),
        max_regions_(max_regions),
        purpose_(purpose) {}

  /// As RegionBuilder's.
  void expect_noise(double noise, bool trust_margins) { builder_.expect_noise(noise, trust_margins); }

  /// Sorts failing points into the regions known, building a region for each that none explains.
  /// `independent` starts count for the unseen share. `max_builds` < 0: no limit.
  void add(const std::vector<engine::Vector>& failing, bool independent, int max_builds = -1);
  /// The boundary points, on the rays of `failing`, that neither belong to a region known nor reach one
  /// through failures only. Those that only an arc explains are counted in bent().
  std::vector<engine::Vector> unexplained(const std::vector<engine::Vector>& failing);
  /// The same without arcs: the boundary points that belong to no region known.
  std::vector<engine::Vector> unexplained_by_regions(const std::vector<engine::Vector>& failing);
  std::size_t bent() const { return bent_; }
  /// From a failing point of the boundary to another failing point, along the arc between their directions, a little
  /// deepened: all of it fails where it is looked at. It does within a half-space, an intersection of half-spaces away
  /// from the origin, outside of a sphere and beyond a bent plane. Regions that only meet far out show a gap near
  /// `from`: two runs are made there.
  bool connected(const engine::Vector& from, const engine::Vector& to);
  /// The same from `x`, of the boundary, to the nearest point of the region that it is furthest along; there is one.
  bool joined_by_arc(const engine::Vector& x);
  /// The boundary points on the rays of failing points.
  std::vector<engine::Vector> to_boundary(const std::vector<engine::Vector>& failing) {
    return walk_in(failing);
  }
  /// A typical failing population (rows): shapes the regions' laws, serves as fallback for directions.
  void set_population(engine::Matrix population) { builder_.set_population(std::move(population)); }

  /// Counts a population that was found independently of others: one start for each region it reaches.
  void count_population(const engine::Matrix& population);

  /// Draws from N(0, scale^2 I), the scale adapted to fail now and then, until enough starts agree on the
  /// regions or `max_runs` are spent.
  /// Gives up after `patience` batches of 50 that met fewer than 4 failures.
  void scan(std::size_t max_runs, double scale, int patience);

  std::vector<LineRegion>& regions() { return regions_; }
  /// Declares the regions put into regions() by hand as found `times` times each.
  void count_found(std::size_t times) { found_.resize(regions_.size(), times); }
  /// Good-Turing: starts whose region no other start found, over starts; 1 where there are none.
  double unseen_share() const;
  /// Every independent start led to a region.
  bool all_placed() const { return lost_ == 0; }
  std::size_t starts() const { return starts_; }
  bool full() const { return static_cast<int>(regions_.size()) >= max_regions_; }
  /// Shapes each region's law from the population points of its cell.
  void shape_from_population();
  /// Drops regions too far out to matter beside the nearest one; none of the first `proven`, whose failures were seen.
  void drop_negligible(std::size_t proven = 0);

 private:
  /// Fewer starts than this do not show that the regions known are all.
  std::size_t complete_starts() const { return std::max<std::size_t>(8, 3 * regions_.size()); }
  std::vector<char> explain(const std::vector<const engine::Vector*>& open, std::vector<std::size_t>& tried,
                            const engine::Vector* first, bool independent);
  /// Of a batch of the scan; no limit: -1.
  int affordable_builds(std::uint64_t until) const;
  /// Of all failures met those nearest to the origin become the most probable points of the regions that no gradient led to.
  /// Not in noise, where a single failure may be luck.
  void bring_nearest_met();
  /// Moves failing points along their rays to the boundary nearest to the origin's side, all in step.
  std::vector<engine::Vector> walk_in(const std::vector<engine::Vector>& failing);
  /// The region that a failing point between its most probable point and `own` shows to be the same;
  /// regions_.size() if none.
  std::size_t find_twin(const engine::Vector& own);

  EvaluationLedger* ledger_;
  NormalStream* random_;
  RegionBuilder builder_;
  bool origin_passes_;
  int max_regions_;
  Purpose purpose_;
  std::vector<LineRegion> regions_;
  std::vector<std::size_t> found_;  // independent starts per region
  std::size_t starts_ = 0;
  bool witnessed_ = false;  // two independent populations were counted
  std::size_t bent_ = 0;    // failures that only an arc joined to their region
  std::size_t lost_ = 0;    // independent starts that led to no region
};

}  // namespace flare::analysis
