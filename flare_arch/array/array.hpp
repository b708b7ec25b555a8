// An analog compute-in-memory array: integer matrix products, bit by bit, a few rows at a time, each column
// read through a converter that may err.
//
// Inputs are fed bit-serially (one plane of one token at a time), weights are bit-sliced (one bit line per
// weight column and weight plane). BitSift, or fixed groups, decides which rows a read drives; a read returns
// on every bit line a code for the number k of on-cells among them. The shift-adder behind sums
//
//   output(token, column) = sum over planes p, reads s, weight planes q of
//                           input_scale(p) weight_scale(q) reconstruct(code(token, p, s, column, q))
//
// Without errors and with a lossless converter this is the exact integer product. Every random number is a
// function of (seed, array, token, plane, read, bit line) or, on the sparse path, of (seed, array, token).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "flare_arch/array/array_die.hpp"
#include "flare_arch/array/bit_planes.hpp"
#include "flare_arch/array/bitsift.hpp"
#include "flare_arch/array/code_sampler.hpp"
#include "flare_arch/base/matrix.hpp"

namespace flare::arch {

enum class ErrorMode {
  read,  // every read draws its code afresh from the confusion matrix
  die,   // cells and converters deviate as frozen in a ArrayDie; read noise on top
};

enum class ReadPath {
  automatic,  // sparse where the converter is lossless and errors are rare, else dense
  reference,  // one read after the other, straight from the definition; slow
  sparse,     // the exact product, plus errors drawn only where they happen
  dense,      // every read counted
};

/// What happened, in hardware terms. Counters of different calls may be added up.
struct ArrayCounters {
  std::int64_t cycles = 0;        // word-line activations: reads of all bit lines at once
  std::int64_t fixed_cycles = 0;  // what fixed groups of SAWL rows would have needed
  std::int64_t ideal_cycles = 0;  // ceil(ones / SAWL), summed over planes
  std::int64_t conversions = 0;   // reads: one per cycle and bit line
  std::int64_t driven_rows = 0;   // rows with a one
  std::int64_t dummy_rows = 0;
  std::int64_t wrong_reads = 0;  // reads whose code was not the most likely one (read mode)

  ArrayCounters& operator+=(const ArrayCounters& other);
};

struct ArrayJob;
class TokenPlan;

/// Sees what a product reads, as the array plans it, token by token (array_job.hpp).
class ReadObserver {
 public:
  virtual ~ReadObserver() = default;
  virtual void see(const ArrayJob& job, Eigen::Index token, TokenPlan& plan) = 0;
};

/// How reads err. Default: they do not.
struct ErrorInjection {
  const CodeSampler* sampler = nullptr;  // null: every read returns k exactly
  ErrorMode mode = ErrorMode::read;
  const ArrayDie* die = nullptr;  // die mode: of this array
  std::uint64_t seed = 0;
  std::uint32_t array = 0;        // tells arrays (layers, heads) apart
  std::uint32_t first_token = 0;  // token number of the first input row
  ReadPath path = ReadPath::automatic;
  int threads = 1;                   // the numbers do not depend on it
  ReadObserver* observer = nullptr;  // of every read; its products run on one thread
};

/// The cells that exist for each input row: the first rows[t] word lines and columns[t] columns (a causal mask, cells
/// not written yet). Empty: all. What is absent is not read and cannot err; its inputs are 0, and so are its sums.
struct PresentCells {
  std::span<const std::int32_t> rows, columns;
};

/// The path `automatic` takes: sparse where the converter is lossless and no level errs more often than once
/// in two hundred reads, else dense. Die mode codes every read.
ReadPath choose_path(const CodeSampler& sampler, ErrorMode mode);

/// Largest magnitude that an output of an array of `depth` rows can have, whatever the operands, half steps of
/// their codes included (Rounding::half_lsb). With a sampler every read may return its worst code. Exact up to 2^53.
double largest_sum(int depth, const PlaneFormat& weights, const PlaneFormat& inputs,
                   const SegmentationOptions& segmentation, const CodeSampler* sampler = nullptr);

/// True where a sum of at most this magnitude fits a MatrixI.
constexpr bool fits_32_bits(double largest) { return largest <= 2147483647.0; }

class Array {
 public:
  /// weights: depth x columns, within the range of `format`. Throws std::invalid_argument for values out of
  /// range or a depth above 65536.
  Array(MatrixI weights, const PlaneFormat& format, const SegmentationOptions& segmentation);

  ~Array();
  Array(Array&&) noexcept;

  int depth() const { return static_cast<int>(weights_.rows()); }
  int columns() const { return static_cast<int>(weights_.cols()); }
  int bitlines() const { return columns() * format_.planes(); }
  const MatrixI& weights() const { return weights_; }
  const PlaneFormat& format() const { return format_; }
  const SegmentationOptions& segmentation() const { return segmentation_; }

  /// Cells of a column: bit q of [row] is weight plane q. Made on first use.
  const std::uint32_t* column_patterns(int column) const;
  /// Cells of a word line: bit b of row r, from row_bits() + r * row_words(), is bit line b (column * planes
  /// + plane). Row depth() has no ones. Made on first use; row_words() is a multiple of 8.
  const std::uint64_t* row_bits() const;
  std::size_t row_words() const { return static_cast<std::size_t>(bitlines() + 511) / 512 * 8; }

  /// inputs: tokens x depth, within the range of `format`. Result: tokens x columns, rounded to integers
  /// where codes reconstruct to fractions. Throws std::invalid_argument for shapes or ranges that do not fit,
  /// for an error model of a smaller SAWL than the segmentation's, and for sums that 32 bits may not hold.
  MatrixI multiply(const IntegerView& inputs, const PlaneFormat& format, const ErrorInjection& errors = {},
                   ArrayCounters* counters = nullptr) const;
  /// The same into `result`, whose memory is used again where the size fits. Throws std::invalid_argument for present
  /// cells of another number of tokens or beyond the array, and for inputs of absent rows.
  void multiply(const IntegerView& inputs, const PlaneFormat& format, const ErrorInjection& errors,
                ArrayCounters* counters, MatrixI& result, const PresentCells& present = {}) const;
  /// The same for sums of up to 62 bits: the same numbers, and as fast where 32 bits hold them.
  void multiply(const IntegerView& inputs, const PlaneFormat& format, const ErrorInjection& errors,
                ArrayCounters* counters, MatrixL& result, const PresentCells& present = {}) const;

 private:
  struct Lazy;
  template <class Sum>
  void multiply_as(const IntegerView& inputs, const PlaneFormat& format, const ErrorInjection& errors,
                   ArrayCounters* counters, Matrix<Sum>& result, const PresentCells& present) const;

  MatrixI weights_;
  PlaneFormat format_;
  SegmentationOptions segmentation_;
  std::unique_ptr<Lazy> lazy_;
};

}  // namespace flare::arch
