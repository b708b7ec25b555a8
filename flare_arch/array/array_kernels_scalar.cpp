#include "flare_arch/array/array_kernels_scalar.hpp"

#include <algorithm>

namespace flare::arch::scalar {
namespace {

/// Ones at a bit line among the rows of one read.
int count_line(const std::uint64_t* bits, std::size_t stride, const std::uint16_t* rows, int count,
               int line) {
  int k = 0;
  for (int i = 0; i < count; ++i)
    k += static_cast<int>((bits[rows[i] * stride + line / 64] >> (line % 64)) & 1);
  return k;
}

}  // namespace

void fill_random_bytes(StreamKey key, std::uint32_t token, std::uint32_t plane, std::uint32_t read, int lines,
                       std::uint8_t* bytes) {
  for (int group = 0; group * random_group < lines; ++group)
    for (int i = 0; i < 16; ++i) {
      const auto words = random_words(key, token, plane, read, static_cast<std::uint32_t>(16 * group + i));
      for (int w = 0; w < 4; ++w)
        for (int b = 0; b < 4; ++b)
          bytes[group * random_group + 64 * w + 4 * i + b] = static_cast<std::uint8_t>(words[w] >> (8 * b));
    }
}

void sum_codes(const DensePlane& job, const PlaneReads& reads, std::int32_t* code_sums, std::int64_t* wrong) {
  std::vector<std::uint8_t> bytes(round_up(job.lines, random_group));
  const SlotTable* slots = job.slots;
  const StreamKey again = second_draw_key(job.key);
  for (std::size_t read = 0; read < reads.reads; ++read) {
    const auto number = static_cast<std::uint32_t>(read);
    const std::uint16_t* rows = reads.rows + reads.starts[read];
    const int count = static_cast<int>(reads.starts[read + 1] - reads.starts[read]);
    if (slots != nullptr)
      scalar::fill_random_bytes(job.key, job.token, job.plane, number, job.real_lines, bytes.data());
    for (int line = 0; line < job.real_lines; ++line) {
      const int k = count_line(job.row_bits, job.row_words, rows, count, line);
      int code = k;
      if (slots != nullptr) {
        const int u = bytes[line];
        code = slots->base_code[k];
        for (int a = 0; a < slots->alternatives; ++a)
          if (u > slots->last_before[a][k]) code = slots->code[a][k];
        if (u > slots->mixed_last_before[k]) {
          const auto words =
              random_words(again, job.token, job.plane, number, static_cast<std::uint32_t>(line));
          code = slots->mixed_code(k, open_uniform(words[0], words[1]));
        }
        if (wrong != nullptr) *wrong += code != slots->base_code[k] ? 1 : 0;
      }
      code_sums[line] += code;
    }
  }
}

void sum_die_codes(const DieBlock& block, const PlaneReads& reads, std::int32_t* code_sums,
                   std::vector<NearRead>* near) {
  for (std::size_t read = 0; read < reads.reads; ++read) {
    const std::uint16_t* rows = reads.rows + reads.starts[read];
    const int count = static_cast<int>(reads.starts[read + 1] - reads.starts[read]);
    const std::size_t dummies =
        static_cast<std::size_t>(std::max(0, block.dummy_rows_up_to - count)) * block.lines;
    for (int line = 0; line < block.lines; ++line) {
      int level = block.dummies[dummies + line];
      if (block.level_mean != nullptr)
        level += block.level_mean[count_line(block.row_bits, block.row_words, rows, count, line)];
      for (int i = 0; i < count; ++i)
        level += block.deviations[static_cast<std::size_t>(rows[i]) * block.lines + line];
      int code = 0, highest = 0;
      for (int c = 0; c < block.comparators; ++c) {
        const int threshold = block.thresholds[static_cast<std::size_t>(c) * block.lines + line];
        code += level - block.noise_band > threshold ? 1 : 0;
        highest += level + block.noise_band >= threshold ? 1 : 0;
      }
      if (block.noise_band > 0 && highest != code)
        near->push_back({static_cast<std::uint32_t>(read), line, level, code});
      code_sums[line] += code;
    }
  }
}

bool within_range(const std::int32_t* values, std::size_t size, std::int32_t lowest, std::int32_t highest) {
  return std::all_of(values, values + size, [&](std::int32_t v) { return v >= lowest && v <= highest; });
}

bool narrow_to_bytes(const std::int32_t* values, std::size_t size, std::int32_t lowest, std::int32_t highest,
                     std::uint8_t* bytes) {
  bool fits = true;
  for (std::size_t i = 0; i < size; ++i) {
    fits = fits && values[i] >= lowest && values[i] <= highest;
    bytes[i] = static_cast<std::uint8_t>(values[i]);
  }
  return fits;
}

}  // namespace flare::arch::scalar
