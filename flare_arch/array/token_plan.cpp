// The reads of one token: counted plane by plane, planned where somebody asks which rows they drive.
#include <algorithm>
#include <bit>
#include <stdexcept>

#include "flare_arch/array/array_job.hpp"

namespace flare::arch {

void TokenPlan::count(const ArrayJob& job, Eigen::Index token, ArrayCounters& counters) {
  const std::span<const std::int32_t> values(job.inputs.data() + token * job.inputs.cols(),
                                             static_cast<std::size_t>(job.depth_of(token)));
  count(values, job.format, job.array.segmentation(), counters);
  counters.conversions += cycles_ * job.bitlines_of(token);
}

void TokenPlan::count(std::span<const std::int32_t> values, const PlaneFormat& format,
                      const SegmentationOptions& options, ArrayCounters& counters) {
  depth_ = static_cast<int>(values.size());
  slices_ = (depth_ + slice_rows - 1) / slice_rows;
  plane_count_ = format.planes();
  options_ = options;
  planned_ = 0;
  bits_.resize(static_cast<std::size_t>(slices_) * most_planes);
  slice_planes(values, format, bits_.data());
  quick_ = counts_without_plan(options, depth_);
  if (quick_) {
    std::array<std::uint16_t, most_planes> reads{}, ones{};
    count_reads(bits_.data(), slices_, plane_count_, options, reads.data(), ones.data());
    std::copy_n(reads.begin(), plane_count_, reads_.begin());
    std::copy_n(ones.begin(), plane_count_, driven_.begin());
  } else {
    count_by_plans();
  }
  cycles_ = 0;
  for (int plane = 0; plane < plane_count_; ++plane) cycles_ += reads_[plane];
  add_to(counters);
}

void TokenPlan::count_by_plans() {
  for (int plane = 0; plane < plane_count_; ++plane) {
    const ReadPlan& known = planned(plane);
    reads_[plane] = static_cast<std::uint32_t>(known.reads());
    driven_[plane] = static_cast<std::uint32_t>(known.driven_rows());
  }
}

void TokenPlan::add_to(ArrayCounters& counters) const {
  const int sawl = options_.rows_per_read;
  // n / SAWL = n (2^32 / SAWL + 1) / 2^32: exact up to 2^26 for a SAWL of at most 64.
  const std::uint64_t inverse = (std::uint64_t{1} << 32) / static_cast<unsigned>(sawl) + 1;
  std::int64_t driven = 0;
  for (int plane = 0; plane < plane_count_; ++plane) {
    driven += driven_[plane];
    counters.ideal_cycles +=
        static_cast<std::int64_t>((driven_[plane] + static_cast<unsigned>(sawl - 1)) * inverse >> 32);
  }
  counters.driven_rows += driven;
  counters.dummy_rows += options_.dummy_rows ? cycles_ * sawl - driven : 0;
  counters.fixed_cycles += std::int64_t{plane_count_} * ((depth_ + sawl - 1) / sawl);
  counters.cycles += cycles_;
}

void TokenPlan::make(const ArrayJob& job, Eigen::Index token, ArrayCounters& counters) {
  count(job, token, counters);
  plan_all();
}

void TokenPlan::plan_all() {
  for (int plane = 0; plane < plane_count_; ++plane) planned(plane);
}

std::span<const std::uint16_t> TokenPlan::rows(int plane, std::int64_t read, ReadRows& room) {
  if (!quick_ || is_planned(plane)) return planned(plane).rows(static_cast<std::size_t>(read));
  const int count = rows_of_read(bits_.data() + plane, slices_, options_, read, room.data());
  return {room.data(), static_cast<std::size_t>(count)};
}

int TokenPlan::on_cells(int plane, std::int64_t read, const std::uint16_t* cells) {
  if (quick_ && !is_planned(plane))
    return on_cells_of_read(bits_.data() + plane, slices_, options_, read, cells);
  return on_cells_of_rows(planned(plane).rows(static_cast<std::size_t>(read)), cells);
}

void TokenPlan::list(int no_row, ListedReads& list) {
  const int sawl = options_.rows_per_read;
  if (no_row >= (1 << 16)) throw std::invalid_argument("array: reads of at most 65535 rows can be listed");
  const auto none = static_cast<std::uint16_t>(no_row);
  list.rows_per_read = (sawl + listed_rows - 1) / listed_rows * listed_rows;
  list.reads = static_cast<std::size_t>(cycles_);
  if (quick_ && sawl <= listed_rows && no_row < (1 << 15)) {
    list.rest.resize(static_cast<std::size_t>(slices_ + 8) * listed_rows);
    list.rows.resize((list.reads + 9) * listed_rows);
    list_reads(bits_.data(), slices_, plane_count_, options_, none, list.rest.data(), list.rows.data());
    return;
  }
  list.rows.assign(list.reads * static_cast<std::size_t>(list.rows_per_read), none);
  auto to = list.rows.begin();
  for (int plane = 0; plane < plane_count_; ++plane)
    for (std::size_t read = 0; read < planned(plane).reads(); ++read, to += list.rows_per_read) {
      const auto rows = planned(plane).rows(read);
      std::copy(rows.begin(), rows.end(), to);
    }
}

const ReadPlan& TokenPlan::planned(int plane) {
  if (!is_planned(plane)) plan(plane);
  return planes_[plane];
}

void TokenPlan::plan(int plane) {
  planned_ |= std::uint32_t{1} << plane;
  if (static_cast<int>(planes_.size()) < plane_count_) planes_.resize(plane_count_);
  if (quick_) return plan_slices(bits_.data() + plane, slices_, options_, planes_[plane]);
  ones_.clear();
  for (int first = 0; first < depth_; first += slice_rows)
    for (unsigned left = bits_[first / slice_rows * most_planes + plane]; left != 0; left &= left - 1)
      ones_.push_back(static_cast<std::uint16_t>(first + std::countr_zero(left)));
  plan_reads(ones_, depth_, options_, planes_[plane]);
}

}  // namespace flare::arch
