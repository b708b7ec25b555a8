// BitSift-GEMV: which word lines are driven together when a bit plane of a token is multiplied with an array
// (FLARE, section 4.4, Fig. 11 and 12).
//
// Only rows whose input bit is one are driven, at most `rows_per_read` (SAWL) at a time; what is missing to
// SAWL is filled by dummy rows of off-cells, so that every read has the same number of driven rows.
//
//   LPC  local pop controllers: the plane is cut into slices of `slice_length`. While a slice holds SAWL ones
//        or more, one read takes the slice from where it stands to its SAWL-th one.
//   GPC  global pop controller: the slices' remainders (fewer than SAWL ones each) are packed into reads.
//
// A plane without ones needs no read. ceil(ones / SAWL) is the least number of reads possible; whole-slice
// packing needs up to 30 % more where slices are half full.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace flare::arch {

enum class Packing {
  fixed,      // the conventional array: groups of SAWL neighbouring rows, one read each whatever the input
  next_fit,   // whole slices in order: the running read is closed when the next remainder does not fit
  first_fit,  // whole slices, each into the first open read with room
  best_fit,   // whole slices by falling count, each into the fullest open read with room
  ideal,      // slices may be cut anywhere: exactly ceil(ones / SAWL) reads, the paper's formula
};

struct SegmentationOptions {
  int rows_per_read = 8;                // SAWL, 1..64
  int slice_length = 16;                // L: bits one LPC looks at; the paper gives no value
  Packing packing = Packing::next_fit;  // of the slices' remainders
  bool strictly_below = false;          // GPC packs to fewer than SAWL ones ("under 8" taken literally)
  bool dummy_rows = true;               // fill reads up to SAWL driven rows with off-cells

  /// False, with the reason in `error`, where the options make no sense.
  bool is_valid(std::string* error) const;
  bool operator==(const SegmentationOptions&) const = default;
};

/// The reads of one bit plane. Read i drives `rows(i)`; the rows are those with a one, in rising order except
/// where best fit or first fit joins slices out of order.
class ReadPlan {
 public:
  std::size_t reads() const { return starts_.size() - 1; }
  /// Rows with a one, over all reads.
  std::int64_t driven_rows() const { return static_cast<std::int64_t>(rows_.size()); }
  std::span<const std::uint16_t> rows(std::size_t read) const {
    return {rows_.data() + starts_[read], rows_.data() + starts_[read + 1]};
  }
  /// Dummy rows driven over all reads.
  std::int64_t dummy_rows(const SegmentationOptions& options) const;

  /// All rows, and where each read's begin (reads() + 1 numbers).
  const std::uint16_t* row_data() const { return rows_.data(); }
  const std::uint32_t* start_data() const { return starts_.data(); }

  void clear() {
    rows_.clear();
    starts_.assign(1, 0);
  }
  void add_row(std::uint16_t row) { rows_.push_back(row); }
  void close_read() { starts_.push_back(static_cast<std::uint32_t>(rows_.size())); }
  bool read_is_open() const { return rows_.size() > starts_.back(); }

 private:
  std::vector<std::uint16_t> rows_;
  std::vector<std::uint32_t> starts_{0};
};

/// Plans the reads of a plane given the rows with a one (rising) among `depth` rows. `plan` is overwritten.
/// Throws std::invalid_argument for invalid options and depth above 65536.
void plan_reads(std::span<const std::uint16_t> ones, int depth, const SegmentationOptions& options,
                ReadPlan& plan);

/// The same from a 0/1 vector, for tests and studies.
ReadPlan plan_reads(std::span<const std::uint8_t> bits, const SegmentationOptions& options);

}  // namespace flare::arch
