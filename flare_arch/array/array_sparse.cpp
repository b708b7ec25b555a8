// Errors drawn only where they happen.
#include <cmath>

#include "flare_arch/array/array_job.hpp"
#include "flare_arch/array/error_candidates.hpp"

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

/// The number of a read among `reads` of a plane, and its bit line, from its position.
std::pair<std::int64_t, int> read_and_line(std::int64_t position, std::int64_t bitlines) {
  if (position <= 0xffffffff) {  // a shorter division
    const auto p = static_cast<std::uint32_t>(position), lines = static_cast<std::uint32_t>(bitlines);
    return {p / lines, static_cast<int>(p % lines)};
  }
  return {position / bitlines, static_cast<int>(position % bitlines)};
}

}  // namespace

/// Every read is a candidate with the largest level error rate, so the distance to the next candidate is
/// geometric. A candidate errs with its own level's rate over the largest, and then draws which wrong code.
void find_sparse_errors(const ArrayJob& job, StreamKey key, Eigen::Index token, TokenPlan* plan,
                        std::vector<ColumnError>& found) {
  constexpr double worth_a_plan = 3;  // candidates of a plane
  const CodeSampler& sampler = *job.errors.sampler;
  const double largest = sampler.largest_error_rate();
  if (largest <= 0) return;
  const std::int64_t bitlines = job.bitlines_of(token);
  const int sawl = job.array.segmentation().rows_per_read, depth = job.depth_of(token);
  const std::int64_t fixed_reads = (depth + sawl - 1) / sawl;
  const std::int64_t total =
      (plan != nullptr ? plan->cycles() : fixed_reads * job.format.planes()) * bitlines;
  const double expected = static_cast<double>(total) * largest;
  if (plan != nullptr && expected > worth_a_plan * job.format.planes()) plan->plan_all(job);
  const auto plane_size = [&](int plane) {
    return (plan != nullptr ? plan->reads(plane) : fixed_reads) * bitlines;
  };
  std::int64_t position = -1, plane_begin = 0;
  int plane = 0;
  for (ErrorCandidates candidates(key, job.token_number(token), largest, expected);;) {
    const ErrorCandidate& c = candidates.next();
    if (!(c.distance < static_cast<double>(total - position - 1))) return;
    position += 1 + static_cast<std::int64_t>(c.distance);
    while (position - plane_begin >= plane_size(plane)) plane_begin += plane_size(plane++);
    const auto [read, bitline] = read_and_line(position - plane_begin, bitlines);
    const int k = plan != nullptr ? job.on_cells(plan->rows(job, plane, read), bitline)
                                  : on_cells_of_group(job, token, plane, static_cast<int>(read), bitline);
    if ((c.thin + 0.5) * 0x1.0p-32 * largest >= sampler.error_rate(k)) continue;
    found.push_back({bitline / job.weight_planes(),
                     job.scale(plane, bitline) *
                         (sampler.wrong_value(k, (c.which + 0.5) * 0x1.0p-32) - sampler.base_value(k))});
  }
}

}  // namespace flare::arch
