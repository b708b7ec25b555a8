#include "flare_arch/array/array.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <mutex>
#include <stdexcept>
#include <tuple>
#include <type_traits>

#include "flare_arch/array/array_job.hpp"
#include "flare_arch/array/array_kernels.hpp"
#include "flare_arch/array/integer_product.hpp"

namespace flare::arch {

ArrayCounters& ArrayCounters::operator+=(const ArrayCounters& other) {
  cycles += other.cycles;
  fixed_cycles += other.fixed_cycles;
  ideal_cycles += other.ideal_cycles;
  conversions += other.conversions;
  driven_rows += other.driven_rows;
  dummy_rows += other.dummy_rows;
  wrong_reads += other.wrong_reads;
  return *this;
}

namespace {

void check_range(const IntegerView& values, const PlaneFormat& format, const char* what) {
  format.check();
  if (!within_range(values.data(), values.size(), format.lowest(), format.highest()))
    throw std::invalid_argument(fmt::format("array: {} between {} and {} do not fit {} bits ({} to {})", what,
                                            values.minCoeff(), values.maxCoeff(), format.bits,
                                            format.lowest(), format.highest()));
}

/// Rounds half up from fixed point to integer.
std::int64_t round_fixed(std::int64_t value, int fraction_bits) {
  if (fraction_bits == 0) return value;
  return (value + (std::int64_t{1} << (fraction_bits - 1))) >> fraction_bits;
}

double largest_magnitude(const PlaneFormat& format) {
  return std::max(-static_cast<double>(format.lowest()), static_cast<double>(format.highest()));
}

double sum_of_scales(const PlaneFormat& format) {
  double sum = 0;
  for (int plane = 0; plane < format.planes(); ++plane)
    sum += std::abs(static_cast<double>(format.scale(plane)));
  return sum;
}

/// Most reads one plane of one token can take. Remainders of slices are packed so that two neighbouring reads
/// together drive more than SAWL rows, or as many where they must stay strictly below.
double most_reads(int depth, const SegmentationOptions& segmentation) {
  const double sawl = segmentation.rows_per_read;
  if (segmentation.packing == Packing::fixed) return std::ceil(depth / sawl);
  return std::min<double>(depth, std::floor(2 * depth / sawl) + 1);
}

}  // namespace

double largest_sum(int depth, const PlaneFormat& weights, const PlaneFormat& inputs,
                   const SegmentationOptions& segmentation, const CodeSampler* sampler) {
  const double exact = depth * largest_magnitude(weights) * largest_magnitude(inputs);
  if (sampler == nullptr) return exact;
  const double read = std::ldexp(static_cast<double>(sampler->largest_value()), -sampler->fraction_bits());
  const double half_steps = depth * std::max(largest_magnitude(weights), largest_magnitude(inputs)) / 2;
  return std::max(
      exact,
      most_reads(depth, segmentation) * read * sum_of_scales(weights) * sum_of_scales(inputs) + half_steps);
}

/// Made on first use, by whichever thread comes first.
struct Array::Lazy {
  Lazy(const MatrixI& weights, const PlaneFormat& format) : product(weights, format) {}

  IntegerProduct product;
  std::once_flag bits_once, patterns_once, slices_once;
  std::vector<std::uint64_t> row_bits;
  std::vector<std::uint32_t> patterns;
  std::vector<std::uint16_t> slices;
  std::atomic<int> asked{0};

  /// From the second time on that they are asked for: an array of one product (keys, values) does without.
  CellSlices cells(const MatrixI& weights, const PlaneFormat& format) {
    const auto depth = static_cast<std::size_t>(weights.rows()), stride = (depth + 255) / 256 * 16;
    if (asked.fetch_add(1, std::memory_order_relaxed) == 0) return {};
    std::call_once(slices_once, [&] {
      const int planes = format.planes();
      std::vector<std::int32_t> column(depth);
      std::vector<std::uint16_t> bits(stride * most_planes);
      slices.resize(static_cast<std::size_t>(weights.cols()) * static_cast<std::size_t>(planes) * stride);
      std::uint16_t* to = slices.data();
      for (Eigen::Index c = 0; c < weights.cols(); ++c) {
        for (std::size_t row = 0; row < depth; ++row)
          column[row] = weights(static_cast<Eigen::Index>(row), c);
        slice_planes(column, format, bits.data());
        for (int plane = 0; plane < planes; ++plane, to += stride)
          for (std::size_t slice = 0; slice < (depth + slice_rows - 1) / slice_rows; ++slice)
            to[slice] = bits[slice * most_planes + static_cast<std::size_t>(plane)];
      }
    });
    return {slices.data(), stride};
  }
};

Array::~Array() = default;
Array::Array(Array&&) noexcept = default;

Array::Array(MatrixI weights, const PlaneFormat& format, const SegmentationOptions& segmentation)
    : weights_(std::move(weights)), format_(format), segmentation_(segmentation) {
  std::string error;
  if (!segmentation.is_valid(&error)) throw std::invalid_argument("array: " + error);
  if (weights_.rows() < 1 || weights_.cols() < 1 || weights_.rows() > 65536 || weights_.cols() > (1 << 20))
    throw std::invalid_argument("array: 1 to 65536 rows and 1 to 1048576 columns are supported");
  check_range(weights_, format, "weights");
  lazy_ = std::make_unique<Lazy>(weights_, format_);
}

const std::uint32_t* Array::column_patterns(int column) const {
  std::call_once(lazy_->patterns_once, [this] {
    std::vector<std::uint32_t> patterns(static_cast<std::size_t>(weights_.size()));
    for (int c = 0; c < columns(); ++c)
      for (int r = 0; r < depth(); ++r)
        patterns[static_cast<std::size_t>(c) * depth() + r] = format_.pattern(weights_(r, c));
    lazy_->patterns = std::move(patterns);
  });
  return lazy_->patterns.data() + static_cast<std::size_t>(column) * depth();
}

namespace {

/// The values' patterns, planes() bits each, one behind the other from the lowest bit of the first word on.
void put_side_by_side(std::span<const std::int32_t> values, const PlaneFormat& format, std::uint64_t* words) {
  const int planes = format.planes();
  std::uint64_t word = 0;
  int filled = 0;
  for (const std::int32_t value : values) {
    const std::uint64_t pattern = format.pattern(value);
    word |= pattern << filled;
    filled += planes;
    if (filled < 64) continue;
    *words++ = word;
    filled -= 64;
    word = filled > 0 ? pattern >> (planes - filled) : 0;
  }
  if (filled > 0) *words = word;
}

}  // namespace

const std::uint64_t* Array::row_bits() const {
  std::call_once(lazy_->bits_once, [this] {
    lazy_->row_bits.resize((static_cast<std::size_t>(depth()) + 1) * row_words());
    for (int row = 0; row < depth(); ++row)
      put_side_by_side(
          {weights_.data() + static_cast<std::size_t>(row) * columns(), static_cast<std::size_t>(columns())},
          format_, lazy_->row_bits.data() + static_cast<std::size_t>(row) * row_words());
  });
  return lazy_->row_bits.data();
}

ReadPath choose_path(const CodeSampler& sampler, ErrorMode mode) {
  constexpr double rare = 0.005;  // a drawn error costs about as much as two hundred coded reads
  if (mode == ErrorMode::die) return die_kernel_takes(sampler) ? ReadPath::dense : ReadPath::reference;
  if (sampler.is_lossless() && sampler.largest_error_rate() <= rare) return ReadPath::sparse;
  return dense_takes(sampler) ? ReadPath::dense : ReadPath::reference;
}

namespace {

/// The path that was forced, where it can be walked.
ReadPath resolve_path(const ErrorInjection& errors) {
  const CodeSampler& sampler = *errors.sampler;
  if (errors.path == ReadPath::automatic) return choose_path(sampler, errors.mode);
  if (errors.path == ReadPath::sparse && (errors.mode == ErrorMode::die || !sampler.is_lossless()))
    throw std::invalid_argument("array: the sparse path needs read mode and a lossless converter");
  const bool taken = errors.mode == ErrorMode::die ? die_kernel_takes(sampler) : dense_takes(sampler);
  if (errors.path == ReadPath::dense && !taken)
    throw std::invalid_argument("array: the dense path needs evenly spaced codes, at most 128 of them");
  return errors.path;
}

template <class Sum>
void add_sums(const TokenSums& sums, int fraction_bits, Eigen::Index token, Matrix<Sum>& result) {
  for (Eigen::Index c = 0; c < result.cols(); ++c)
    result(token, c) += static_cast<Sum>(round_fixed(sums[c], fraction_bits));
}

/// A lossless converter's errors: integers go straight to their columns, fractions are added up first, which sorts them.
template <class Sum>
void add_errors(std::vector<ColumnError>& errors, int fraction_bits, Matrix<Sum>& result) {
  if (fraction_bits > 0)
    std::sort(errors.begin(), errors.end(), [](const ColumnError& a, const ColumnError& b) {
      return std::tie(a.token, a.column) < std::tie(b.token, b.column);
    });
  for (std::size_t i = 0, next = 0; i < errors.size(); i = next) {
    std::int64_t sum = 0;
    for (; next < errors.size() && errors[next].token == errors[i].token &&
           errors[next].column == errors[i].column;
         ++next)
      sum += errors[next].value;
    result(errors[i].token, errors[i].column) += static_cast<Sum>(round_fixed(sum, fraction_bits));
  }
}

/// Runs `body(token, counters, own)` for every token on `threads` threads and adds up the counters. own: a thread's Own.
template <class Own, class Body>
void for_each_token(std::int64_t tokens, int threads, ArrayCounters& counters, const Body& body) {
#pragma omp parallel num_threads(threads) if (threads > 1)
  {
    ArrayCounters mine;
    Own own;
#pragma omp for schedule(static, 1)
    for (std::int64_t token = 0; token < tokens; ++token) body(token, mine, own);
#pragma omp critical(flare_arch_counters)
    counters += mine;
  }
}

/// Threads worth starting for the sparse path: none where a few hundred draws are all there is to do.
int sparse_threads(const ArrayJob& job, std::int64_t tokens, bool plan_needed) {
  constexpr double worth_a_thread = 300;
  if (plan_needed || job.errors.sampler == nullptr) return job.errors.threads;
  const int sawl = job.array.segmentation().rows_per_read;
  const std::int64_t groups = (job.array.depth() + sawl - 1) / sawl;
  const std::int64_t reads = tokens * job.format.planes() * groups * job.bitlines();
  const double candidates = static_cast<double>(reads) * job.errors.sampler->largest_error_rate();
  return candidates < worth_a_thread ? 1 : job.errors.threads;
}

template <class Sum>
void multiply_sparse(const ArrayJob& job, Matrix<Sum>& result, ArrayCounters& counters) {
  ReadObserver* const observer = job.errors.observer;
  const bool plan_needed =
      job.count || observer != nullptr || job.array.segmentation().packing != Packing::fixed;
  const int threads = sparse_threads(job, result.rows(), plan_needed);
  const StreamKey key(job.errors.seed, StreamPurpose::error_positions, job.errors.array);
  struct Scratch {
    std::array<TokenPlan, sparse_tokens> plans;
    std::vector<ColumnError> errors;
  };
  const auto some_tokens = [&](std::int64_t group, ArrayCounters& mine, Scratch& s) {
    const Eigen::Index first = group * sparse_tokens;
    const int tokens = static_cast<int>(std::min<Eigen::Index>(sparse_tokens, result.rows() - first));
    for (int t = 0; t < tokens && plan_needed; ++t) {
      s.plans[t].count(job, first + t, mine);
      if (observer != nullptr) observer->see(job, first + t, s.plans[t]);
    }
    if (job.errors.sampler == nullptr) return;
    s.errors.clear();
    find_sparse_errors(job, key, first, tokens, std::span(s.plans).first(plan_needed ? tokens : 0), s.errors);
    mine.wrong_reads += static_cast<std::int64_t>(s.errors.size());
    add_errors(s.errors, job.errors.sampler->fraction_bits(), result);
  };
  for_each_token<Scratch>((result.rows() + sparse_tokens - 1) / sparse_tokens, threads, counters,
                          some_tokens);
}

/// Die mode in blocks of tokens, which bound the memory of their plans; a block is large enough to share the tables of a
/// block of bit lines. `add(first, tokens, plans)` adds what they find to the result.
template <class Add>
void for_each_plan(const ArrayJob& job, Eigen::Index all_tokens, ArrayCounters& counters, const Add& add) {
  constexpr Eigen::Index tokens_at_once = 1024;
  std::vector<TokenPlan> plans(std::min(tokens_at_once, all_tokens));
  for (Eigen::Index first = 0; first < all_tokens; first += tokens_at_once) {
    const Eigen::Index tokens = std::min(tokens_at_once, all_tokens - first);
    struct Nothing {};
    for_each_token<Nothing>(tokens, job.errors.threads, counters,
                            [&](std::int64_t token, ArrayCounters& mine, Nothing&) {
                              plans[token].make(job, first + token, mine);
                              if (job.errors.observer != nullptr)
                                job.errors.observer->see(job, first + token, plans[token]);
                            });
    add(first, tokens, plans);
  }
}

template <class Sum>
void multiply_die(const ArrayJob& job, Matrix<Sum>& result, ArrayCounters& counters) {
  for_each_plan(job, result.rows(), counters,
                [&](Eigen::Index first, Eigen::Index tokens, const auto& plans) {
                  std::vector<TokenSums> sums(tokens, TokenSums(result.cols()));
                  add_die(job, first, plans, sums, job.errors.threads);
                  for (Eigen::Index token = 0; token < tokens; ++token)
                    add_sums(sums[token], job.errors.sampler->fraction_bits(), first + token, result);
                });
}

/// The result holds the exact product.
template <class Sum>
void add_die_errors(const ArrayJob& job, Matrix<Sum>& result, ArrayCounters& counters) {
  for_each_plan(job, result.rows(), counters,
                [&](Eigen::Index first, Eigen::Index tokens, const auto& plans) {
                  std::vector<std::vector<ColumnError>> errors(tokens);
                  find_die_errors(job, first, plans, errors, job.errors.threads);
                  for (std::vector<ColumnError>& of_token : errors)
                    add_errors(of_token, job.errors.sampler->fraction_bits(), result);
                });
}

template <class Sum>
void multiply_coded(const ArrayJob& job, ReadPath path, Matrix<Sum>& result, ArrayCounters& counters) {
  std::unique_ptr<const SlotTable> slots;
  if (path == ReadPath::dense) slots = std::make_unique<SlotTable>(job.errors.sampler->model());
  const int fraction = job.errors.sampler != nullptr ? job.errors.sampler->fraction_bits() : 0;
  const auto one_token = [&](std::int64_t token, ArrayCounters& mine, TokenPlan& plan) {
    plan.make(job, token, mine);
    if (job.errors.observer != nullptr) job.errors.observer->see(job, token, plan);
    TokenSums sums(job.array.columns());
    if (slots != nullptr)
      add_dense(job, *slots, token, plan, sums, mine);
    else
      add_reference(job, token, plan, sums, mine);
    add_sums(sums, fraction, token, result);
  };
  for_each_token<TokenPlan>(result.rows(), job.errors.threads, counters, one_token);
}

}  // namespace

MatrixI Array::multiply(const IntegerView& inputs, const PlaneFormat& format, const ErrorInjection& errors,
                        ArrayCounters* counters) const {
  MatrixI result;
  multiply(inputs, format, errors, counters, result);
  return result;
}

void Array::multiply(const IntegerView& inputs, const PlaneFormat& format, const ErrorInjection& errors,
                     ArrayCounters* counters, MatrixI& result, const PresentCells& present) const {
  multiply_as(inputs, format, errors, counters, result, present);
}

void Array::multiply(const IntegerView& inputs, const PlaneFormat& format, const ErrorInjection& errors,
                     ArrayCounters* counters, MatrixL& result, const PresentCells& present) const {
  multiply_as(inputs, format, errors, counters, result, present);
}

namespace {

void check_present(const Array& array, const IntegerView& inputs, const PresentCells& present) {
  const auto fits = [&](std::span<const std::int32_t> counts, int most) {
    return counts.empty() ||
           (counts.size() == static_cast<std::size_t>(inputs.rows()) &&
            std::all_of(counts.begin(), counts.end(), [&](std::int32_t n) { return n >= 0 && n <= most; }));
  };
  if (!fits(present.rows, array.depth()) || !fits(present.columns, array.columns()))
    throw std::invalid_argument("array: present cells of another number of tokens, or beyond the array");
  for (std::size_t t = 0; t < present.rows.size(); ++t)
    if ((inputs.row(static_cast<Eigen::Index>(t)).tail(array.depth() - present.rows[t]).array() != 0).any())
      throw std::invalid_argument("array: an input meets a row that is absent for its token");
}

/// Columns that are absent for a token add up to nothing.
template <class Sum>
void clear_absent(const PresentCells& present, Matrix<Sum>& result) {
  for (std::size_t t = 0; t < present.columns.size(); ++t)
    result.row(static_cast<Eigen::Index>(t)).tail(result.cols() - present.columns[t]).setZero();
}

}  // namespace

template <class Sum>
void Array::multiply_as(const IntegerView& inputs, const PlaneFormat& format, const ErrorInjection& errors,
                        ArrayCounters* counters, Matrix<Sum>& result, const PresentCells& present) const {
  if (inputs.cols() != depth())
    throw std::invalid_argument(
        fmt::format("array: inputs of {} values meet {} rows", inputs.cols(), depth()));
  // The kernels walk over all values at once.
  if (inputs.rows() > 1 && inputs.outerStride() != inputs.cols())
    return multiply_as(MatrixI(inputs), format, errors, counters, result, present);
  format.check();
  const double largest = largest_sum(depth(), format_, format, segmentation_, errors.sampler);
  if (std::is_same_v<Sum, std::int32_t> && !fits_32_bits(largest))
    throw std::invalid_argument(fmt::format("array: sums of up to {:.4g} do not fit 32 bits", largest));
  if (errors.sampler != nullptr && std::ldexp(largest, errors.sampler->fraction_bits()) >= 0x1p62)
    throw std::invalid_argument(
        fmt::format("array: sums of up to {:.4g} with {} bits after the point do not fit 62 bits", largest,
                    errors.sampler->fraction_bits()));
  if (errors.threads < 1) throw std::invalid_argument("array: at least one thread is needed");
  if (errors.observer != nullptr && errors.threads > 1)
    throw std::invalid_argument("array: products that are observed run on one thread");
  if (errors.sampler != nullptr && errors.sampler->rows_per_read() < segmentation_.rows_per_read)
    throw std::invalid_argument(fmt::format("array: reads of {} rows meet an error model of SAWL {}",
                                            segmentation_.rows_per_read, errors.sampler->rows_per_read()));
  const bool die = errors.sampler != nullptr && errors.mode == ErrorMode::die;
  if (die && (errors.die == nullptr || errors.die->rows() < depth() || errors.die->bitlines() < bitlines()))
    throw std::invalid_argument("array: die mode needs the frozen variation of an array of this size");

  ArrayCounters ignored;
  ArrayCounters& count = counters != nullptr ? *counters : ignored;
  check_present(*this, inputs, present);
  ArrayJob job{*this, inputs, format, errors, counters != nullptr, present};
  const bool reference = errors.path == ReadPath::reference;
  const ReadPath path = errors.sampler != nullptr ? resolve_path(errors)
                        : reference               ? ReadPath::reference
                                                  : ReadPath::sparse;
  const bool strays = die && path == ReadPath::dense && strays_are_few(job);
  const bool exact = path == ReadPath::sparse || strays;  // and errors beside it
  if (!exact || !lazy_->product.checks(inputs, format)) check_range(inputs, format, "inputs");
  if (exact) {
    lazy_->product.multiply(inputs, format, result);
    clear_absent(present, result);
    if (errors.sampler != nullptr && !strays && segmentation_.packing != Packing::fixed)
      job.cell_slices = lazy_->cells(weights_, format_);
    if (strays)
      add_die_errors(job, result, count);
    else if (errors.sampler != nullptr || job.count || errors.observer != nullptr)
      multiply_sparse(job, result, count);
    return;
  }
  result.setZero(inputs.rows(), columns());
  if (die && path == ReadPath::dense)
    multiply_die(job, result, count);
  else
    multiply_coded(job, path, result, count);
}

}  // namespace flare::arch
