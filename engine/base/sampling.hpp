// Points in standard-normal space. A point is a pure function of (seed, stream, index) and of the design's
// size where the design has one (Latin hypercube).
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/matrix.hpp"

namespace flare::engine {

enum class Design {
  random,           // independent draws: plain Monte Carlo, with plain intervals
  sobol,            // Sobol sequence, digitally shifted by the seed: lower variance, no plain interval
  latin_hypercube,  // `total` strata in every coordinate, randomly paired
};

struct SampleSource {
  std::uint64_t seed = 1;
  std::string stream;  // what the samples are for, e.g. "points/sram8t/sawl8/tt_0.90V_27C/k5"
  Design design = Design::random;
  std::uint64_t total = 0;  // latin_hypercube: the number of samples of the whole design
};

/// Largest dimension of Design::sobol (the table of direction numbers in Boost.Random).
std::size_t max_sobol_dimension();

/// Points first ... first + count - 1, each of `dimension` standard-normal coordinates, one per row.
/// Throws std::invalid_argument for a Sobol design of too many dimensions, a Latin hypercube without `total`,
/// or indices past `total`.
Matrix draw(const SampleSource& source, std::uint64_t first, std::size_t count, std::size_t dimension);

}  // namespace flare::engine
