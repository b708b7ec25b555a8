// Errors drawn only where they happen.
#include <cmath>

#include "flare_arch/array/array_job.hpp"

namespace flare::arch {
namespace {

/// On-cells of a read of fixed groups, straight from the operands.
int on_cells_of_group(const ArrayJob& job, Eigen::Index token, int plane, int group, int bitline) {
  const int sawl = job.array.segmentation().rows_per_read, depth = job.array.depth();
  const int begin = group * sawl, end = std::min(depth, begin + sawl);
  const std::uint32_t* column = job.array.column_patterns(bitline / job.weight_planes());
  const int weight_plane = bitline % job.weight_planes();
  std::uint32_t k = 0;
  for (int row = begin; row < end; ++row)
    k += (column[row] >> weight_plane) & (job.format.pattern(job.inputs(token, row)) >> plane) & 1;
  return static_cast<int>(k);
}

}  // namespace

/// Every read is a candidate with the largest level error rate, so the distance to the next candidate is
/// geometric. A candidate errs with its own level's rate over the largest, and then draws which wrong code.
void find_sparse_errors(const ArrayJob& job, StreamKey key, Eigen::Index token, TokenPlan* plan,
                        std::vector<ColumnError>& found) {
  const CodeSampler& sampler = *job.errors.sampler;
  const double largest = sampler.largest_error_rate();
  if (largest <= 0) return;
  const double log_keep = std::log1p(-largest);
  const std::int64_t bitlines = job.bitlines_of(token);
  const int sawl = job.array.segmentation().rows_per_read, depth = job.depth_of(token);
  const std::int64_t fixed_reads = (depth + sawl - 1) / sawl;
  const std::int64_t total =
      (plan != nullptr ? plan->cycles() : fixed_reads * job.format.planes()) * bitlines;
  const auto plane_size = [&](int plane) {
    return (plan != nullptr ? plan->reads(plane) : fixed_reads) * bitlines;
  };
  std::int64_t position = -1, plane_begin = 0;
  int plane = 0;
  for (std::uint32_t candidate = 0;; ++candidate) {
    const auto w = random_words(key, job.token_number(token), candidate, 0, 0);
    const double skip = std::floor(std::log(open_uniform(w[0], w[1])) / log_keep);
    if (!(skip < static_cast<double>(total - position - 1))) return;
    position += 1 + static_cast<std::int64_t>(skip);
    while (position - plane_begin >= plane_size(plane)) plane_begin += plane_size(plane++);
    const std::int64_t read = (position - plane_begin) / bitlines;
    const int bitline = static_cast<int>(position - plane_begin - read * bitlines);
    const int k = plan != nullptr ? job.on_cells(plan->rows(plane, read), bitline)
                                  : on_cells_of_group(job, token, plane, static_cast<int>(read), bitline);
    if ((w[2] + 0.5) * 0x1.0p-32 * largest >= sampler.error_rate(k)) continue;
    found.push_back({bitline / job.weight_planes(),
                     job.scale(plane, bitline) *
                         (sampler.wrong_value(k, (w[3] + 0.5) * 0x1.0p-32) - sampler.base_value(k))});
  }
}

}  // namespace flare::arch
