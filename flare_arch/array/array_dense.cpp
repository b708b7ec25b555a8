// A code for every read: the vector kernels around one token (read mode) or one block of bit lines (die mode).
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "flare_arch/array/array_job.hpp"
#include "flare_arch/array/array_kernels.hpp"
#include "flare_arch/array/die_noise.hpp"

namespace flare::arch {
namespace {

PlaneReads reads_of(const ReadPlan& plan) { return {plan.row_data(), plan.start_data(), plan.reads()}; }

/// Adds a plane's code sums to the columns'.
void add_plane(const ArrayJob& job, int plane, std::int64_t reads, const std::int32_t* code_sums,
               int first_line, int lines, TokenSums& sums) {
  const CodeSampler& sampler = *job.errors.sampler;
  const std::int64_t offset = reads * sampler.value_offset(), step = sampler.value_step();
  const int planes = job.weight_planes();
  std::array<std::int64_t, 32> scales{};
  for (int q = 0; q < planes; ++q) scales[q] = job.scale(plane, q);
  for (int i = 0, column = first_line / planes, q = first_line % planes; i < lines; ++column, q = 0) {
    std::int64_t sum = 0;
    for (; q < planes && i < lines; ++q, ++i) sum += scales[q] * (offset + step * code_sums[i]);
    sums[column] += sum;
  }
}

/// What every on-cell adds to the mean level; 0 where they do not add alike, or more than 16 bits leave room for.
std::int32_t share_of_a_cell(const ArrayDie& die, int sawl) {
  const std::int32_t share = die.level_mean(1) - die.level_mean(0);
  if (share > 8191) return 0;
  for (int k = 2; k <= sawl; ++k)
    if (die.level_mean(k) - die.level_mean(0) != k * share) return 0;
  return share;
}

/// Lines of a block: where nothing is counted, so few that the deviations of its cells stay in the nearest cache.
int block_width(std::int32_t share) { return share != 0 ? 64 : line_block; }

/// What a block of bit lines needs, laid out for the kernel.
struct BlockTables {
  std::vector<std::int16_t> deviations, dummies, thresholds, means;
  DieBlock block;

  /// `width` lines from `first_line`. share: of a cell; 0: means come from their table.
  BlockTables(const ArrayJob& job, int first_line, int width, std::int32_t share, int band) {
    const ArrayDie& die = *job.errors.die;
    const Array& array = job.array;
    const int sawl = array.segmentation().rows_per_read, depth = array.depth();
    const int lines = std::min(width, job.bitlines() - first_line);
    deviations.assign(static_cast<std::size_t>(depth) * width, 0);
    dummies.assign(static_cast<std::size_t>(sawl + 1) * width, 0);
    thresholds.assign(static_cast<std::size_t>(die.comparators()) * width, 32767);
    means.assign(round_up(sawl + 1, 8), 0);
    for (int row = 0; row < depth; ++row) {
      const std::uint64_t* bits = array.row_bits() + row * array.row_words() + first_line / 64;
      const std::int16_t *on = die.on_row(row) + first_line, *off = die.off_row(row) + first_line;
      std::int16_t* out = deviations.data() + static_cast<std::size_t>(row) * width;
      for (int i = 0; i < lines; ++i)
        out[i] = ((bits[i / 64] >> (i % 64)) & 1) != 0 ? static_cast<std::int16_t>(on[i] + share) : off[i];
    }
    if (share != 0) std::fill(dummies.begin(), dummies.end(), static_cast<std::int16_t>(die.level_mean(0)));
    for (int d = 1; d <= sawl; ++d)
      for (int i = 0; i < lines; ++i)
        dummies[d * width + i] = static_cast<std::int16_t>(
            dummies[(d - 1) * width + i] + die.off_deviation(die.rows() + d - 1, first_line + i));
    for (int c = 0; c < die.comparators(); ++c)
      for (int i = 0; i < lines; ++i)
        thresholds[c * width + i] = static_cast<std::int16_t>(die.thresholds(first_line + i)[c]);
    for (int k = 0; k <= sawl; ++k) means[k] = static_cast<std::int16_t>(die.level_mean(k));
    block.lines = width;
    block.row_bits = array.row_bits() + first_line / 64;
    block.row_words = array.row_words();
    if (share == 0) block.level_mean = means.data();
    block.levels = sawl + 1;
    block.deviations = deviations.data();
    block.dummies = dummies.data();
    block.thresholds = thresholds.data();
    block.comparators = die.comparators();
    block.dummy_rows_up_to = array.segmentation().dummy_rows ? sawl : 0;
    block.noise_band = band;
  }
};

/// Adds what the codes of one token on one block are worth to the columns' sums. totals: per line, the planes' code sums times
/// the planes' scales; reads: the planes' numbers of reads times those.
template <class Total>
void add_columns(const ArrayJob& job, const Total* totals, std::int64_t reads, int first_line, int lines,
                 TokenSums& sums) {
  const CodeSampler& sampler = *job.errors.sampler;
  const std::int64_t offset = reads * sampler.value_offset(), step = sampler.value_step();
  const int planes = job.weight_planes();
  for (int i = 0, column = first_line / planes, q = first_line % planes; i < lines; ++column, q = 0) {
    std::int64_t sum = 0;
    for (; q < planes && i < lines; ++q, ++i)
      sum += job.array.format().scale(q) * (offset + step * totals[i]);
    sums[column] += sum;
  }
}

/// totals += code_sums * scale, plus or minus a power of two.
template <class Total>
void add_scaled(const std::int32_t* code_sums, std::int32_t scale, int lines, Total* totals) {
  const int shift = std::countr_zero(static_cast<std::uint32_t>(scale));
  if (scale > 0)
    for (int i = 0; i < lines; ++i) totals[i] += static_cast<Total>(code_sums[i]) << shift;
  else
    for (int i = 0; i < lines; ++i) totals[i] -= static_cast<Total>(code_sums[i]) << shift;
}

/// One token's planes on one block. Total: what holds a line's codes over all planes.
template <class Total>
void add_block(const ArrayJob& job, const DieBlock& block, const DieNoise& noise, Eigen::Index token,
               const TokenPlan& plan, int first_line, TokenSums& sums) {
  const int lines = std::min(block.lines, job.bitlines_of(token) - first_line);
  if (lines <= 0) return;
  std::int32_t code_sums[line_block];
  Total totals[line_block];
  std::fill_n(totals, block.lines, Total{0});
  std::int64_t all_reads = 0;
  std::vector<NearRead> near;
  for (int plane = 0; plane < job.format.planes(); ++plane) {
    const ReadPlan& reads = plan.plane(plane);
    if (reads.reads() == 0) continue;
    std::fill_n(code_sums, block.lines, 0);
    near.clear();
    sum_die_codes(block, reads_of(reads), code_sums, &near);
    for (const NearRead& n : near) {
      if (n.line >= lines) continue;
      const int bitline = first_line + n.line;
      const double drawn = noise.inside(job.token_number(token), plane, n.read, bitline);
      code_sums[n.line] += code_of_level(*job.errors.die, bitline, n.level + drawn) - n.code;
    }
    all_reads += job.format.scale(plane) * static_cast<std::int64_t>(reads.reads());
    add_scaled(code_sums, job.format.scale(plane), lines, totals);
  }
  add_columns(job, totals, all_reads, first_line, lines, sums);
}

}  // namespace

bool dense_takes(const CodeSampler& sampler) { return sampler.is_even() && sampler.model().codes() <= 128; }

bool die_kernel_takes(const CodeSampler& sampler) { return sampler.is_even(); }

void add_dense(const ArrayJob& job, const SlotTable& slots, Eigen::Index token, const TokenPlan& plan,
               TokenSums& sums, ArrayCounters& counters) {
  if (job.bitlines_of(token) == 0) return;
  DensePlane dense;
  dense.row_bits = job.array.row_bits();
  dense.row_words = job.array.row_words();
  dense.lines = round_up(job.bitlines_of(token), line_block);
  dense.real_lines = job.bitlines_of(token);
  dense.largest_code = std::max(1, job.errors.sampler->model().codes() - 1);
  dense.slots = &slots;
  dense.key = StreamKey(job.errors.seed, StreamPurpose::read_codes, job.errors.array);
  dense.token = job.token_number(token);
  std::vector<std::int32_t> code_sums(dense.lines);
  for (int plane = 0; plane < job.format.planes(); ++plane) {
    const ReadPlan& reads = plan.plane(plane);
    if (reads.reads() == 0) continue;
    dense.plane = static_cast<std::uint32_t>(plane);
    std::fill(code_sums.begin(), code_sums.end(), 0);
    sum_codes(dense, reads_of(reads), code_sums.data(), job.count ? &counters.wrong_reads : nullptr);
    add_plane(job, plane, static_cast<std::int64_t>(reads.reads()), code_sums.data(), 0, dense.real_lines,
              sums);
  }
}

void add_die(const ArrayJob& job, Eigen::Index first_token, const std::vector<TokenPlan>& plans,
             std::vector<TokenSums>& sums, int threads) {
  const DieNoise noise(job);
  const auto tokens = static_cast<std::int64_t>(sums.size());
  const std::int32_t share = share_of_a_cell(*job.errors.die, job.array.segmentation().rows_per_read);
  const int width = block_width(share);
  // Every row may be a read of its own.
  const double largest =
      std::ldexp(job.errors.die->comparators() * (job.array.depth() + 1.0), job.format.bits);
  const auto add = largest < 0x1p31 ? add_block<std::int32_t> : add_block<std::int64_t>;
  for (int first_line = 0; first_line < job.bitlines(); first_line += width) {
    const BlockTables tables(job, first_line, width, share, noise.band());
#pragma omp parallel for schedule(dynamic) num_threads(threads)
    for (std::int64_t t = 0; t < tokens; ++t)
      add(job, tables.block, noise, first_token + t, plans[t], first_line, sums[t]);
  }
  if (noise.band() == 0) return;
#pragma omp parallel for schedule(dynamic) num_threads(threads)
  for (std::int64_t t = 0; t < tokens; ++t)
    for (const ColumnError& e : find_tail_noise(job, noise, first_token + t, plans[t]))
      sums[t][e.column] += e.value;
}

}  // namespace flare::arch
