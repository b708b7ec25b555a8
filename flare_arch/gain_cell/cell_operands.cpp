#include "flare_arch/gain_cell/cell_operands.hpp"

#include <algorithm>
#include <cmath>

namespace flare::arch {
namespace {

constexpr std::size_t index_of(Eigen::Index i) { return static_cast<std::size_t>(i); }

int rounded_up(Eigen::Index n, int to) { return static_cast<int>((n + to - 1) / to * to); }

/// Codes of the lines of word `group` of a token.
std::uint32_t word_of(const CodeMatrix& codes, Eigen::Index token, int group) {
  const Eigen::Index first = Eigen::Index{group} * word_lines;
  const Eigen::Index end = std::min<Eigen::Index>(first + word_lines, codes.cols());
  std::uint32_t word = 0;
  for (Eigen::Index c = first; c < end; ++c)
    word |= static_cast<std::uint32_t>(codes(token, c)) << (8 * (c - first));
  return word;
}

/// [group][stride], tokens side by side.
std::vector<std::uint32_t> token_words(const CodeMatrix& codes, int groups, std::size_t stride) {
  std::vector<std::uint32_t> words(index_of(groups) * stride, 0);
  for (int group = 0; group < groups; ++group)
    for (Eigen::Index t = 0; t < codes.rows(); ++t)
      words[index_of(group) * stride + index_of(pad + t)] = word_of(codes, t, group);
  return words;
}

/// [block][group][lane].
std::vector<std::uint32_t> block_words(const CodeMatrix& codes, int groups) {
  std::vector<std::uint32_t> words(index_of(rounded_up(codes.rows(), cell_lanes)) * index_of(groups), 0);
  for (Eigen::Index t = 0; t < codes.rows(); ++t)
    for (int group = 0; group < groups; ++group)
      words[index_of((t / cell_lanes * groups + group) * cell_lanes + t % cell_lanes)] =
          word_of(codes, t, group);
  return words;
}

/// [token][lines].
std::vector<std::uint32_t> line_codes(const CodeMatrix& codes, int lines) {
  std::vector<std::uint32_t> all(index_of(codes.rows()) * index_of(lines), 0);
  for (Eigen::Index t = 0; t < codes.rows(); ++t)
    for (Eigen::Index c = 0; c < codes.cols(); ++c) all[index_of(t * lines + c)] = codes(t, c);
  return all;
}

std::vector<float> block_steps(const CodeMatrix& codes, int lines) {
  std::vector<float> steps(index_of(rounded_up(codes.rows(), cell_lanes)) * index_of(lines), 0);
  for (Eigen::Index t = 0; t < codes.rows(); ++t)
    for (Eigen::Index c = 0; c < codes.cols(); ++c)
      steps[index_of((t / cell_lanes * lines + c) * cell_lanes + t % cell_lanes)] = codes(t, c);
  return steps;
}

/// Deviation, of full scale, of the cell that component c of token t lies in.
float deviation(const MatrixF& by_level, const CodeMatrix& codes, int window, Eigen::Index t, Eigen::Index c,
                double full_scale) {
  return static_cast<float>(by_level(codes(t, c), (t % window) * codes.cols() + c) / full_scale);
}

}  // namespace

CellTables cell_tables(const MatrixD& currents, int ages, double key_full_scale, double value_full_scale) {
  CellTables tables;
  const double largest = currents.topRows(ages).cwiseAbs().maxCoeff();
  const double unit = largest > 0 ? largest / largest_units : 1.0;
  tables.key_unit = static_cast<float>(unit / key_full_scale);
  tables.key.assign(index_of(ages) * digits * table_width, 0);
  tables.value.assign(index_of(ages) * table_width, 0);
  for (Eigen::Index age = 0; age < ages; ++age)
    for (Eigen::Index level = 0; level < currents.cols(); ++level) {
      std::int8_t split[digits];
      split_units(static_cast<int>(std::lround(currents(age, level) / unit)), split);
      for (int i = 0; i < digits; ++i)
        tables.key[index_of((age * digits + i) * table_width + level)] = split[i];
      for (const int half : {0, table_width / 2})
        tables.value[index_of(age * table_width + half + level)] =
            static_cast<float>(currents(age, level) / value_full_scale);
    }
  return tables;
}

KeyPulses CellOperands::pulses(int first) const {
  const std::size_t lines = index_of(first) * index_of(keys.lines);
  return {query_words.data() + lines / word_lines, query_steps.empty() ? nullptr : query_steps.data() + lines,
          input_steps};
}

CellOperands cell_operands(const HeadCodes& codes, const CellTables& tables, int input_steps) {
  CellOperands o;
  o.tokens = static_cast<int>(codes.query.rows());
  o.width = static_cast<int>(codes.query.cols());
  o.input_steps = input_steps;
  o.keys.lines = rounded_up(o.width, word_lines);
  o.keys.stride = index_of(pad + rounded_up(o.tokens, cell_lanes));
  o.query_words = block_words(codes.query, o.keys.lines / word_lines);
  o.key_words = token_words(codes.key, o.keys.lines / word_lines, o.keys.stride);
  o.keys.codes = o.key_words.data();
  o.keys.table = tables.key.data();
  o.keys.unit = tables.key_unit;
  o.values.lines = rounded_up(o.width, value_lines);
  o.value_codes = line_codes(codes.value, o.values.lines);
  o.values.codes = o.value_codes.data();
  o.values.currents = tables.value.data();
  return o;
}

void add_errors(CellOperands& o, const HeadCodes& codes, const HeadErrors& errors, int window,
                double key_full_scale, double value_full_scale) {
  o.query_steps = block_steps(codes.query, o.keys.lines);
  o.key_errors.assign(index_of(o.keys.lines) * o.keys.stride, 0.0f);
  o.value_errors.assign(index_of(o.tokens) * index_of(o.values.lines), 0.0f);
  o.pulse_gain.assign(o.keys.stride, 1.0f);
  o.pulse_offset.assign(o.keys.stride, 0.0f);
  for (Eigen::Index t = 0; t < o.tokens; ++t) {
    for (Eigen::Index c = 0; c < o.width; ++c) {
      o.key_errors[index_of(c) * o.keys.stride + index_of(pad + t)] =
          deviation(errors.key, codes.key, window, t, c, key_full_scale);
      o.value_errors[index_of(t * o.values.lines + c)] =
          deviation(errors.value, codes.value, window, t, c, value_full_scale);
    }
    o.pulse_gain[index_of(pad + t)] = 1 + errors.pulse_gain[t % window];
    o.pulse_offset[index_of(pad + t)] = errors.pulse_offset[t % window];
  }
  o.keys.errors = o.key_errors.data();
  o.values.errors = o.value_errors.data();
}

}  // namespace flare::arch
