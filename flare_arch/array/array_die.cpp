#include "flare_arch/array/array_die.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "flare_arch/array/random_streams.hpp"

namespace flare::arch {
namespace {

/// Largest number of bits that keeps twice the full scale within 16 bits.
int fraction_bits_for(int rows_per_read) {
  int bits = 0;
  while ((2 * (rows_per_read + 2)) << (bits + 1) <= 32767 + 1) ++bits;
  return bits;
}

std::int32_t to_units(double steps, int fraction_bits, std::int32_t limit) {
  const double units = std::ldexp(steps, fraction_bits);
  return static_cast<std::int32_t>(std::lround(std::clamp(units, -double(limit), double(limit))));
}

}  // namespace

ArrayDie::ArrayDie(const ErrorModel& model, std::uint64_t seed, std::uint32_t array, int rows, int bitlines)
    : rows_(rows),
      bitlines_(bitlines),
      comparators_(model.codes() - 1),
      fraction_bits_(fraction_bits_for(model.rows_per_read)) {
  std::string error;
  if (!model.is_valid(&error)) throw std::invalid_argument(error);
  if (rows < 1 || bitlines < 1) throw std::invalid_argument("die variation: an array has rows and bitlines");
  const std::int32_t cell_limit = 1 << fraction_bits_, level_limit = 16383;
  const StreamKey cells(seed, StreamPurpose::cell_deviation, array);
  const StreamKey offsets(seed, StreamPurpose::converter_offset, array);
  const int all_rows = rows + model.rows_per_read;  // BitSift needs one dummy row less
  on_.resize(static_cast<std::size_t>(all_rows) * bitlines);
  off_.resize(on_.size());
  for (int row = 0; row < all_rows; ++row)
    for (int line = 0; line < bitlines; ++line) {
      const double z = standard_normal(cells, row, line, 0, 0);
      on_[index(row, line)] =
          static_cast<std::int16_t>(to_units(model.frozen.cell_sigma * z, fraction_bits_, cell_limit));
      off_[index(row, line)] =
          static_cast<std::int16_t>(to_units(model.frozen.off_cell_sigma * z, fraction_bits_, cell_limit));
    }
  for (int line = 0; line < bitlines; ++line)
    for (int c = 0; c < comparators_; ++c) {
      const int drawn = model.frozen.common_offset ? 0 : c;
      const double offset = model.frozen.offset_sigma(c) * standard_normal(offsets, line, drawn, 0, 0);
      thresholds_.push_back(to_units(model.thresholds[c] + offset, fraction_bits_, level_limit));
    }
  for (const double mean : model.level_mean)
    level_mean_.push_back(to_units(mean, fraction_bits_, level_limit));
}

}  // namespace flare::arch
