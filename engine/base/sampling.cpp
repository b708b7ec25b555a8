#include "engine/base/sampling.hpp"

#include <boost/random/normal_distribution.hpp>
#include <boost/random/sobol.hpp>
#include <boost/random/uniform_01.hpp>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "engine/base/normal_law.hpp"
#include "engine/base/random_stream.hpp"

namespace flare::engine {

namespace {

void draw_random(const SampleSource& source, std::uint64_t first, Matrix& points) {
  for (Eigen::Index r = 0; r < points.rows(); ++r) {
    RandomStream stream(source.seed, source.stream, first + static_cast<std::uint64_t>(r));
    boost::random::normal_distribution<double> normal;
    for (Eigen::Index c = 0; c < points.cols(); ++c) points(r, c) = normal(stream);
  }
}

/// Digital shift (Owen 1995 calls it random digital shift): every coordinate is XORed with one random word,
/// which makes the points uniform without harming the net.
void draw_sobol(const SampleSource& source, std::uint64_t first, Matrix& points) {
  const auto d = static_cast<std::size_t>(points.cols());
  if (d > max_sobol_dimension()) {
    throw std::invalid_argument("a Sobol design has at most " + std::to_string(max_sobol_dimension()) +
                                " dimensions, asked for " + std::to_string(d) + "; use \"random\"");
  }
  boost::random::sobol sequence(d);
  sequence.discard(first * d);
  RandomStream shifts(source.seed, source.stream + "/shift", 0);
  std::vector<std::uint64_t> shift(d);
  for (auto& s : shift) s = shifts();
  for (Eigen::Index r = 0; r < points.rows(); ++r) {
    for (std::size_t c = 0; c < d; ++c) {
      // Upper 53 bits, centred in their cell: never 0 nor 1.
      const std::uint64_t bits = (static_cast<std::uint64_t>(sequence()) ^ shift[c]) >> 11;
      points(r, static_cast<Eigen::Index>(c)) = normal_quantile((static_cast<double>(bits) + 0.5) * 0x1p-53);
    }
  }
}

/// A permutation of 0 ... n-1 evaluated at one place: a four-round Feistel network over the next power of
/// four, walked until it falls inside (Black and Rogaway, CT-RSA 2002). A pure function, so no table is stored.
std::uint64_t permuted(std::uint64_t i, std::uint64_t n, std::uint64_t seed, std::uint64_t stream) {
  unsigned half = 1;
  while ((std::uint64_t{1} << (2 * half)) < n) ++half;
  const std::uint64_t mask = (std::uint64_t{1} << half) - 1;
  do {
    std::uint64_t left = i >> half;
    std::uint64_t right = i & mask;
    for (std::uint64_t round = 0; round < 4; ++round) {
      RandomStream f(seed, stream + round, right);
      const std::uint64_t next = left ^ (f() & mask);
      left = right;
      right = next;
    }
    i = (left << half) | right;
  } while (i >= n);
  return i;
}

void draw_latin(const SampleSource& source, std::uint64_t first, Matrix& points) {
  if (source.total == 0)
    throw std::invalid_argument("a Latin hypercube needs the number of samples of the whole design");
  if (first + static_cast<std::uint64_t>(points.rows()) > source.total) {
    throw std::invalid_argument("a sample past the end of a Latin hypercube of " +
                                std::to_string(source.total));
  }
  const std::uint64_t name = stream_key(source.stream + "/strata");
  for (Eigen::Index r = 0; r < points.rows(); ++r) {
    const std::uint64_t index = first + static_cast<std::uint64_t>(r);
    RandomStream jitter(source.seed, source.stream, index);
    boost::random::uniform_01<double> uniform;
    for (Eigen::Index c = 0; c < points.cols(); ++c) {
      const std::uint64_t stratum =
          permuted(index, source.total, source.seed, name + 16 * static_cast<std::uint64_t>(c + 1));
      const double inside = std::fmin(std::fmax(uniform(jitter), 0x1p-53), 1.0 - 0x1p-53);
      points(r, c) =
          normal_quantile((static_cast<double>(stratum) + inside) / static_cast<double>(source.total));
    }
  }
}

}  // namespace

std::size_t max_sobol_dimension() { return boost::random::default_sobol_table::max_dimension; }

Matrix draw(const SampleSource& source, std::uint64_t first, std::size_t count, std::size_t dimension) {
  Matrix points(static_cast<Eigen::Index>(count), static_cast<Eigen::Index>(dimension));
  if (points.size() == 0) return points;
  switch (source.design) {
    case Design::random:
      draw_random(source, first, points);
      break;
    case Design::sobol:
      draw_sobol(source, first, points);
      break;
    case Design::latin_hypercube:
      draw_latin(source, first, points);
      break;
  }
  return points;
}

}  // namespace flare::engine
