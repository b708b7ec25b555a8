#include "flare_arch/cost/storage.hpp"

#include <algorithm>
#include <bit>
#include <stdexcept>

#include "flare_arch/attention/conventional_attention.hpp"

namespace flare::arch {
namespace {

constexpr std::int64_t float_bits = 32, shift_bits = 5;

/// Rows of a tensor and their length.
struct Rows {
  const char* tensor;
  std::int64_t rows, columns;
  std::int64_t values() const { return rows * columns; }
};

/// `scales`: numbers of `scale_bits` kept beside the values.
TensorStorage plain(const Rows& r, std::int64_t bits, std::int64_t scales, std::int64_t scale_bits) {
  return {r.tensor, r.values(), bits * r.values(), scales * scale_bits};
}

std::vector<TensorStorage> float_storage(const std::vector<Rows>& tensors) {
  std::vector<TensorStorage> out;
  out.reserve(tensors.size());
  for (const Rows& r : tensors) out.push_back(plain(r, 32, 0, 0));
  return out;
}

std::vector<TensorStorage> emsb_layer(const std::vector<Rows>& t, const IntegerAttentionOptions& o,
                                      const AttentionShape& s) {
  constexpr std::int64_t static_shifts = 3;  // of K and V's input, of K, of V
  const std::int64_t sum_bits =
      o.probability_bits +
      static_cast<std::int64_t>(std::bit_width(static_cast<std::uint64_t>(s.tokens - 1)));
  TensorStorage weights = plain(t[0], o.weight_bits, 4, float_bits);
  weights.metadata += static_shifts * shift_bits;
  const std::int64_t tokens = s.sequences * s.tokens;
  return {weights,
          plain(t[1], o.activation_bits, t[1].rows, shift_bits),
          plain({"input_kv", tokens, s.width}, o.kv_bits, 0, 0),
          plain(t[2], o.activation_bits, t[2].rows, shift_bits),
          plain(t[3], o.kv_bits, 0, 0),
          plain(t[4], o.kv_bits, 0, 0),
          plain(t[5], o.probability_bits, t[5].rows, sum_bits),
          plain(t[6], o.activation_bits, o.row_scale == RowScale::side_band ? s.heads * tokens : tokens,
                shift_bits)};
}

std::vector<TensorStorage> int8_layer(const std::vector<Rows>& t, const AttentionShape& s) {
  const std::int64_t caches = s.sequences * s.heads;
  return {plain(t[0], 8, 4, float_bits),         plain(t[1], 8, t[1].rows, float_bits),
          plain(t[2], 8, t[2].rows, float_bits), plain(t[3], 8, caches, float_bits),
          plain(t[4], 8, caches, float_bits),    plain(t[5], 8, t[5].rows, float_bits),
          plain(t[6], 8, t[6].rows, float_bits)};
}

/// Four salient bits and a flag per group along the columns, or eight bits as they are.
TensorStorage razored(const Rows& r, int bits, int base, int group, std::int64_t scales) {
  TensorStorage out = plain(r, bits, scales, float_bits);
  if (bits == 4) out.metadata += r.rows * ((r.columns + group - 1) / group) * (base <= 8 ? 3 : 4);
  return out;
}

std::vector<TensorStorage> qrazor_layer(const std::vector<Rows>& t, const QrazorOptions& o,
                                        const AttentionShape& s) {
  const std::int64_t caches = s.sequences * s.heads;
  const auto activation = [&](const Rows& r) { return razored(r, o.activation_bits, 16, o.group, r.rows); };
  return {razored(t[0], o.weight_bits, 8, o.group, t[0].rows),
          activation(t[1]),
          activation(t[2]),
          razored(t[3], o.kv_bits, 8, o.group, caches),
          razored(t[4], o.kv_bits, 8, o.group, caches),
          activation(t[5]),
          activation(t[6])};
}

}  // namespace

std::vector<TensorStorage> layer_storage(const AttentionShape& s, const AccuracyOptions& options) {
  const std::int64_t tokens = s.sequences * s.tokens, d = s.head_width();
  const std::vector<Rows> tensors = {
      {"weights", 4 * s.width, s.width}, {"input", tokens, s.width},
      {"query", s.heads * tokens, d},    {"key", s.heads * tokens, d},
      {"value", s.heads * tokens, d},    {"scores", s.heads * tokens, s.tokens},
      {"output", tokens, s.width}};
  if (options.quantizer == "emsbq") return emsb_layer(tensors, options.attention, s);
  if (options.quantizer == "int8") return int8_layer(tensors, s);
  QrazorOptions razor;
  if (qrazor_options(options.quantizer, options.qrazor_group, &razor)) return qrazor_layer(tensors, razor, s);
  const std::vector<std::string> names = quantizer_names();
  if (std::find(names.begin(), names.end(), options.quantizer) == names.end())
    throw std::invalid_argument("storage: unknown quantizer '" + options.quantizer + "'");
  return float_storage(tensors);
}

}  // namespace flare::arch
