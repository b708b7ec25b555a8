#include "flare_arch/sparsity.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <map>
#include <stdexcept>

namespace flare::arch {
namespace {

/// The bits of a value as `bits` planes: sign-magnitude is a sign bit over the magnitude.
std::uint32_t stored_bits(std::int32_t value, const PlaneFormat& format) {
  if (format.encoding != Encoding::sign_magnitude) return format.pattern(value);
  const std::int32_t top = (1 << (format.bits - 1)) - 1;
  return static_cast<std::uint32_t>(std::min(std::abs(value), top)) |
         (value < 0 ? 1u << (format.bits - 1) : 0u);
}

/// Counts that add up over tensors.
struct Counts {
  std::int64_t bits = 0, zero_bits = 0, values = 0, zero_values = 0, groups = 0, zero_groups = 0, slices = 0,
               zero_slices = 0, fixed = 0, next_fit = 0, first_fit = 0, ideal = 0;

  void add_values(const MatrixI& m, const PlaneFormat& format, int group);
  void add_cycles(const MatrixI& m, const PlaneFormat& format, const SegmentationOptions& segmentation);
  Sparsity sparsity() const {
    const auto share = [](std::int64_t part, std::int64_t all) {
      return all > 0 ? static_cast<double>(part) / static_cast<double>(all) : 0;
    };
    return {share(zero_bits, bits), share(zero_values, values), share(zero_groups, groups),
            share(zero_slices, slices)};
  }
};

void Counts::add_values(const MatrixI& m, const PlaneFormat& format, int group) {
  for (Eigen::Index row = 0; row < m.rows(); ++row)
    for (Eigen::Index begin = 0; begin < m.cols(); begin += group) {
      std::uint32_t any = 0;
      for (Eigen::Index c = begin; c < std::min<Eigen::Index>(m.cols(), begin + group); ++c) {
        const std::uint32_t pattern = stored_bits(m(row, c), format);
        any |= pattern;
        bits += format.bits;
        zero_bits += format.bits - std::popcount(pattern);
        ++values;
        zero_values += pattern == 0 ? 1 : 0;
      }
      ++groups;
      zero_groups += any == 0 ? 1 : 0;
      slices += format.bits;
      zero_slices += format.bits - std::popcount(any);
    }
}

std::int64_t cycles_of(const MatrixI& m, const PlaneFormat& format, SegmentationOptions segmentation,
                       Packing packing) {
  segmentation.packing = packing;
  std::vector<std::uint16_t> ones;
  ReadPlan plan;
  std::int64_t cycles = 0;
  for (Eigen::Index row = 0; row < m.rows(); ++row)
    for (int plane = 0; plane < format.planes(); ++plane) {
      ones.clear();
      for (Eigen::Index c = 0; c < m.cols(); ++c)
        if ((format.pattern(m(row, c)) >> plane) & 1) ones.push_back(static_cast<std::uint16_t>(c));
      plan_reads(ones, static_cast<int>(m.cols()), segmentation, plan);
      cycles += static_cast<std::int64_t>(plan.reads());
    }
  return cycles;
}

void Counts::add_cycles(const MatrixI& m, const PlaneFormat& format,
                        const SegmentationOptions& segmentation) {
  const std::int64_t groups_per_plane =
      (m.cols() + segmentation.rows_per_read - 1) / segmentation.rows_per_read;
  fixed += groups_per_plane * m.rows() * format.bits;
  next_fit += cycles_of(m, format, segmentation, Packing::next_fit);
  first_fit += cycles_of(m, format, segmentation, Packing::first_fit);
  ideal += cycles_of(m, format, segmentation, Packing::ideal);
}

using Table = std::map<std::pair<int, Encoding>, Counts>;
const char* const tensor_names[] = {"input", "query", "key", "value", "scores", "output"};

void add_tensor(Table& table, int tensor, const MatrixI& m, int bits, bool is_unsigned,
                const SparsityOptions& options) {
  const bool stationary = tensor == 0 || tensor == 5;
  const SegmentationOptions& segmentation =
      stationary ? options.attention.stationary : options.attention.dynamic;
  std::vector<Encoding> encodings = {Encoding::twos_complement, Encoding::sign_magnitude};
  if (is_unsigned) encodings = {Encoding::unsigned_binary};
  for (const Encoding encoding : encodings) {
    Counts& counts = table[{tensor, encoding}];
    counts.add_values(m, {bits, encoding}, options.group);
    counts.add_cycles(m, {bits, encoding}, segmentation);
  }
}

void add_trace(Table& table, const IntegerAttention::Trace& trace, const SparsityOptions& options) {
  const IntegerAttentionOptions& o = options.attention;
  add_tensor(table, 0, trace.activations, o.activation_bits, false, options);
  add_tensor(table, 2, trace.key, o.kv_bits, false, options);
  add_tensor(table, 3, trace.value, o.kv_bits, false, options);
  for (const MatrixI& m : trace.queries) add_tensor(table, 1, m, o.activation_bits, false, options);
  for (const MatrixI& m : trace.probabilities) add_tensor(table, 4, m, o.probability_bits, true, options);
  for (const MatrixI& m : trace.weighted) add_tensor(table, 5, m, o.activation_bits, false, options);
}

double ratio(std::int64_t fixed, std::int64_t sifted) {
  return sifted > 0 ? static_cast<double>(fixed) / static_cast<double>(sifted) : 0;
}

}  // namespace

Sparsity measure_sparsity(const MatrixI& values, const PlaneFormat& format, int group) {
  format.check();
  if (group < 1) throw std::invalid_argument("sparsity: groups hold at least one value");
  Counts counts;
  counts.add_values(values, format, group);
  return counts.sparsity();
}

double bitsift_boost(const MatrixI& values, const PlaneFormat& format,
                     const SegmentationOptions& segmentation) {
  format.check();
  const std::int64_t groups = (values.cols() + segmentation.rows_per_read - 1) / segmentation.rows_per_read;
  return ratio(groups * values.rows() * format.bits,
               cycles_of(values, format, segmentation, segmentation.packing));
}

std::vector<SparsityRow> sparsity_study(const VitModel& model, const Dataset& dataset,
                                        const SparsityOptions& options) {
  if (dataset.test.size() == 0 || dataset.train.size() == 0)
    throw std::invalid_argument("sparsity study: the data set is empty");
  if (options.images < 1 || options.group < 1)
    throw std::invalid_argument(
        "sparsity study: at least one image and groups of at least one value are needed");
  const auto inputs = model.attention_inputs(dataset.train, options.calibration_examples);
  std::vector<std::unique_ptr<IntegerAttention>> layers;
  for (int i = 0; i < model.config().layers; ++i)
    layers.push_back(std::make_unique<IntegerAttention>(model.attention(i), i, inputs[i], options.attention));
  Table table;
  const ImageSet& images = dataset.test;
  for (Eigen::Index image = 0; image < std::min<Eigen::Index>(options.images, images.size()); ++image)
    model.logits({images.pixels.row(image).data(), static_cast<std::size_t>(images.pixels.cols())},
                 [&](int layer, const MatrixF& x) {
                   IntegerAttention::Trace trace;
                   MatrixF y = layers[layer]->forward(x, {}, &trace);
                   add_trace(table, trace, options);
                   return y;
                 });
  std::vector<SparsityRow> rows;
  for (const auto& [key, c] : table)
    rows.push_back({tensor_names[key.first], key.second, c.sparsity(), ratio(c.fixed, c.next_fit),
                    ratio(c.fixed, c.first_fit), ratio(c.fixed, c.ideal)});
  return rows;
}

std::string encoding_name(Encoding encoding) {
  switch (encoding) {
    case Encoding::twos_complement:
      return "twos_complement";
    case Encoding::sign_magnitude:
      return "sign_magnitude";
    default:
      return "unsigned";
  }
}

}  // namespace flare::arch
