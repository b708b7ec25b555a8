// The reads of one token: counted plane by plane, planned where somebody asks which rows they drive.
#include <algorithm>
#include <array>
#include <bit>
#include <stdexcept>

#include "flare_arch/array/array_job.hpp"
#include "flare_arch/array/read_counts.hpp"

namespace flare::arch {

void TokenPlan::count(const ArrayJob& job, Eigen::Index token, ArrayCounters& counters) {
  const std::span<const std::int32_t> values(job.inputs.data() + token * job.inputs.cols(),
                                             static_cast<std::size_t>(job.depth_of(token)));
  count(values, job.format, job.array.segmentation(), counters);
  counters.conversions += cycles_ * job.bitlines_of(token);
}

void TokenPlan::count(std::span<const std::int32_t> values, const PlaneFormat& format,
                      const SegmentationOptions& options, ArrayCounters& counters) {
  const int sawl = options.rows_per_read, planes = format.planes();
  depth_ = static_cast<int>(values.size());
  options_ = options;
  const int slices = (depth_ + slice_rows - 1) / slice_rows;
  bits_.resize(static_cast<std::size_t>(slices) * most_planes);
  slice_planes(values, format, bits_.data());
  planes_.resize(planes);
  reads_.resize(planes);
  driven_.resize(planes);
  is_planned_.assign(planes, false);
  std::array<std::uint16_t, most_planes> counted{}, ones{};
  quick_ = counts_without_plan(options, depth_);
  if (quick_) count_reads(bits_.data(), slices, planes, options, counted.data(), ones.data());
  cycles_ = 0;
  for (int plane = 0; plane < planes; ++plane) {
    const ReadPlan* known = quick_ ? nullptr : &planned(plane);
    const std::int64_t reads = known != nullptr ? static_cast<std::int64_t>(known->reads()) : counted[plane],
                       driven = known != nullptr ? known->driven_rows() : ones[plane];
    reads_[plane] = reads;
    driven_[plane] = driven;
    cycles_ += reads;
    counters.driven_rows += driven;
    counters.dummy_rows += options.dummy_rows ? reads * sawl - driven : 0;
    counters.fixed_cycles += (depth_ + sawl - 1) / sawl;
    counters.ideal_cycles += (driven + sawl - 1) / sawl;
  }
  counters.cycles += cycles_;
}

void TokenPlan::make(const ArrayJob& job, Eigen::Index token, ArrayCounters& counters) {
  count(job, token, counters);
  plan_all();
}

void TokenPlan::plan_all() {
  for (int plane = 0; plane < static_cast<int>(is_planned_.size()); ++plane) planned(plane);
}

std::span<const std::uint16_t> TokenPlan::rows(int plane, std::int64_t read) {
  if (!quick_ || is_planned_[plane]) return planned(plane).rows(static_cast<std::size_t>(read));
  ones_.resize(most_rows_per_read);
  const int count = rows_of_read(bits_.data() + plane, (depth_ + slice_rows - 1) / slice_rows, options_, read,
                                 ones_.data());
  return {ones_.data(), static_cast<std::size_t>(count)};
}

void TokenPlan::list(int no_row, ListedReads& list) {
  const int sawl = options_.rows_per_read, planes = static_cast<int>(planes_.size());
  if (no_row >= (1 << 16)) throw std::invalid_argument("array: reads of at most 65535 rows can be listed");
  const auto none = static_cast<std::uint16_t>(no_row);
  list.rows_per_read = (sawl + listed_rows - 1) / listed_rows * listed_rows;
  list.reads = static_cast<std::size_t>(cycles_);
  if (quick_ && sawl <= listed_rows && no_row < (1 << 15)) {
    const int slices = (depth_ + slice_rows - 1) / slice_rows;
    list.rest.resize(static_cast<std::size_t>(slices + 8) * listed_rows);
    list.rows.resize((list.reads + 9) * listed_rows);
    list_reads(bits_.data(), slices, planes, options_, none, list.rest.data(), list.rows.data());
    return;
  }
  list.rows.assign(list.reads * static_cast<std::size_t>(list.rows_per_read), none);
  auto to = list.rows.begin();
  for (int plane = 0; plane < planes; ++plane)
    for (std::size_t read = 0; read < planned(plane).reads(); ++read, to += list.rows_per_read) {
      const auto rows = planned(plane).rows(read);
      std::copy(rows.begin(), rows.end(), to);
    }
}

const ReadPlan& TokenPlan::planned(int plane) {
  if (!is_planned_[plane]) plan(plane);
  return planes_[plane];
}

void TokenPlan::plan(int plane) {
  is_planned_[plane] = true;
  if (quick_) {
    const int slices = (depth_ + slice_rows - 1) / slice_rows;
    return plan_slices(bits_.data() + plane, slices, options_, planes_[plane]);
  }
  ones_.clear();
  for (int first = 0; first < depth_; first += slice_rows)
    for (unsigned left = bits_[first / slice_rows * most_planes + plane]; left != 0; left &= left - 1)
      ones_.push_back(static_cast<std::uint16_t>(first + std::countr_zero(left)));
  plan_reads(ones_, depth_, options_, planes_[plane]);
}

}  // namespace flare::arch
