// Read noise on a die, drawn only where it could change a code. Internal to flare_arch.
#pragma once

#include <vector>

#include "flare_arch/array/array_job.hpp"

namespace flare::arch {

/// Noise in units, split at +-band: inside drawn per read when it matters, outside by its positions.
class DieNoise {
 public:
  explicit DieNoise(const ArrayJob& job);

  int band() const { return band_; }     // units; 0: no noise
  double tail() const { return tail_; }  // P(noise > band)
  const StreamKey& key() const { return key_; }
  /// Of one read, given that it lies inside.
  double inside(std::uint32_t token, int plane, std::uint32_t read, int bitline) const;
  /// Given that it lies outside, from a uniform.
  double outside(double u) const;

 private:
  StreamKey key_;
  double sigma_ = 0, tail_ = 0;
  int band_ = 0;
};

/// Comparators of a bit line that fire at a level.
int code_of_level(const ArrayDie& die, int bitline, double level);

/// What the reads of a token add whose noise lies beyond the band: found by geometric skipping, put right one by one.
std::vector<ColumnError> find_tail_noise(const ArrayJob& job, const DieNoise& noise, Eigen::Index token,
                                         const TokenPlan& plan);

}  // namespace flare::arch
