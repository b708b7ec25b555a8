#include "flare_arch/gain_cell/cell_errors.hpp"

#include <Eigen/Eigenvalues>
#include <cmath>
#include <stdexcept>

#include "flare_arch/array/random_streams.hpp"

namespace flare::arch {
namespace {

/// The four arrays of numbers of a head.
enum class HeadPart : std::uint32_t { key_cells, value_cells, pulse_converters, counters };

StreamKey part_key(const DieHead& head, HeadPart part) {
  const auto number = (static_cast<std::uint32_t>(head.layer) << 16) |
                      static_cast<std::uint32_t>(head.head) << 2 | static_cast<std::uint32_t>(part);
  return {head.seed, StreamPurpose::gain_cell, number};
}

/// Levels x 4: what independent normals do to the current of each level.
MatrixD modes_of(const CellSpread& spread, const StoredLevels& stored) {
  const Eigen::SelfAdjointEigenSolver<Eigen::Matrix4d> eigen(Eigen::Matrix4d(spread.covariance));
  const Eigen::Matrix4d root =
      eigen.eigenvectors() * eigen.eigenvalues().cwiseMax(0).cwiseSqrt().asDiagonal();
  Eigen::MatrixX4d powers(stored.levels, 4);
  for (int level = 0; level < stored.levels; ++level)
    for (int i = 0; i < 4; ++i) powers(level, i) = std::pow(stored.distance(level), i);
  return spread.scale * powers * root;
}

MatrixF cells(const MatrixD& modes, StreamKey key, int window, Eigen::Index width) {
  MatrixF deviations(modes.rows(), window * width);
  for (int slot = 0; slot < window; ++slot)
    for (Eigen::Index c = 0; c < width; ++c) {
      Eigen::Vector4d z;
      for (std::uint32_t i = 0; i < 4; ++i)
        z[i] = standard_normal(key, static_cast<std::uint32_t>(slot), static_cast<std::uint32_t>(c), i, 0);
      deviations.col(slot * width + c) = (modes * z).cast<float>();
    }
  return deviations;
}

float spread_of(double sigma, StreamKey key, Eigen::Index row, Eigen::Index column, std::uint32_t which) {
  if (sigma == 0) return 0;
  return static_cast<float>(sigma * standard_normal(key, static_cast<std::uint32_t>(row),
                                                    static_cast<std::uint32_t>(column), which, 0));
}

}  // namespace

bool CellSpread::is_none() const {
  return scale == 0 || (covariance.isZero(0) && converter_gain == 0 && converter_offset == 0 &&
                        counter_gain == 0 && counter_offset == 0);
}

void CellSpread::check() const {
  const auto is_sigma = [](double v) { return std::isfinite(v) && v >= 0; };
  if (covariance.rows() != 4 || covariance.cols() != 4 || !covariance.allFinite() ||
      !covariance.isApprox(covariance.transpose(), 1e-6))
    throw std::invalid_argument("cell spread: a symmetric 4 x 4 covariance is expected");
  const Eigen::SelfAdjointEigenSolver<Eigen::Matrix4d> eigen(Eigen::Matrix4d(covariance),
                                                             Eigen::EigenvaluesOnly);
  if (eigen.eigenvalues().minCoeff() < -1e-6 * eigen.eigenvalues().maxCoeff())
    throw std::invalid_argument("cell spread: the covariance has a negative variance");
  if (!is_sigma(scale) || !is_sigma(converter_gain) || !is_sigma(converter_offset) ||
      !is_sigma(counter_gain) || !is_sigma(counter_offset))
    throw std::invalid_argument("cell spread: a sigma must be 0 or more");
}

HeadErrors draw_head_errors(const CellSpread& spread, const StoredLevels& stored, const DieHead& head,
                            int window, int tile, Eigen::Index width) {
  spread.check();
  HeadErrors errors;
  const MatrixD modes = modes_of(spread, stored);
  errors.key = cells(modes, part_key(head, HeadPart::key_cells), window, width);
  errors.value = cells(modes, part_key(head, HeadPart::value_cells), window, width);
  errors.pulse_gain.resize(window);
  errors.pulse_offset.resize(window);
  const StreamKey pulses = part_key(head, HeadPart::pulse_converters);
  for (int slot = 0; slot < window; ++slot) {
    errors.pulse_gain[slot] = spread_of(spread.scale * spread.converter_gain, pulses, slot, 0, 0);
    errors.pulse_offset[slot] = spread_of(spread.scale * spread.converter_offset, pulses, slot, 0, 1);
  }
  const int tiles = (window + tile - 1) / tile;
  errors.counter_gain.resize(tiles, width);
  errors.counter_offset.resize(tiles, width);
  const StreamKey counters = part_key(head, HeadPart::counters);
  for (int t = 0; t < tiles; ++t)
    for (Eigen::Index c = 0; c < width; ++c) {
      errors.counter_gain(t, c) = spread_of(spread.scale * spread.counter_gain, counters, t, c, 0);
      errors.counter_offset(t, c) = spread_of(spread.scale * spread.counter_offset, counters, t, c, 1);
    }
  return errors;
}

}  // namespace flare::arch
