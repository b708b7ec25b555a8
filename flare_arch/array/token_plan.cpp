// The reads of one token: counted plane by plane, planned where somebody asks which rows they drive.
#include <algorithm>
#include <array>
#include <bit>

#include "flare_arch/array/array_job.hpp"
#include "flare_arch/array/read_counts.hpp"

namespace flare::arch {

void TokenPlan::count(const ArrayJob& job, Eigen::Index token, ArrayCounters& counters) {
  const SegmentationOptions& options = job.array.segmentation();
  const int sawl = options.rows_per_read, planes = job.format.planes();
  depth_ = job.depth_of(token);
  const int slices = (depth_ + slice_rows - 1) / slice_rows;
  bits_.resize(static_cast<std::size_t>(slices) * most_planes);
  slice_planes({job.inputs.data() + token * job.inputs.cols(), static_cast<std::size_t>(depth_)}, job.format,
               bits_.data());
  reads_.resize(planes);
  is_planned_.assign(planes, false);
  std::array<std::uint16_t, most_planes> counted{}, ones{};
  quick_ = counts_without_plan(options, depth_);
  if (quick_) count_reads(bits_.data(), slices, planes, options, counted.data(), ones.data());
  cycles_ = 0;
  for (int plane = 0; plane < planes; ++plane) {
    const ReadPlan* known = quick_ ? nullptr : &planned(job, plane);
    const std::int64_t reads = known != nullptr ? static_cast<std::int64_t>(known->reads()) : counted[plane],
                       driven = known != nullptr ? known->driven_rows() : ones[plane];
    reads_[plane] = reads;
    cycles_ += reads;
    counters.driven_rows += driven;
    counters.dummy_rows += options.dummy_rows ? reads * sawl - driven : 0;
    counters.fixed_cycles += (depth_ + sawl - 1) / sawl;
    counters.ideal_cycles += (driven + sawl - 1) / sawl;
  }
  counters.cycles += cycles_;
  counters.conversions += cycles_ * job.bitlines_of(token);
}

void TokenPlan::make(const ArrayJob& job, Eigen::Index token, ArrayCounters& counters) {
  count(job, token, counters);
  plan_all(job);
}

void TokenPlan::plan_all(const ArrayJob& job) {
  for (int plane = 0; plane < job.format.planes(); ++plane) planned(job, plane);
}

std::span<const std::uint16_t> TokenPlan::rows(const ArrayJob& job, int plane, std::int64_t read) {
  if (!quick_ || is_planned_[plane]) return planned(job, plane).rows(static_cast<std::size_t>(read));
  ones_.resize(most_rows_per_read);
  const int count = rows_of_read(bits_.data() + plane, (depth_ + slice_rows - 1) / slice_rows,
                                 job.array.segmentation(), read, ones_.data());
  return {ones_.data(), static_cast<std::size_t>(count)};
}

const ReadPlan& TokenPlan::planned(const ArrayJob& job, int plane) {
  if (!is_planned_[plane]) plan(job, plane);
  return planes_[plane];
}

void TokenPlan::plan(const ArrayJob& job, int plane) {
  is_planned_[plane] = true;
  planes_.resize(std::max(planes_.size(), is_planned_.size()));
  if (quick_) {
    const int slices = (depth_ + slice_rows - 1) / slice_rows;
    return plan_slices(bits_.data() + plane, slices, job.array.segmentation(), planes_[plane]);
  }
  ones_.clear();
  for (int first = 0; first < depth_; first += slice_rows)
    for (unsigned left = bits_[first / slice_rows * most_planes + plane]; left != 0; left &= left - 1)
      ones_.push_back(static_cast<std::uint16_t>(first + std::countr_zero(left)));
  plan_reads(ones_, depth_, job.array.segmentation(), planes_[plane]);
}

}  // namespace flare::arch
