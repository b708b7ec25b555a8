#include "flare_arch/cost/product_tally.hpp"

#include <algorithm>

namespace flare::arch {
namespace {

/// Rows with a one in `plane`, of those from `begin` to `end`, counted from `begin`.
void ones_of(const TallyOperands& o, Eigen::Index token, int plane, int begin, int end,
             std::vector<std::uint16_t>& ones) {
  ones.clear();
  for (int row = begin; row < end; ++row)
    if ((o.format.pattern(o.inputs(token, row)) >> plane) & 1)
      ones.push_back(static_cast<std::uint16_t>(row - begin));
}

/// One token: reads of every plane and part, and how long they take.
class TokenTally {
 public:
  TokenTally(const TallyOperands& operands, const TallyPlan& plan, ProductTally& tally)
      : o_(operands), plan_(plan), tally_(tally) {
    const auto levels = static_cast<std::size_t>(plan.reads.rows_per_read) + 1;
    tally_.levels.resize(std::max(tally_.levels.size(), levels), 0);
  }

  std::int64_t add(Eigen::Index token) {
    const int depth = o_.depth(token), parts = std::min(plan_.parts, depth);
    const int part = (depth + parts - 1) / parts;
    const int groups = plan_.sharing == Sharing::planes ? plan_.copies : 1;
    std::vector<std::int64_t> busy(static_cast<std::size_t>(groups) * parts,
                                   0);  // of each that works by itself
    for (int plane = 0; plane < o_.format.planes(); ++plane)
      for (int p = 0; p * part < depth; ++p) {
        const int begin = p * part, end = std::min(depth, begin + part);
        ones_of(o_, token, plane, begin, end, ones_);
        plan_reads(ones_, end - begin, plan_.reads, read_plan_);
        busy[static_cast<std::size_t>(plane % groups) * parts + p] += count(token, begin, end - begin);
      }
    return *std::max_element(busy.begin(), busy.end());
  }

 private:
  std::int64_t count(Eigen::Index token, int begin, int rows) {
    const auto reads = static_cast<std::int64_t>(read_plan_.reads()),
               ones = static_cast<std::int64_t>(ones_.size());
    const std::int64_t dummies = read_plan_.dummy_rows(plan_.reads), columns = o_.columns(token);
    tally_.cycles += reads;
    tally_.fixed_cycles += (rows + plan_.reads.rows_per_read - 1) / plan_.reads.rows_per_read;
    tally_.conversions += reads * columns;
    tally_.driven_rows += ones;
    tally_.dummy_rows += dummies;
    tally_.driven_cells += (ones + dummies) * columns;
    tally_.scanned_rows += reads * rows;
    for (std::size_t r = 0; r < read_plan_.reads(); ++r)
      o_.cells.add_levels(o_.first_row + begin, read_plan_.rows(r), columns, tally_.levels);
    return reads;
  }

  const TallyOperands& o_;
  const TallyPlan& plan_;
  ProductTally& tally_;
  std::vector<std::uint16_t> ones_;
  ReadPlan read_plan_;
};

}  // namespace

ProductTally& ProductTally::operator+=(const ProductTally& other) {
  cycles += other.cycles;
  fixed_cycles += other.fixed_cycles;
  conversions += other.conversions;
  driven_cells += other.driven_cells;
  on_cells += other.on_cells;
  scanned_rows += other.scanned_rows;
  stage_cycles += other.stage_cycles;
  driven_rows += other.driven_rows;
  dummy_rows += other.dummy_rows;
  if (levels.size() < other.levels.size()) levels.resize(other.levels.size(), 0);
  for (std::size_t k = 0; k < other.levels.size(); ++k) levels[k] += other.levels[k];
  return *this;
}

std::vector<std::int64_t> tally_reads(const TallyOperands& operands, const TallyPlan& plan,
                                      ProductTally& tally) {
  TokenTally token(operands, plan, tally);
  std::vector<std::int64_t> cycles;
  cycles.reserve(static_cast<std::size_t>(operands.inputs.rows()));
  for (Eigen::Index t = 0; t < operands.inputs.rows(); ++t) cycles.push_back(token.add(t));
  tally.on_cells = 0;
  for (std::size_t k = 0; k < tally.levels.size(); ++k)
    tally.on_cells += static_cast<std::int64_t>(k) * tally.levels[k];
  return cycles;
}

}  // namespace flare::arch
