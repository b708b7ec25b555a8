#include "flare_arch/gain_cell/cell_array.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <vector>

#include "flare_arch/array/random_streams.hpp"
#include "flare_arch/gain_cell/cell_kernels.hpp"

namespace flare::arch {
namespace {

constexpr std::size_t index_of(int i) { return static_cast<std::size_t>(i); }

bool all_below(const CodeMatrix& codes, int limit) { return codes.size() == 0 || codes.maxCoeff() < limit; }

/// Tokens side by side and how far back they see.
struct Readers {
  int first = 0, tokens = 0, window = 0;

  int oldest(int t) const { return std::max(0, first + t - window + 1); }
  int end(int t) const { return first + t + 1; }
};

/// What the cells at positions `begin` .. `end` - 1 add to every token's sums: those that some tokens meet, then those that
/// all of a group do, together, then again those that some meet. `meets`: which tokens met any.
void add_cells(const ValueBlock& values, const Readers& readers, int begin, int end, const float* pulses,
               float* sums, std::array<bool, cell_lanes>& meets) {
  constexpr int group = 4;
  for (int t = 0; t < readers.tokens; t += group) {
    const int tokens = std::min(group, readers.tokens - t), last = t + tokens - 1;
    const int all_end = std::min(end, readers.end(t));
    const int all_begin = std::min(std::max(begin, readers.oldest(last)), all_end);
    const auto add = [&](int lane, int lanes, int from, int to) {
      if (from < to)
        add_values(values, {readers.first + lane, lanes, from, to, pulses + lane},
                   sums + static_cast<std::ptrdiff_t>(lane) * values.lines);
    };
    for (int lane = t; lane <= last; ++lane) add(lane, 1, std::max(begin, readers.oldest(lane)), all_begin);
    add(t, tokens, std::max(begin, all_begin), all_end);
    for (int lane = t; lane <= last; ++lane) {
      add(lane, 1, std::max({begin, all_end, readers.oldest(lane)}), std::min(end, readers.end(lane)));
      meets[index_of(lane)] |= std::max(begin, readers.oldest(lane)) < std::min(end, readers.end(lane));
    }
  }
}

}  // namespace

bool CellArrayOptions::is_valid(std::string* error) const {
  const auto fail = [&](const char* what) {
    if (error != nullptr) *error = what;
    return false;
  };
  if (window < 1 || window > 65'536) return fail("the window must be 1 to 65536 tokens");
  if (tile < 1 || tile > 4'096) return fail("a counter must serve 1 to 4096 slots");
  if (input_steps < 1 || input_steps > most_steps) return fail("pulses of 1 to 127 steps are possible");
  if (counter_steps < 1 || counter_steps > 32'767) return fail("counters of 1 to 32767 steps are possible");
  if (!(key_full_scale > 0) || !(value_full_scale > 0)) return fail("a full scale must be positive");
  if (!(pulse_noise >= 0)) return fail("the pulses' noise must be 0 or more");
  return true;
}

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
  tables_ = cell_tables(currents, options.window, options.key_full_scale * options.input_steps,
                        options.value_full_scale);
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

CellOperands CellArray::lay_out(const HeadCodes& codes) const {
  CellOperands o = cell_operands(codes, tables_, options_.input_steps);
  if (errors_ != nullptr)
    add_errors(o, codes, *errors_, options_.window, options_.key_full_scale * options_.input_steps,
               options_.value_full_scale);
  return o;
}

/// Charges to pulses: converters, noise, clamp; 0 where a lane's token is younger than the age.
void CellArray::shape_pulses(const CellOperands& o, int first, int ages, std::uint32_t first_token,
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
int CellArray::block_pulses(const CellOperands& o, int first, std::uint32_t first_token,
                            float* pulses) const {
  const int ages = std::min(options_.window, first + cell_lanes);
  sum_keys(o.keys, o.pulses(first), index_of(pad + first), ages, pulses);
  shape_pulses(o, first, ages, first_token, pulses);
  return ages;
}

/// The slots of one counter: the tokens that lie in them now, from the round before this one, too.
void CellArray::add_tile(const CellOperands& o, int first, int tile, const float* pulses, float* sums,
                         MatrixI& counts) const {
  const int window = options_.window, tokens = std::min(cell_lanes, o.tokens - first);
  const int from_slot = tile * options_.tile, to_slot = std::min(from_slot + options_.tile, window);
  const int oldest = std::max(0, first - window + 1), newest = first + tokens - 1;
  std::fill(sums, sums + index_of(tokens) * index_of(o.values.lines), 0.0f);
  std::array<bool, cell_lanes> meets{};
  for (int round = oldest / window; round <= newest / window; ++round)
    add_cells(o.values, {first, tokens, window}, round * window + from_slot, round * window + to_slot, pulses,
              sums, meets);
  CounterErrors errors;
  if (errors_ != nullptr)
    errors = {errors_->counter_gain.row(tile).data(), errors_->counter_offset.row(tile).data()};
  const auto steps = static_cast<float>(options_.counter_steps);
  for (int t = 0; t < tokens; ++t)
    if (meets[index_of(t)])
      add_counts(errors, steps, sums + index_of(t) * index_of(o.values.lines), o.width,
                 counts.row(first + t).data());
}

MatrixI CellArray::forward(const HeadCodes& codes, std::uint32_t first_token) const {
  check(codes);
  const CellOperands o = lay_out(codes);
  MatrixI out = MatrixI::Zero(o.tokens, o.width);
  std::vector<float> pulses(index_of(options_.window + cell_lanes) * cell_lanes);
  std::vector<float> sums(index_of(o.values.lines) * cell_lanes);
  const int tiles = (options_.window + options_.tile - 1) / options_.tile;
  for (int first = 0; first < o.tokens; first += cell_lanes) {
    block_pulses(o, first, first_token, pulses.data());
    for (int tile = 0; tile < tiles; ++tile) add_tile(o, first, tile, pulses.data(), sums.data(), out);
  }
  return out;
}

MatrixF CellArray::pulses(const HeadCodes& codes, std::uint32_t first_token) const {
  check(codes);
  const CellOperands o = lay_out(codes);
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
