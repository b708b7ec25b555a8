// What varies in a random circuit, and its samples: once as a testbench for the engine, once as changes of the text,
// computed here from the definitions of the laws and not by the engine.
#pragma once

#include <set>
#include <tuple>

#include "tests/engine/workers/random_circuits.hpp"

namespace flare::engine::testing {

using Combination = std::tuple<KnobKind, LawKind, Action>;

struct RandomTestbench {
  RandomCircuit circuit;
  Testbench testbench;
  std::vector<ExpectedKnob> knobs;  // those of the testbench, in its order
  Matrix points;

  Changes changes(Eigen::Index row) const;
  double temperature(Eigen::Index row) const;
  std::set<Combination> combinations() const;
};

RandomTestbench random_testbench(std::uint64_t seed, Eigen::Index samples);

/// Value of a law at the standard-normal coordinate x, by its distribution function.
double quantile(const Law& law, double x);

}  // namespace flare::engine::testing
