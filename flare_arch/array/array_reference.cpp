// Read after read, each by itself: what every faster path is tested against.
#include <cmath>

#include "flare_arch/array/array_job.hpp"

namespace flare::arch {

int ArrayJob::on_cells(std::span<const std::uint16_t> rows, int bitline) const {
  // From the weights themselves: few reads are asked for one by one.
  const int planes = weight_planes(), column = bitline / planes, weight_plane = bitline % planes;
  const MatrixI& weights = array.weights();
  const PlaneFormat& cells = array.format();
  std::uint32_t k = 0;
  for (const std::uint16_t row : rows) k += (cells.pattern(weights(row, column)) >> weight_plane) & 1;
  return static_cast<int>(k);
}

int die_code(const ArrayJob& job, std::span<const std::uint16_t> rows, int bitline, double noise) {
  const ArrayDie& die = *job.errors.die;
  const std::uint32_t* column = job.array.column_patterns(bitline / job.weight_planes());
  const int weight_plane = bitline % job.weight_planes();
  std::int32_t deviation = 0;
  int k = 0;
  for (const std::uint16_t row : rows) {
    const bool on = (column[row] >> weight_plane) & 1;
    k += on ? 1 : 0;
    deviation += on ? die.on_deviation(row, bitline) : die.off_deviation(row, bitline);
  }
  const SegmentationOptions& options = job.array.segmentation();
  if (options.dummy_rows)
    for (int d = 0; d + static_cast<int>(rows.size()) < options.rows_per_read; ++d)
      deviation += die.off_deviation(die.rows() + d, bitline);
  const double level = die.level_mean(k) + deviation + noise;
  int code = 0;
  for (int c = 0; c < die.comparators(); ++c) code += level > die.thresholds(bitline)[c] ? 1 : 0;
  return code;
}

namespace {

/// Value of one read, drawn by itself.
std::int32_t read_value(const ArrayJob& job, std::span<const std::uint16_t> rows, int bitline,
                        std::uint32_t token, std::uint32_t plane, std::uint32_t read,
                        ArrayCounters& counters) {
  const CodeSampler* sampler = job.errors.sampler;
  if (sampler == nullptr) return job.on_cells(rows, bitline);
  const std::uint32_t seed_bitline = static_cast<std::uint32_t>(bitline);
  if (job.errors.mode == ErrorMode::die) {
    const double sigma = std::ldexp(sampler->model().per_read.noise_sigma, job.errors.die->fraction_bits());
    const StreamKey key(job.errors.seed, StreamPurpose::read_noise, job.errors.array);
    const double noise = sigma > 0 ? sigma * standard_normal(key, token, plane, read, seed_bitline) : 0;
    return sampler->code_value(die_code(job, rows, bitline, noise));
  }
  const int k = job.on_cells(rows, bitline);
  const StreamKey key(job.errors.seed, StreamPurpose::read_codes, job.errors.array);
  const auto w = random_words(key, token, plane, read, seed_bitline);
  const double u = open_uniform(w[0], w[1]);
  if (u < sampler->error_rate(k)) ++counters.wrong_reads;
  return sampler->sample(k, u, open_uniform(w[2], w[3]));
}

}  // namespace

void add_reference(const ArrayJob& job, Eigen::Index token, const TokenPlan& plan, TokenSums& sums,
                   ArrayCounters& counters) {
  for (int plane = 0; plane < job.format.planes(); ++plane)
    for (std::size_t read = 0; read < plan.plane(plane).reads(); ++read)
      for (int bitline = 0; bitline < job.bitlines_of(token); ++bitline)
        sums[bitline / job.weight_planes()] +=
            job.scale(plane, bitline) * read_value(job, plan.plane(plane).rows(read), bitline,
                                                   job.token_number(token), static_cast<std::uint32_t>(plane),
                                                   static_cast<std::uint32_t>(read), counters);
}

}  // namespace flare::arch
