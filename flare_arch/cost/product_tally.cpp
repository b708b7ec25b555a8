#include "flare_arch/cost/product_tally.hpp"

#include <algorithm>

namespace flare::arch {

std::int64_t ProductTally::on_cells() const {
  std::int64_t on = 0;
  for (std::size_t k = 0; k < levels.size(); ++k) on += static_cast<std::int64_t>(k) * levels[k];
  return on;
}

ProductTally& ProductTally::operator+=(const ProductTally& other) {
  cycles += other.cycles;
  fixed_cycles += other.fixed_cycles;
  conversions += other.conversions;
  driven_cells += other.driven_cells;
  scanned_rows += other.scanned_rows;
  stage_cycles += other.stage_cycles;
  driven_rows += other.driven_rows;
  dummy_rows += other.dummy_rows;
  if (levels.size() < other.levels.size()) levels.resize(other.levels.size(), 0);
  for (std::size_t k = 0; k < other.levels.size(); ++k) levels[k] += other.levels[k];
  return *this;
}

std::int64_t TokenTally::add(const ArrayJob& job, Eigen::Index token, TokenPlan& reads, const TallyPlan& plan,
                             ProductTally& tally) {
  const int depth = job.depth_of(token), parts = std::min(plan.parts, depth);
  if (depth == 0) return 0;
  const int part = (depth + parts - 1) / parts;
  const int groups = plan.sharing == Sharing::planes ? plan.copies : 1;
  busy_.assign(static_cast<std::size_t>(groups) * parts, 0);
  for (int p = 0; p * part < depth; ++p) {
    const int first = p * part, rows = std::min(part, depth - first);
    TokenPlan& own = rows == depth ? reads : part_;
    if (rows < depth) {
      ArrayCounters ignored;
      part_.count({job.inputs.data() + token * job.inputs.cols() + first, static_cast<std::size_t>(rows)},
                  job.format, job.array.segmentation(), ignored);
    }
    add_rows(job, token, first, rows, own, tally);
    for (int plane = 0; plane < job.format.planes(); ++plane)
      busy_[static_cast<std::size_t>(plane % groups) * parts + p] += own.reads(plane);
  }
  return *std::max_element(busy_.begin(), busy_.end());
}

/// The reads of `rows` rows from `first_row` on.
void TokenTally::add_rows(const ArrayJob& job, Eigen::Index token, int first_row, int rows, TokenPlan& reads,
                          ProductTally& tally) {
  const Array& array = job.array;
  const SegmentationOptions& options = array.segmentation();
  const int sawl = options.rows_per_read, planes = job.format.planes(), lines = job.bitlines_of(token);
  std::int64_t driven = 0;
  for (int plane = 0; plane < planes; ++plane) driven += reads.driven_rows(plane);
  const std::int64_t cycles = reads.cycles(), dummies = options.dummy_rows ? cycles * sawl - driven : 0;
  tally.cycles += cycles;
  tally.fixed_cycles += std::int64_t{planes} * ((rows + sawl - 1) / sawl);
  tally.conversions += cycles * lines;
  tally.driven_rows += driven;
  tally.dummy_rows += dummies;
  tally.driven_cells += (driven + dummies) * lines;
  tally.scanned_rows += cycles * rows;
  if (tally.levels.size() <= static_cast<std::size_t>(sawl))
    tally.levels.resize(static_cast<std::size_t>(sawl) + 1, 0);
  reads.list(array.depth() - first_row, listed_);
  count_levels({array.row_bits() + static_cast<std::size_t>(first_row) * array.row_words(), array.row_words(),
                lines, sawl},
               listed_, tally.levels.data());
}

}  // namespace flare::arch
