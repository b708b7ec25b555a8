// Die mode as the exact product and the errors of the reads that stray: the same numbers as a code for every read gives.
#include <hwy/aligned_allocator.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/base/normal_law.hpp"
#include "flare_arch/array/array_job.hpp"
#include "flare_arch/array/die_noise.hpp"
#include "flare_arch/array/stray_reads.hpp"

namespace flare::arch {
namespace {

constexpr int widest = 20000;       // units; no sum of deviations is that large
constexpr int unreachable = 32000;  // a limit that no sum keeps

/// Deviations D of a read, in units, that leave its code its level's own: least <= D <= most.
struct Limits {
  int least = -widest, most = widest;
  bool hold() const { return least <= most; }
};

/// The limits of every bit line of a die. With b(k) the code of level k without deviation,
///
///   most = min over comparators c of T(c) - max { mean(k) : b(k) <= c },   least = max of T(c) - min { mean(k) : b(k) > c } + 1,
///
/// both drawn in by the band where noise is drawn.
class DieLimits {
 public:
  DieLimits(const ArrayJob& job, int band) : die_(*job.errors.die), band_(band) {
    const ErrorModel& model = job.errors.sampler->model();
    for (int c = 0; c < die_.comparators(); ++c) {
      int highest = -widest, lowest = widest;
      for (int k = 0; k <= model.rows_per_read; ++k)
        if (model.likely_code(k) <= c)
          highest = std::max(highest, die_.level_mean(k));
        else
          lowest = std::min(lowest, die_.level_mean(k));
      highest_.push_back(highest);
      lowest_.push_back(lowest);
    }
  }

  Limits of(int bitline) const {
    Limits l;
    const std::int32_t* threshold = die_.thresholds(bitline);
    for (std::size_t c = 0; c < highest_.size(); ++c) {
      // A level within the band is drawn even where it lies on the band's very edge.
      l.most = std::min(l.most, threshold[c] - highest_[c] - band_ - (band_ > 0 ? 1 : 0));
      l.least = std::max(l.least, threshold[c] - lowest_[c] + band_ + 1);
    }
    return l;
  }

 private:
  const ArrayDie& die_;
  int band_;
  std::vector<int> highest_, lowest_;  // means of the levels below and above each comparator
};

/// What a block of bit lines needs, laid out for the kernel.
struct StrayTables {
  hwy::AlignedFreeUniquePtr<std::int16_t[]> deviations, starts;
  hwy::AlignedFreeUniquePtr<std::uint16_t[]> spans;
  std::int32_t least[stray_lines] = {};
  StrayBlock block;

  StrayTables(const ArrayJob& job, const DieLimits& limits, int first_line)
      : deviations(
            hwy::AllocateAligned<std::int16_t>(static_cast<std::size_t>(job.array.depth()) * stray_lines)),
        starts(hwy::AllocateAligned<std::int16_t>(
            (static_cast<std::size_t>(job.array.segmentation().rows_per_read) + 1) * stray_lines)),
        spans(hwy::AllocateAligned<std::uint16_t>(stray_lines)) {
    const int lines = std::min(stray_lines, job.bitlines() - first_line);
    set_deviations(job, first_line, lines);
    set_limits(limits, first_line, lines);
    set_starts(job, first_line, lines);
    block = {deviations.get(), starts.get(), spans.get(),
             job.array.segmentation().dummy_rows ? job.array.segmentation().rows_per_read : 0};
  }

  void set_deviations(const ArrayJob& job, int first_line, int lines) {
    const ArrayDie& die = *job.errors.die;
    std::int16_t on[stray_lines] = {}, off[stray_lines] = {};  // of a block that ends beyond the last line
    for (int row = 0; row < job.array.depth(); ++row) {
      const std::uint64_t* bits = job.array.row_bits() + row * job.array.row_words() + first_line / 64;
      const std::int16_t *on_row = die.on_row(row) + first_line, *off_row = die.off_row(row) + first_line;
      if (lines < stray_lines) {
        on_row = std::copy_n(on_row, lines, on) - lines;
        off_row = std::copy_n(off_row, lines, off) - lines;
      }
      select_cells(bits, on_row, off_row, deviations.get() + static_cast<std::size_t>(row) * stray_lines);
    }
  }

  /// Lines beyond the last never stray; those whose limits nothing keeps always do.
  void set_limits(const DieLimits& limits, int first_line, int lines) {
    std::fill_n(spans.get(), stray_lines, std::numeric_limits<std::uint16_t>::max());
    for (int i = 0; i < lines; ++i) {
      const Limits l = limits.of(first_line + i);
      least[i] = l.hold() ? l.least : unreachable;
      spans[i] = static_cast<std::uint16_t>(l.hold() ? l.most - l.least : 0);
    }
  }

  void set_starts(const ArrayJob& job, int first_line, int lines) {
    const ArrayDie& die = *job.errors.die;
    std::fill_n(starts.get(), (job.array.segmentation().rows_per_read + 1) * stray_lines, std::int16_t{0});
    for (int i = 0; i < lines; ++i) {
      int sum = -least[i];
      for (int d = 0; d <= job.array.segmentation().rows_per_read; ++d) {
        starts[d * stray_lines + i] = static_cast<std::int16_t>(sum);
        if (d < job.array.segmentation().rows_per_read)
          sum += die.off_deviation(die.rows() + d, first_line + i);
      }
    }
  }
};

/// The code of a read whose deviation is known, its noise drawn where it matters.
int code_of_stray(const ArrayJob& job, const DieNoise& noise, std::uint32_t token, int plane,
                  std::uint32_t read, int bitline, std::int32_t level) {
  const ArrayDie& die = *job.errors.die;
  const int code = code_of_level(die, bitline, level - noise.band());
  if (noise.band() == 0) return code;
  int highest = 0;
  for (int c = 0; c < die.comparators(); ++c)
    highest += level + noise.band() >= die.thresholds(bitline)[c] ? 1 : 0;
  if (highest == code) return code;
  return code_of_level(die, bitline, level + noise.inside(token, plane, read, bitline));
}

/// One token's reads on one block.
void find_in_block(const ArrayJob& job, const StrayTables& tables, const DieNoise& noise, Eigen::Index token,
                   const TokenPlan& plan, int first_line, std::vector<ColumnError>& errors) {
  const int lines = job.bitlines_of(token) - first_line;  // of absent columns nothing is read
  if (lines <= 0) return;
  const CodeSampler& sampler = *job.errors.sampler;
  std::vector<StrayRead> strays;
  for (int plane = 0; plane < job.format.planes(); ++plane) {
    const ReadPlan& reads = plan.plane(plane);
    strays.clear();
    find_strays(tables.block, {reads.row_data(), reads.start_data(), reads.reads()}, strays);
    for (const StrayRead& s : strays) {
      if (s.line >= lines) continue;
      const int bitline = first_line + s.line, k = job.on_cells(reads.rows(s.read), bitline);
      const auto deviation = static_cast<std::int16_t>(s.above + tables.least[s.line]);
      const int code = code_of_stray(job, noise, job.token_number(token), plane, s.read, bitline,
                                     job.errors.die->level_mean(k) + deviation);
      const std::int64_t wrong = std::int64_t{sampler.code_value(code)} - sampler.base_value(k);
      if (wrong != 0)
        errors.push_back({token, bitline / job.weight_planes(), job.scale(plane, bitline) * wrong});
    }
  }
}

}  // namespace

bool strays_are_few(const ArrayJob& job) {
  constexpr double few = 0.01;  // a read looked at by itself costs as much as a hundred codes
  constexpr int every = 7;      // lines looked at
  const CodeSampler& sampler = *job.errors.sampler;
  const int sawl = job.array.segmentation().rows_per_read;
  if (!sampler.is_lossless() || sampler.rows_per_read() != sawl) return false;
  for (int k = 0; k <= sawl; ++k)
    if (sampler.base_value(k) != k << sampler.fraction_bits()) return false;
  const FrozenVariation& frozen = sampler.model().frozen;
  const double sigma = std::ldexp(std::max(frozen.cell_sigma, frozen.off_cell_sigma) * std::sqrt(sawl),
                                  job.errors.die->fraction_bits());
  const DieLimits limits(job, DieNoise(job).band());
  double strays = 0, lines = 0;
  for (int line = 0; line < job.bitlines(); line += every, ++lines) {
    const Limits l = limits.of(line);
    const double near = std::min(l.most, -l.least) + 0.5;
    strays += near <= 0 ? 1 : sigma > 0 ? 2 * engine::normal_tail(near / sigma) : 0;
  }
  return strays <= few * lines;
}

void find_die_errors(const ArrayJob& job, Eigen::Index first_token, const std::vector<TokenPlan>& plans,
                     std::vector<std::vector<ColumnError>>& errors, int threads) {
  const DieNoise noise(job);
  const DieLimits limits(job, noise.band());
  const auto tokens = static_cast<std::int64_t>(errors.size());
  for (int first_line = 0; first_line < job.bitlines(); first_line += stray_lines) {
    const StrayTables tables(job, limits, first_line);
#pragma omp parallel for schedule(dynamic) num_threads(threads) if (threads > 1)
    for (std::int64_t t = 0; t < tokens; ++t)
      find_in_block(job, tables, noise, first_token + t, plans[t], first_line, errors[t]);
  }
#pragma omp parallel for schedule(dynamic) num_threads(threads) if (threads > 1)
  for (std::int64_t t = 0; t < tokens; ++t)
    for (const ColumnError& e : find_tail_noise(job, noise, first_token + t, plans[t]))
      errors[t].push_back(e);
}

}  // namespace flare::arch
