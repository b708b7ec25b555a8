// What the read paths of the array share. Internal to flare_arch.
#pragma once

#include <array>
#include <vector>

#include "flare_arch/array/array.hpp"
#include "flare_arch/array/random_streams.hpp"
#include "flare_arch/array/read_counts.hpp"
#include "flare_arch/array/read_lists.hpp"

namespace flare::arch {

/// Cells by bit line: bit i of word s of a line is its cell in row 16 s + i.
struct CellSlices {
  const std::uint16_t* words = nullptr;  // null: not made
  std::size_t stride = 0;                // words of a line

  const std::uint16_t* line(int bitline) const { return words + static_cast<std::size_t>(bitline) * stride; }
};

/// One multiply call.
struct ArrayJob {
  const Array& array;
  const IntegerView& inputs;
  PlaneFormat format;
  ErrorInjection errors;
  bool count = false;  // fill counters
  PresentCells present = {};
  CellSlices cell_slices = {};

  int bitlines() const { return array.bitlines(); }
  /// What exists for a token: of the bit lines, and of the rows.
  int bitlines_of(Eigen::Index token) const {
    return present.columns.empty() ? bitlines() : present.columns[token] * weight_planes();
  }
  int depth_of(Eigen::Index token) const {
    return present.rows.empty() ? array.depth() : present.rows[token];
  }
  int weight_planes() const { return array.format().planes(); }
  std::uint32_t token_number(Eigen::Index token) const {
    return errors.first_token + static_cast<std::uint32_t>(token);
  }
  /// What one unit of a code of this input plane and bit line counts in the sum.
  std::int64_t scale(int plane, int bitline) const {
    return static_cast<std::int64_t>(format.scale(plane)) * array.format().scale(bitline % weight_planes());
  }
  /// Ones among the driven rows of a bit line.
  int on_cells(std::span<const std::uint16_t> rows, int bitline) const;
};

/// The rows that reads drive, read by read.
struct ListedReads {
  int rows_per_read = 8;            // row numbers of a read: SAWL, up to a multiple of 8
  std::size_t reads = 0;            // may be followed by what is none
  std::vector<std::uint16_t> rows;  // [read][rows_per_read]
  std::vector<std::uint16_t> rest;  // scratch
};

/// Room for the rows of one read.
using ReadRows = std::array<std::uint16_t, read_room>;

/// The reads of all planes of one token: how many they are, and which rows they drive.
class TokenPlan {
 public:
  /// Counts the reads; a plane's rows are planned when they are asked for.
  void count(const ArrayJob& job, Eigen::Index token, ArrayCounters& counters);
  /// Those of rows that hold `values`; conversions are the caller's to count.
  void count(std::span<const std::int32_t> values, const PlaneFormat& format,
             const SegmentationOptions& options, ArrayCounters& counters);
  /// The same, all planes planned.
  void make(const ArrayJob& job, Eigen::Index token, ArrayCounters& counters);

  /// Plans all planes, where many of their reads will be asked for.
  void plan_all();

  std::int64_t cycles() const { return cycles_; }
  std::int64_t reads(int plane) const { return reads_[static_cast<std::size_t>(plane)]; }
  /// The reads of a plane, planned before.
  const ReadPlan& plane(int plane) const { return planes_[static_cast<std::size_t>(plane)]; }
  /// The rows that one read drives, found without planning the others where that is possible; in `room` or in the plan.
  std::span<const std::uint16_t> rows(int plane, std::int64_t read, ReadRows& room);
  /// On-cells among them, on a bit line of these cells.
  int on_cells(int plane, std::int64_t read, const std::uint16_t* cells);
  /// The reads of all planes, in any order. Behind the rows of a read that has fewer stands `no_row`. Throws
  /// std::invalid_argument for one above 65535.
  void list(int no_row, ListedReads& list);
  std::int64_t driven_rows(int plane) const { return driven_[static_cast<std::size_t>(plane)]; }
  /// The reads of a plane, planned now where they were not.
  const ReadPlan& planned(int plane);

 private:
  void plan(int plane);

  void count_by_plans();
  void add_to(ArrayCounters& counters) const;
  bool is_planned(int plane) const { return (planned_ >> plane & 1) != 0; }

  int depth_ = 0, slices_ = 0, plane_count_ = 0;
  SegmentationOptions options_;
  std::int64_t cycles_ = 0;
  bool quick_ = false;               // reads are counted without a plan
  std::vector<std::uint16_t> bits_;  // of slice_planes
  std::array<std::uint32_t, most_planes> reads_{}, driven_{};
  std::uint32_t planned_ = 0;  // a bit a plane
  std::vector<ReadPlan> planes_;
  std::vector<std::uint16_t> ones_;  // scratch
};

/// Sums of one token, in the sampler's fixed point, one per column.
using TokenSums = std::vector<std::int64_t>;

/// Code of one read on a die, its noise given in units.
int die_code(const ArrayJob& job, std::span<const std::uint16_t> rows, int bitline, double noise);

// Each adds what its path finds to sums.
void add_reference(const ArrayJob& job, Eigen::Index token, const TokenPlan& plan, TokenSums& sums,
                   ArrayCounters& counters);
/// What one read's error adds to a column of a row of the inputs.
struct ColumnError {
  Eigen::Index token = 0;
  int column = 0;
  std::int64_t value = 0;  // fixed point
};
/// Tokens whose errors are found together: their random words are drawn side by side, and cells are fetched ahead.
constexpr int sparse_tokens = 32;
/// Appends the errors of `tokens` tokens, at most sparse_tokens, from `first_token` on. `plans`: one each; may be empty for fixed
/// groups, whose reads need no planning.
void find_sparse_errors(const ArrayJob& job, StreamKey key, Eigen::Index first_token, int tokens,
                        std::span<TokenPlan> plans, std::vector<ColumnError>& found);

struct SlotTable;

/// Read mode, a code for every read. True where the model is one the kernels take (evenly spaced codes, at
/// most 128 of them).
bool dense_takes(const CodeSampler& sampler);
void add_dense(const ArrayJob& job, const SlotTable& slots, Eigen::Index token, const TokenPlan& plan,
               TokenSums& sums, ArrayCounters& counters);

/// Die mode, a block of tokens at once: sums has one TokenSums per token, plans at least as many, for the tokens
/// from `first_token` of the inputs.
bool die_kernel_takes(const CodeSampler& sampler);
void add_die(const ArrayJob& job, Eigen::Index first_token, const std::vector<TokenPlan>& plans,
             std::vector<TokenSums>& sums, int threads);

/// True where the sums of a die are best made as the exact product and the errors of few reads.
bool strays_are_few(const ArrayJob& job);
/// Die mode, a block of tokens at once: appends what the codes of each token's reads differ from their levels' own, token by token.
void find_die_errors(const ArrayJob& job, Eigen::Index first_token, const std::vector<TokenPlan>& plans,
                     std::vector<std::vector<ColumnError>>& errors, int threads);

}  // namespace flare::arch
