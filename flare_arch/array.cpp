#include "flare_arch/array.hpp"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <stdexcept>

#include "flare_arch/random_streams.hpp"

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

void check_range(const MatrixI& values, const PlaneFormat& format, const char* what) {
  format.check();
  if (values.size() == 0) return;
  if (values.minCoeff() < format.lowest() || values.maxCoeff() > format.highest())
    throw std::invalid_argument(fmt::format("array: {} between {} and {} do not fit {} bits ({} to {})", what,
                                            values.minCoeff(), values.maxCoeff(), format.bits,
                                            format.lowest(), format.highest()));
}

/// Rounds half up from fixed point to integer.
std::int32_t round_fixed(std::int64_t value, int fraction_bits) {
  if (fraction_bits == 0) return static_cast<std::int32_t>(value);
  return static_cast<std::int32_t>((value + (std::int64_t{1} << (fraction_bits - 1))) >> fraction_bits);
}

}  // namespace

Array::Array(const MatrixI& weights, const PlaneFormat& format, const SegmentationOptions& segmentation)
    : weights_(weights), format_(format), segmentation_(segmentation) {
  std::string error;
  if (!segmentation.is_valid(&error)) throw std::invalid_argument("array: " + error);
  if (weights.rows() < 1 || weights.cols() < 1 || weights.rows() > 65536 || weights.cols() > (1 << 20))
    throw std::invalid_argument("array: 1 to 65536 rows and 1 to 1048576 columns are supported");
  check_range(weights, format, "weights");
  patterns_.resize(weights.size());
  for (Eigen::Index c = 0; c < weights.cols(); ++c)
    for (Eigen::Index r = 0; r < weights.rows(); ++r)
      patterns_[c * weights.rows() + r] = format.pattern(weights(r, c));
}

/// The reads of all planes of one token.
struct Array::TokenPlan {
  std::vector<ReadPlan> planes;
  std::int64_t cycles = 0;
};

/// One multiply call on one array.
class ArrayReader {
 public:
  ArrayReader(const Array& array, const MatrixI& inputs, const PlaneFormat& format,
              const ErrorInjection& errors)
      : array_(array),
        inputs_(inputs),
        format_(format),
        errors_(errors),
        depth_(array.depth()),
        bitlines_(array.bitlines()),
        weight_planes_(array.format_.planes()),
        read_key_(errors.seed, Purpose::read_codes, errors.array),
        position_key_(errors.seed, Purpose::error_positions, errors.array),
        noise_key_(errors.seed, Purpose::read_noise, errors.array) {
    plan_.planes.resize(format.planes());
  }

  MatrixI run(ReadPath path, ArrayCounters& counters);

 private:
  void plan_token(Eigen::Index token, ArrayCounters& counters);
  int on_cells(std::span<const std::uint16_t> rows, int bitline) const;
  int die_code(std::span<const std::uint16_t> rows, int bitline, std::uint32_t token, int plane,
               std::uint32_t read) const;
  std::int32_t read_value(std::span<const std::uint16_t> rows, int bitline, std::uint32_t token, int plane,
                          std::uint32_t read, ArrayCounters& counters) const;
  void reference_token(Eigen::Index token, std::vector<std::int64_t>& sums, ArrayCounters& counters) const;
  void base_token(std::vector<std::int64_t>& sums) const;
  void errors_of_token(Eigen::Index token, std::vector<std::int64_t>& sums, ArrayCounters& counters) const;

  std::uint32_t token_number(Eigen::Index token) const {
    return errors_.first_token + static_cast<std::uint32_t>(token);
  }
  /// What one unit of a code of this plane and bit line counts in the sum.
  std::int64_t scale(int plane, int bitline) const {
    return static_cast<std::int64_t>(format_.scale(plane)) * array_.format_.scale(bitline % weight_planes_);
  }

  const Array& array_;
  const MatrixI& inputs_;
  PlaneFormat format_;
  ErrorInjection errors_;
  int depth_, bitlines_, weight_planes_;
  StreamKey read_key_, position_key_, noise_key_;
  Array::TokenPlan plan_;
};

void ArrayReader::plan_token(Eigen::Index token, ArrayCounters& counters) {
  const SegmentationOptions& options = array_.segmentation_;
  std::vector<std::uint16_t> ones;
  plan_.cycles = 0;
  for (int plane = 0; plane < format_.planes(); ++plane) {
    ones.clear();
    for (int row = 0; row < depth_; ++row)
      if ((format_.pattern(inputs_(token, row)) >> plane) & 1)
        ones.push_back(static_cast<std::uint16_t>(row));
    ReadPlan& reads = plan_.planes[plane];
    plan_reads(ones, depth_, options, reads);
    plan_.cycles += static_cast<std::int64_t>(reads.reads());
    counters.driven_rows += static_cast<std::int64_t>(ones.size());
    counters.dummy_rows += reads.dummy_rows(options);
    counters.fixed_cycles += (depth_ + options.rows_per_read - 1) / options.rows_per_read;
    counters.ideal_cycles +=
        (static_cast<std::int64_t>(ones.size()) + options.rows_per_read - 1) / options.rows_per_read;
  }
  counters.cycles += plan_.cycles;
  counters.conversions += plan_.cycles * bitlines_;
}

int ArrayReader::on_cells(std::span<const std::uint16_t> rows, int bitline) const {
  const std::uint32_t* column =
      array_.patterns_.data() + static_cast<std::size_t>(bitline / weight_planes_) * depth_;
  const int weight_plane = bitline % weight_planes_;
  std::uint32_t k = 0;
  for (const std::uint16_t row : rows) k += (column[row] >> weight_plane) & 1;
  return static_cast<int>(k);
}

int ArrayReader::die_code(std::span<const std::uint16_t> rows, int bitline, std::uint32_t token, int plane,
                          std::uint32_t read) const {
  const DieVariation& die = *errors_.die;
  const std::uint32_t* column =
      array_.patterns_.data() + static_cast<std::size_t>(bitline / weight_planes_) * depth_;
  const int weight_plane = bitline % weight_planes_;
  std::int64_t deviation = 0;
  int k = 0;
  for (const std::uint16_t row : rows) {
    const bool on = (column[row] >> weight_plane) & 1;
    k += on ? 1 : 0;
    deviation += on ? die.on_deviation(row, bitline) : die.off_deviation(row, bitline);
  }
  if (array_.segmentation_.dummy_rows)
    for (int d = 0; d + static_cast<int>(rows.size()) < array_.segmentation_.rows_per_read; ++d)
      deviation += die.off_deviation(die.rows() + d, bitline);
  double level = static_cast<double>(die.level_mean(k) + deviation);
  const double noise = errors_.sampler->model().per_read.noise_sigma;
  if (noise > 0)
    level += std::ldexp(noise, die.fraction_bits()) * standard_normal(noise_key_, token,
                                                                      static_cast<std::uint32_t>(plane), read,
                                                                      static_cast<std::uint32_t>(bitline));
  int code = 0;
  for (int c = 0; c < die.comparators(); ++c) code += level > die.thresholds(bitline)[c] ? 1 : 0;
  return code;
}

std::int32_t ArrayReader::read_value(std::span<const std::uint16_t> rows, int bitline, std::uint32_t token,
                                     int plane, std::uint32_t read, ArrayCounters& counters) const {
  if (errors_.sampler == nullptr) return on_cells(rows, bitline);
  if (errors_.mode == ErrorMode::die)
    return errors_.sampler->code_value(die_code(rows, bitline, token, plane, read));
  const int k = on_cells(rows, bitline);
  const auto w = random_words(read_key_, token, static_cast<std::uint32_t>(plane), read,
                              static_cast<std::uint32_t>(bitline));
  const double u = open_uniform(w[0], w[1]);
  if (u < errors_.sampler->error_rate(k)) ++counters.wrong_reads;
  return errors_.sampler->sample(k, u, open_uniform(w[2], w[3]));
}

void ArrayReader::reference_token(Eigen::Index token, std::vector<std::int64_t>& sums,
                                  ArrayCounters& counters) const {
  for (int plane = 0; plane < format_.planes(); ++plane)
    for (std::size_t read = 0; read < plan_.planes[plane].reads(); ++read)
      for (int bitline = 0; bitline < bitlines_; ++bitline)
        sums[bitline / weight_planes_] +=
            scale(plane, bitline) * read_value(plan_.planes[plane].rows(read), bitline, token_number(token),
                                               plane, static_cast<std::uint32_t>(read), counters);
}

/// Every read at its most likely code: what a converter with fewer codes than levels rounds to.
void ArrayReader::base_token(std::vector<std::int64_t>& sums) const {
  for (int plane = 0; plane < format_.planes(); ++plane)
    for (std::size_t read = 0; read < plan_.planes[plane].reads(); ++read)
      for (int bitline = 0; bitline < bitlines_; ++bitline)
        sums[bitline / weight_planes_] +=
            scale(plane, bitline) *
            errors_.sampler->base_value(on_cells(plan_.planes[plane].rows(read), bitline));
}

/// Errors where they happen: every read is a candidate with the largest level error rate, so the distance to
/// the next candidate is geometric; a candidate errs with its own level's rate over the largest.
void ArrayReader::errors_of_token(Eigen::Index token, std::vector<std::int64_t>& sums,
                                  ArrayCounters& counters) const {
  const CodeSampler& sampler = *errors_.sampler;
  const double largest = sampler.largest_error_rate();
  if (largest <= 0) return;
  const double log_keep = std::log1p(-largest);
  UniformSequence uniform(position_key_, token_number(token), 0, 0);
  const std::int64_t total = plan_.cycles * bitlines_;
  std::int64_t position = -1;
  int plane = 0;
  std::int64_t plane_begin = 0;
  for (;;) {
    const double skip = std::floor(std::log(uniform.next()) / log_keep);
    if (!(skip < static_cast<double>(total - position - 1))) return;
    position += 1 + static_cast<std::int64_t>(skip);
    const auto plane_size = [&] {
      return static_cast<std::int64_t>(plan_.planes[plane].reads()) * bitlines_;
    };
    while (position - plane_begin >= plane_size()) plane_begin += plane_size(), ++plane;
    const std::int64_t in_plane = position - plane_begin;
    const int bitline = static_cast<int>(in_plane % bitlines_);
    const int k = on_cells(plan_.planes[plane].rows(in_plane / bitlines_), bitline);
    if (uniform.next() * largest >= sampler.error_rate(k)) continue;
    ++counters.wrong_reads;
    sums[bitline / weight_planes_] +=
        scale(plane, bitline) * (sampler.wrong_value(k, uniform.next()) - sampler.base_value(k));
  }
}

MatrixI ArrayReader::run(ReadPath path, ArrayCounters& counters) {
  const bool exact_base =
      errors_.sampler == nullptr || (path == ReadPath::sparse && errors_.sampler->is_lossless());
  const int fraction = errors_.sampler == nullptr ? 0 : errors_.sampler->fraction_bits();
  MatrixI result = MatrixI::Zero(inputs_.rows(), array_.columns());
  if (path != ReadPath::reference && exact_base) result.noalias() = inputs_ * array_.weights_;
  std::vector<std::int64_t> sums(array_.columns());
  for (Eigen::Index token = 0; token < inputs_.rows(); ++token) {
    plan_token(token, counters);
    std::fill(sums.begin(), sums.end(), 0);
    if (path == ReadPath::reference) {
      reference_token(token, sums, counters);
    } else {
      if (!exact_base) base_token(sums);
      if (errors_.sampler != nullptr) errors_of_token(token, sums, counters);
    }
    for (int c = 0; c < array_.columns(); ++c) result(token, c) += round_fixed(sums[c], fraction);
  }
  return result;
}

MatrixI Array::multiply(const MatrixI& inputs, const PlaneFormat& format, const ErrorInjection& errors,
                        ArrayCounters* counters) const {
  if (inputs.cols() != depth())
    throw std::invalid_argument(
        fmt::format("array: inputs of {} values meet {} rows", inputs.cols(), depth()));
  check_range(inputs, format, "inputs");
  const int width =
      format.bits + format_.bits + static_cast<int>(std::bit_width(static_cast<unsigned>(depth())));
  if (width > 31) throw std::invalid_argument(fmt::format("array: products of {} bits do not fit 31", width));
  if (errors.sampler != nullptr && errors.sampler->rows_per_read() < segmentation_.rows_per_read)
    throw std::invalid_argument(fmt::format("array: reads of {} rows meet an error model of SAWL {}",
                                            segmentation_.rows_per_read, errors.sampler->rows_per_read()));
  ReadPath path = errors.path;
  if (path == ReadPath::automatic) path = ReadPath::sparse;
  if (errors.sampler != nullptr && errors.mode == ErrorMode::die) {
    if (errors.die == nullptr || errors.die->rows() < depth() || errors.die->bitlines() < bitlines())
      throw std::invalid_argument("array: die mode needs the frozen variation of an array of this size");
    path = ReadPath::reference;
  }
  ArrayCounters ignored;
  return ArrayReader(*this, inputs, format, errors).run(path, counters != nullptr ? *counters : ignored);
}

}  // namespace flare::arch
