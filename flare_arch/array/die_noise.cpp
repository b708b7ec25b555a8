#include "flare_arch/array/die_noise.hpp"

#include <algorithm>
#include <cmath>

#include "engine/base/normal_law.hpp"

namespace flare::arch {
namespace {

constexpr double band_sigmas = 4.5;  // noise beyond it (7e-6 of all reads) is drawn apart

}  // namespace

DieNoise::DieNoise(const ArrayJob& job) : key_(job.errors.seed, StreamPurpose::read_noise, job.errors.array) {
  sigma_ = std::ldexp(job.errors.sampler->model().per_read.noise_sigma, job.errors.die->fraction_bits());
  if (sigma_ <= 0) return;
  band_ = std::max(1, std::min(8000, static_cast<int>(std::ceil(band_sigmas * sigma_))));
  tail_ = engine::normal_tail(band_ / sigma_);
}

double DieNoise::inside(std::uint32_t token, int plane, std::uint32_t read, int bitline) const {
  const auto w =
      random_words(key_, token, static_cast<std::uint32_t>(plane), read, static_cast<std::uint32_t>(bitline));
  return sigma_ * engine::normal_quantile(tail_ + open_uniform(w[0], w[1]) * (1 - 2 * tail_));
}

double DieNoise::outside(double u) const {
  const double z = -engine::normal_quantile(tail_ * (u < 0.5 ? 2 * u : 2 * u - 1));
  return u < 0.5 ? -sigma_ * z : sigma_ * z;
}

int code_of_level(const ArrayDie& die, int bitline, double level) {
  int code = 0;
  for (int c = 0; c < die.comparators(); ++c) code += level > die.thresholds(bitline)[c] ? 1 : 0;
  return code;
}

std::vector<ColumnError> find_tail_noise(const ArrayJob& job, const DieNoise& noise, Eigen::Index token,
                                         const TokenPlan& plan) {
  std::vector<ColumnError> found;
  if (noise.tail() <= 0) return found;
  const double log_keep = std::log1p(-2 * noise.tail());
  UniformSequence uniform(StreamKey(job.errors.seed, StreamPurpose::noise_tail, job.errors.array),
                          job.token_number(token), 0, 0);
  const std::int64_t bitlines = job.bitlines_of(token), total = plan.cycles() * bitlines;
  std::int64_t position = -1, plane_begin = 0;
  int plane = 0;
  const auto plane_size = [&] { return static_cast<std::int64_t>(plan.plane(plane).reads()) * bitlines; };
  for (;;) {
    const double skip = std::floor(std::log(uniform.next()) / log_keep);
    if (!(skip < static_cast<double>(total - position - 1))) return found;
    position += 1 + static_cast<std::int64_t>(skip);
    while (position - plane_begin >= plane_size()) {
      plane_begin += plane_size();
      ++plane;
    }
    const auto read = static_cast<std::uint32_t>((position - plane_begin) / bitlines);
    const int bitline = static_cast<int>((position - plane_begin) % bitlines);
    const auto rows = plan.plane(plane).rows(read);
    const double inside = noise.inside(job.token_number(token), plane, read, bitline);
    const int before = die_code(job, rows, bitline, inside),
              after = die_code(job, rows, bitline, noise.outside(uniform.next()));
    found.push_back({token, bitline / job.weight_planes(),
                     job.scale(plane, bitline) * job.errors.sampler->value_step() * (after - before)});
  }
}

}  // namespace flare::arch
