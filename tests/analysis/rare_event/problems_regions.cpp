// Several regions: a plane with corners far from it, planes, three modes, planes that face each other.
#include <fmt/format.h>

#include "tests/analysis/rare_event/region_builders.hpp"

namespace flare::analysis::problems {
namespace {

std::vector<RareEventProblem> planes_with_corners() {
  std::vector<RareEventProblem> set;
  for (const double slope : {0.3, 1.0, 3.0, 10.0})
    set.push_back(
        plane_and_corners(fmt::format("plane and corner, slope {}", slope), 20, 6.5, {{4, 2.326, slope}}));
  set.push_back(plane_and_corners("plane and cliff corner d=20", 20, 6.5, {{4, 2.2, 0.0}}));
  set.push_back(plane_and_corners("plane and cliff corner d=12", 12, 6.2, {{4, 2.4, 0.0}}));
  set.push_back(plane_and_corners("plane and cliff corner of 6, d=30", 30, 6.0, {{6, 1.6, 0.0}}));
  set.push_back(plane_and_corners("plane and corner of 2, d=10", 10, 6.3, {{2, 3.7, 1.0}}));
  set.push_back(plane_and_corners("plane and corner of 3, d=12", 12, 6.2, {{3, 2.9, 1.0}}));
  set.push_back(plane_and_corners("plane and corner of 3, d=50", 50, 6.0, {{3, 2.8, 2.0}}));
  set.push_back(plane_and_corners("plane and two corners d=24", 24, 6.5, {{4, 2.3, 1.0}, {4, 2.4, 1.0}}));
  set.push_back(plane_and_corners("plane and three corners d=40", 40, 6.2,
                                  {{4, 2.4, 0.5}, {4, 2.35, 1.0}, {3, 2.9, 0.0}}));
  return set;
}

std::vector<RareEventProblem> several_planes() {
  return {planes("three planes d=20", 20, {5.8, 5.9, 6.0}),
          planes("three planes d=20, unequal", 20, {5.8, 6.2, 6.6}),
          planes("three planes d=10", 10, {5.0, 5.1, 5.3}),
          planes("three planes d=100", 100, {5.8, 5.85, 5.9}),
          planes("five planes d=40", 40, {5.5, 5.6, 5.7, 5.8, 5.9}),
          planes("three planes d=20, correlated", 20, {5.8, 5.9, 6.0}, 0.5)};
}

std::vector<RareEventProblem> three_modes() {
  return {curved_modes("three curved modes d=30", 0.05, {5.0, 5.1, 5.2}),
          curved_modes("three modes bent outward d=30", -0.02, {5.6, 5.8, 6.0}),
          corner_modes("three wedges d=30", 2, {3.9, 4.0, 4.1}),
          corner_modes("three corners d=30", 3, {2.9, 3.0, 3.1})};
}

}  // namespace

std::vector<RareEventProblem> region_problems() {
  std::vector<RareEventProblem> set = planes_with_corners();
  append(set, several_planes());
  append(set, three_modes());
  append(set, {facing("two parallel planes d=2", 2, 5.0, 5.0),
               facing("two parallel planes d=10, unequal", 10, 5.0, 5.3),
               facing("two parallel planes d=60", 60, 5.5, 5.6), slab("slab d=5", 5, 5.0, 5.5),
               slab("slab d=20", 20, 4.5, 4.8)});
  return set;
}

}  // namespace flare::analysis::problems
