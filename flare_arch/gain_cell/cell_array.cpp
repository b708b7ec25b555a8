#include "flare_arch/gain_cell/cell_array.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <stdexcept>
#include <vector>

#include "flare_arch/array/random_streams.hpp"
#include "flare_arch/gain_cell/cell_kernels.hpp"

namespace flare::arch {
namespace {

constexpr int pad = cell_lanes;  // positions before the first token, which the lanes of young ages touch

constexpr std::size_t index_of(int i) { return static_cast<std::size_t>(i); }
constexpr std::size_t index_of(Eigen::Index i) { return static_cast<std::size_t>(i); }

int rounded_up(Eigen::Index n, int to) { return static_cast<int>((n + to - 1) / to * to); }

/// Currents over `full_scale`, every age's levels twice (cell_kernels.hpp).
std::vector<float> table_of(const MatrixD& currents, int window, double full_scale) {
  std::vector<float> table(index_of(window) * table_width, 0.0f);
  for (int age = 0; age < window; ++age)
    for (int level = 0; level < currents.cols(); ++level)
      for (const int half : {0, table_width / 2})
        table[index_of(age * table_width + half + level)] =
            static_cast<float>(currents(age, level) / full_scale);
  return table;
}

/// Level numbers, some lines a word, tokens side by side.
std::vector<std::uint32_t> packed(const CodeMatrix& codes, int lines, std::size_t stride) {
  std::vector<std::uint32_t> words(lines / word_lines * stride, 0);
  for (Eigen::Index t = 0; t < codes.rows(); ++t)
    for (Eigen::Index c = 0; c < codes.cols(); ++c)
      words[index_of(c / word_lines) * stride + index_of(pad + t)] |= static_cast<std::uint32_t>(codes(t, c))
                                                                      << (4 * (c % word_lines));
  return words;
}

/// Deviations of the cells that the tokens lie in, of full scale.
std::vector<float> cell_deviations(const MatrixF& by_level, const CodeMatrix& codes, int window, int lines,
                                   std::size_t stride, double full_scale) {
  std::vector<float> deviations(index_of(lines) * stride, 0.0f);
  for (Eigen::Index t = 0; t < codes.rows(); ++t)
    for (Eigen::Index c = 0; c < codes.cols(); ++c)
      deviations[index_of(c) * stride + index_of(pad + t)] =
          static_cast<float>(by_level(codes(t, c), (t % window) * codes.cols() + c) / full_scale);
  return deviations;
}

bool all_below(const CodeMatrix& codes, int limit) { return codes.size() == 0 || codes.maxCoeff() < limit; }

}  // namespace

bool CellArrayOptions::is_valid(std::string* error) const {
  const auto fail = [&](const char* what) {
    if (error != nullptr) *error = what;
    return false;
  };
  if (window < 1 || window > 65'536) return fail("the window must be 1 to 65536 tokens");
  if (tile < 1 || tile > 4'096) return fail("a counter must serve 1 to 4096 slots");
  if (input_steps < 1 || input_steps > 255) return fail("pulses of 1 to 255 steps are possible");
  if (counter_steps < 1 || counter_steps > 32'767) return fail("counters of 1 to 32767 steps are possible");
  if (!(key_full_scale > 0) || !(value_full_scale > 0)) return fail("a full scale must be positive");
  if (!(pulse_noise >= 0)) return fail("the pulses' noise must be 0 or more");
  return true;
}

/// A sequence as the kernels read it.
struct CellArray::Operands {
  int tokens = 0, width = 0, lines = 0;
  std::size_t stride = 0;
  std::vector<float> query;  // [line][tokens, padded]
  std::vector<std::uint32_t> key_words, value_words;
  std::vector<float> key_errors, value_errors;
  std::vector<float> pulse_gain, pulse_offset;  // by position
  CellBlock keys, values;
};

CellArray::CellArray(const MatrixD& currents, const CellArrayOptions& options,
                     std::shared_ptr<const HeadErrors> errors, const DieHead& noise)
    : options_(options),
      levels_(static_cast<int>(currents.cols())),
      errors_(std::move(errors)),
      noise_(noise) {
  std::string error;
  if (!options.is_valid(&error)) throw std::invalid_argument("gain cells: " + error);
  if (currents.cols() < 2 || currents.cols() > table_width / 2)
    throw std::invalid_argument("gain cells: 2 to 8 levels are possible");
  if (currents.rows() < options.window)
    throw std::invalid_argument(fmt::format("gain cells: currents of {} ages, but a window of {} tokens",
                                            currents.rows(), options.window));
  key_currents_ = table_of(currents, options.window, options.key_full_scale * options.input_steps);
  value_currents_ = table_of(currents, options.window, options.value_full_scale);
}

void CellArray::check(const HeadCodes& codes) const {
  const CodeMatrix &q = codes.query, &k = codes.key, &v = codes.value;
  if (k.rows() != q.rows() || v.rows() != q.rows() || k.cols() != q.cols() || v.cols() != q.cols())
    throw std::invalid_argument("gain cells: queries, keys and values of one shape are expected");
  if (q.cols() > options_.tile)
    throw std::invalid_argument(
        fmt::format("gain cells: a head of {} does not fit an array of {} lines", q.cols(), options_.tile));
  if (!all_below(q, options_.input_steps + 1) || !all_below(k, levels_) || !all_below(v, levels_))
    throw std::invalid_argument("gain cells: a code is out of range");
  if (errors_ != nullptr && errors_->key.cols() != options_.window * q.cols())
    throw std::invalid_argument("gain cells: errors of another window or width");
}

CellArray::Operands CellArray::lay_out(const HeadCodes& codes) const {
  Operands o;
  o.tokens = static_cast<int>(codes.query.rows());
  o.width = static_cast<int>(codes.query.cols());
  o.lines = rounded_up(o.width, word_lines);
  const int padded = rounded_up(o.tokens, cell_lanes);
  o.stride = index_of(pad + padded);
  o.query.assign(index_of(padded) * o.lines, 0.0f);
  for (int t = 0; t < o.tokens; ++t)  // [block of tokens][line][lane]
    for (int c = 0; c < o.width; ++c)
      o.query[index_of((t / cell_lanes * o.lines + c) * cell_lanes + t % cell_lanes)] = codes.query(t, c);
  o.key_words = packed(codes.key, o.lines, o.stride);
  o.value_words = packed(codes.value, o.lines, o.stride);
  o.keys = {o.key_words.data(), nullptr, key_currents_.data(), o.stride, o.lines};
  o.values = {o.value_words.data(), nullptr, value_currents_.data(), o.stride, o.lines};
  if (errors_ == nullptr) return o;
  o.key_errors = cell_deviations(errors_->key, codes.key, options_.window, o.lines, o.stride,
                                 options_.key_full_scale * options_.input_steps);
  o.value_errors = cell_deviations(errors_->value, codes.value, options_.window, o.lines, o.stride,
                                   options_.value_full_scale);
  o.pulse_gain.assign(o.stride, 1.0f);
  o.pulse_offset.assign(o.stride, 0.0f);
  for (int t = 0; t < o.tokens; ++t) {
    const auto at = index_of(pad + t);
    o.pulse_gain[at] = 1 + errors_->pulse_gain[t % options_.window];
    o.pulse_offset[at] = errors_->pulse_offset[t % options_.window];
  }
  o.keys.errors = o.key_errors.data();
  o.values.errors = o.value_errors.data();
  return o;
}

/// Charges to pulses: converters, noise, clamp; 0 where a lane's token is younger than the age.
void CellArray::shape_pulses(const Operands& o, int first, int ages, std::uint32_t first_token,
                             float* pulses) const {
  if (errors_ != nullptr)
    for (int age = 0; age < ages; ++age)
      for (int lane = 0; lane < cell_lanes; ++lane) {
        const auto position = index_of(pad + first + lane - age);
        float& pulse = pulses[age * cell_lanes + lane];
        pulse = pulse * o.pulse_gain[position] + o.pulse_offset[position];
      }
  if (options_.pulse_noise > 0) add_noise(first, ages, first_token, pulses);
  for (int i = 0; i < ages * cell_lanes; ++i) pulses[i] = std::clamp(pulses[i], 0.0f, 1.0f);
  for (int age = first + 1; age < ages; ++age)
    std::fill(pulses + index_of(age * cell_lanes), pulses + index_of(age * cell_lanes + age - first), 0.0f);
}

void CellArray::add_noise(int first, int ages, std::uint32_t first_token, float* pulses) const {
  const StreamKey key(
      noise_.seed, StreamPurpose::gain_cell_noise,
      static_cast<std::uint32_t>(noise_.layer) << 16 | static_cast<std::uint32_t>(noise_.head));
  for (int age = 0; age < ages; ++age)
    for (int lane = std::max(0, age - first); lane < cell_lanes; ++lane) {
      const auto token = first_token + static_cast<std::uint32_t>(first + lane);
      const auto slot = static_cast<std::uint32_t>((first + lane - age) % options_.window);
      pulses[age * cell_lanes + lane] +=
          static_cast<float>(options_.pulse_noise * standard_normal(key, token, slot, 0, 0));
    }
}

/// Pulses of the tokens `first` .. + 15 over their ages; the number of ages.
int CellArray::block_pulses(const Operands& o, int first, std::uint32_t first_token, float* pulses) const {
  const int ages = std::min(options_.window, first + cell_lanes);
  sum_keys(o.keys, o.query.data() + index_of(first) * o.lines, index_of(pad + first), ages, pulses);
  shape_pulses(o, first, ages, first_token, pulses);
  return ages;
}

void CellArray::count(const float* sums, int tile, int width, std::int32_t* counts) const {
  constexpr float to_whole =
      12'582'912.0f;  // 1.5 2^23: adding it leaves no bit behind the point, ties to even
  const auto steps = static_cast<float>(options_.counter_steps);
  for (int c = 0; c < width; ++c) {
    const float gain = errors_ != nullptr ? 1 + errors_->counter_gain(tile, c) : 1.0f;
    const float offset = errors_ != nullptr ? errors_->counter_offset(tile, c) : 0.0f;
    for (int i = c * cell_lanes; i < (c + 1) * cell_lanes; ++i) {
      const float a = steps * std::clamp(sums[i] * gain + offset, -1.0f, 1.0f);
      counts[i] += static_cast<std::int32_t>((a + to_whole) - to_whole);
    }
  }
}

/// The slots of one counter: the tokens that lie in them now, from the round before this one, too.
void CellArray::add_tile(const Operands& o, int first, int tile, int ages, const float* pulses, float* sums,
                         std::int32_t* counts) const {
  const int window = options_.window, last = std::min(first + cell_lanes, o.tokens) - 1;
  const int from_slot = tile * options_.tile, to_slot = std::min(from_slot + options_.tile, window);
  const int oldest = std::max(0, first - window + 1);
  std::vector<PulseRow> rows;
  std::deque<std::array<float, cell_lanes>> partial;  // rows some of whose lanes lie outside the slots
  for (int round = oldest / window; round <= last / window; ++round) {
    const int begin = round * window + from_slot, end = std::min(round * window + to_slot, last + 1);
    for (int age = std::max(0, first - end + 1); age < std::min(ages, first + cell_lanes - begin); ++age) {
      const float* row = pulses + index_of(age * cell_lanes);
      const int from = first - age;  // of lane 0
      if (from < begin || from + cell_lanes > end) {
        partial.emplace_back();
        for (int lane = 0; lane < cell_lanes; ++lane)
          partial.back()[lane] = from + lane >= begin && from + lane < end ? row[lane] : 0.0f;
        row = partial.back().data();
      }
      rows.push_back({row, age});
    }
  }
  if (rows.empty()) return;
  sum_values(o.values, index_of(pad + first), rows.data(), rows.size(), sums);
  count(sums, tile, o.width, counts);
}

MatrixI CellArray::forward(const HeadCodes& codes, std::uint32_t first_token) const {
  check(codes);
  const Operands o = lay_out(codes);
  MatrixI out(o.tokens, o.width);
  std::vector<float> pulses(index_of(options_.window + cell_lanes) * cell_lanes);
  std::vector<float> sums(index_of(o.lines) * cell_lanes);
  std::vector<std::int32_t> counts(sums.size());
  const int tiles = (options_.window + options_.tile - 1) / options_.tile;
  for (int first = 0; first < o.tokens; first += cell_lanes) {
    const int ages = block_pulses(o, first, first_token, pulses.data());
    std::fill(counts.begin(), counts.end(), 0);
    for (int tile = 0; tile < tiles; ++tile)
      add_tile(o, first, tile, ages, pulses.data(), sums.data(), counts.data());
    for (int t = first; t < std::min(first + cell_lanes, o.tokens); ++t)
      for (int c = 0; c < o.width; ++c) out(t, c) = counts[index_of(c * cell_lanes + t - first)];
  }
  return out;
}

MatrixF CellArray::pulses(const HeadCodes& codes, std::uint32_t first_token) const {
  check(codes);
  const Operands o = lay_out(codes);
  MatrixF all = MatrixF::Zero(o.tokens, o.tokens);
  std::vector<float> block(index_of(options_.window + cell_lanes) * cell_lanes);
  for (int first = 0; first < o.tokens; first += cell_lanes) {
    const int ages = block_pulses(o, first, first_token, block.data());
    for (int age = 0; age < ages; ++age)
      for (int t = std::max(first, age); t < std::min(first + cell_lanes, o.tokens); ++t)
        all(t, t - age) = block[index_of(age * cell_lanes + t - first)];
  }
  return all;
}

}  // namespace flare::arch
