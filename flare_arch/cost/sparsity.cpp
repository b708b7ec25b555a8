#include "flare_arch/cost/sparsity.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <map>
#include <stdexcept>

#include "flare_arch/models/accuracy.hpp"

namespace flare::arch {
namespace {

/// The bits of a value as `bits` planes: sign-magnitude is a sign bit over the magnitude.
std::uint32_t stored_bits(std::int32_t value, const PlaneFormat& format) {
  if (format.encoding != Encoding::sign_magnitude) return format.pattern(value);
  const std::int32_t top = (1 << (format.bits - 1)) - 1;
  return static_cast<std::uint32_t>(std::min(std::abs(value), top)) |
         (value < 0 ? 1u << (format.bits - 1) : 0u);
}

double share(std::int64_t part, std::int64_t all) {
  return all > 0 ? static_cast<double>(part) / static_cast<double>(all) : 0;
}

/// Zeros that add up over tensors.
struct Zeros {
  std::int64_t bits = 0, zero_bits = 0, values = 0, zero_values = 0, groups = 0, zero_groups = 0, slices = 0,
               zero_slices = 0;

  void add(const MatrixI& m, const PlaneFormat& format, int group);
  Sparsity sparsity() const {
    return {share(zero_bits, bits), share(zero_values, values), share(zero_groups, groups),
            share(zero_slices, slices)};
  }
};

void Zeros::add(const MatrixI& m, const PlaneFormat& format, int group) {
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

/// Conventional cycles: `bits` planes, groups of SAWL rows.
std::int64_t fixed_cycles_of(const MatrixI& m, const PlaneFormat& format, int rows_per_read) {
  return (m.cols() + rows_per_read - 1) / rows_per_read * m.rows() * format.bits;
}

/// Calls visit(rows with a one) for every plane of every row of m.
template <class Visit>
void for_each_plane(const MatrixI& m, const PlaneFormat& format, Visit visit) {
  std::vector<std::uint16_t> ones;
  for (Eigen::Index row = 0; row < m.rows(); ++row)
    for (int plane = 0; plane < format.planes(); ++plane) {
      ones.clear();
      for (Eigen::Index c = 0; c < m.cols(); ++c)
        if ((format.pattern(m(row, c)) >> plane) & 1) ones.push_back(static_cast<std::uint16_t>(c));
      visit(std::span<const std::uint16_t>(ones));
    }
}

/// Adds the cycles of every way of packing; returns the ones driven.
std::int64_t add_cycles(const MatrixI& m, const PlaneFormat& format, int rows_per_read,
                        std::vector<SiftedCycles>& sifted) {
  ReadPlan plan;
  std::int64_t driven = 0;
  for_each_plane(m, format, [&](std::span<const std::uint16_t> ones) {
    driven += static_cast<std::int64_t>(ones.size());
    for (SiftedCycles& way : sifted) {
      const SegmentationOptions options{rows_per_read, std::max(1, way.slice_length), way.packing};
      plan_reads(ones, static_cast<int>(m.cols()), options, plan);
      way.cycles += static_cast<std::int64_t>(plan.reads());
    }
  });
  return driven;
}

std::vector<SiftedCycles> ways_of(const SparsityOptions& options) {
  std::vector<SiftedCycles> ways;
  for (const Packing packing : {Packing::next_fit, Packing::first_fit})
    for (const int length : options.slice_lengths) ways.push_back({packing, length, 0});
  ways.push_back({Packing::ideal, 0, 0});
  return ways;
}

/// The tensors in the order of the table.
struct TensorKind {
  const char* name;
  int fed;  // to how many arrays
  bool is_unsigned;
};
constexpr TensorKind kinds[] = {{"input", 1, false}, {"input_kv", 2, false}, {"query", 1, false},
                                {"key", 0, false},   {"value", 0, false},    {"scores", 1, true},
                                {"output", 1, false}};
enum Kind : int { input, input_kv, query, key, value, scores, output };

/// What is known of one tensor in one encoding.
struct Entry {
  Zeros zeros;
  SparsityRow row;
  std::vector<std::int32_t> waiting;  // values that do not fill a vector of the depth asked for yet
};

/// The values so far as vectors of `depth`; what is left over waits.
MatrixI lay_end_to_end(std::vector<std::int32_t>& waiting, const MatrixI& m, int depth) {
  waiting.insert(waiting.end(), m.data(), m.data() + m.size());
  const auto rows = static_cast<Eigen::Index>(waiting.size()) / depth;
  MatrixI laid = Eigen::Map<const MatrixI>(waiting.data(), rows, depth);
  waiting.erase(waiting.begin(), waiting.begin() + rows * depth);
  return laid;
}
using Entries = std::map<std::pair<int, Encoding>, Entry>;

void add_tensor(Entries& entries, Kind kind, const MatrixI& m, int bits, const SparsityOptions& options) {
  std::vector<Encoding> encodings = {Encoding::twos_complement, Encoding::sign_magnitude};
  if (kinds[kind].is_unsigned) encodings = {Encoding::unsigned_binary};
  for (const Encoding encoding : encodings) {
    Entry& entry = entries[{kind, encoding}];
    const PlaneFormat format{bits, encoding};
    entry.zeros.add(m, format, options.group);
    SparsityRow& row = entry.row;
    row.bits = bits;
    if (options.depth == 0) row.longest = std::max<std::int64_t>(row.longest, m.cols());
    if (kinds[kind].fed == 0) continue;
    if (row.sifted.empty()) row.sifted = ways_of(options);
    const MatrixI packed = options.depth > 0 ? lay_end_to_end(entry.waiting, m, options.depth) : m;
    if (packed.rows() > 0) row.longest = std::max<std::int64_t>(row.longest, packed.cols());
    row.fixed_cycles += fixed_cycles_of(packed, format, options.rows_per_read);
    row.fed_bits += packed.size() * format.bits;
    row.driven_ones += add_cycles(packed, format, options.rows_per_read, row.sifted);
  }
}

void add_trace(Entries& entries, const IntegerAttention::Trace& trace, int image, int layer,
               const SparsityOptions& options) {
  const IntegerAttentionOptions& o = options.attention;
  const auto add = [&](Kind kind, const MatrixI& m, int bits) {
    if (options.visit) options.visit(image, layer, kinds[kind].name, m);
    add_tensor(entries, kind, m, bits, options);
  };
  add(input, trace.activations, o.activation_bits);
  add(input_kv, trace.key_inputs, o.kv_bits);
  add(key, trace.key, o.kv_bits);
  add(value, trace.value, o.kv_bits);
  for (const MatrixI& m : trace.queries) add(query, m, o.activation_bits);
  for (const MatrixI& m : trace.probabilities) add(scores, m, o.probability_bits);
  for (const MatrixI& m : trace.weighted) add(output, m, o.activation_bits);
}

/// Every cycle of the layers, the signed tensors in `encoding`.
SparsityRow total_row(const Entries& entries, Encoding encoding, const SparsityOptions& options) {
  SparsityRow total;
  total.tensor = "all";
  total.encoding = encoding;
  total.sifted = ways_of(options);
  std::int64_t bits = 0, zero_bits = 0;
  for (const auto& [where, entry] : entries) {
    const TensorKind& kind = kinds[where.first];
    if (kind.fed == 0 || (!kind.is_unsigned && where.second != encoding)) continue;
    total.values += kind.fed * entry.zeros.values;
    total.longest = std::max(total.longest, entry.row.longest);
    total.fixed_cycles += kind.fed * entry.row.fixed_cycles;
    total.fed_bits += kind.fed * entry.row.fed_bits;
    total.driven_ones += kind.fed * entry.row.driven_ones;
    bits += kind.fed * entry.zeros.bits;
    zero_bits += kind.fed * entry.zeros.zero_bits;
    for (std::size_t i = 0; i < total.sifted.size(); ++i)
      total.sifted[i].cycles += kind.fed * entry.row.sifted[i].cycles;
  }
  total.sparsity.bits = share(zero_bits, bits);
  return total;
}

std::vector<SparsityRow> rows_of(Entries& entries, const SparsityOptions& options) {
  std::vector<SparsityRow> rows;
  for (auto& [where, entry] : entries) {
    entry.row.tensor = kinds[where.first].name;
    entry.row.encoding = where.second;
    entry.row.values = entry.zeros.values;
    entry.row.sparsity = entry.zeros.sparsity();
    rows.push_back(entry.row);
  }
  for (const Encoding encoding : {Encoding::twos_complement, Encoding::sign_magnitude})
    rows.push_back(total_row(entries, encoding, options));
  return rows;
}

}  // namespace

Sparsity measure_sparsity(const MatrixI& values, const PlaneFormat& format, int group) {
  format.check();
  if (group < 1) throw std::invalid_argument("sparsity: groups hold at least one value");
  Zeros zeros;
  zeros.add(values, format, group);
  return zeros.sparsity();
}

double bitsift_boost(const MatrixI& values, const PlaneFormat& format,
                     const SegmentationOptions& segmentation) {
  format.check();
  std::vector<SiftedCycles> way = {{segmentation.packing, segmentation.slice_length, 0}};
  add_cycles(values, format, segmentation.rows_per_read, way);
  return share(fixed_cycles_of(values, format, segmentation.rows_per_read), way.front().cycles);
}

double SparsityRow::boost(Packing packing, int slice_length) const {
  for (const SiftedCycles& way : sifted)
    if (way.packing == packing && way.slice_length == slice_length) return share(fixed_cycles, way.cycles);
  throw std::out_of_range("sparsity: '" + tensor + "' was not packed this way");
}

double SparsityRow::expected_boost() const { return share(fed_bits, driven_ones); }

bool SparsityOptions::is_valid(std::string* error) const {
  const auto fail = [&](const char* what) {
    if (error != nullptr) *error = what;
    return false;
  };
  if (images < 0) return fail("the number of images must not be negative");
  if (group < 1 || group > 4096) return fail("groups must hold 1 to 4096 values");
  if (slice_lengths.empty() || slice_lengths.size() > 16) return fail("1 to 16 slice lengths are supported");
  for (const int length : slice_lengths)
    if (!SegmentationOptions{rows_per_read, length}.is_valid(error)) return false;
  if (depth < 0 || depth > 65536) return fail("the depth must be 0 (as it is) to 65536 rows");
  if (calibration_examples < 1) return fail("at least one calibration example is needed");
  return true;
}

std::vector<SparsityRow> sparsity_study(const Transformer& model, const Dataset& dataset,
                                        const SparsityOptions& options) {
  std::string error;
  if (!options.is_valid(&error)) throw std::invalid_argument("sparsity study: " + error);
  if (dataset.test->size() == 0 || dataset.train->size() == 0)
    throw std::invalid_argument("sparsity study: the data set is empty");
  const auto inputs = model.layer_inputs(*dataset.train, options.calibration_examples).attention;
  std::vector<std::unique_ptr<IntegerAttention>> layers;
  layers.reserve(static_cast<std::size_t>(model.spec().layers));
  for (int i = 0; i < model.spec().layers; ++i)
    layers.push_back(std::make_unique<IntegerAttention>(model.attention(i), i, inputs[i], options.attention));
  Entries entries;
  const std::int64_t all = dataset.test->size();
  const std::vector<std::int64_t> images =
      sample_of(all, options.images > 0 ? options.images : all, options.seed);
  std::int64_t done = 0;
  for (const std::int64_t image : images) {
    model.logits(dataset.test->example(image), {[&](int layer, const MatrixF& x) {
                   IntegerAttention::Trace trace;
                   MatrixF y = layers[layer]->forward(x, {}, &trace);
                   add_trace(entries, trace, static_cast<int>(done), layer, options);
                   return y;
                 }});
    if (options.progress) options.progress(++done, static_cast<std::int64_t>(images.size()));
  }
  return rows_of(entries, options);
}

Sparsity average_sparsity(const std::vector<SparsityRow>& rows, Encoding encoding) {
  Sparsity mean;
  int found = 0;
  for (const char* name : {"input", "query", "key", "value", "output"})
    for (const SparsityRow& row : rows)
      if (row.tensor == name && row.encoding == encoding) {
        ++found;
        mean.bits += row.sparsity.bits;
        mean.values += row.sparsity.values;
        mean.value_groups += row.sparsity.value_groups;
        mean.column_slices += row.sparsity.column_slices;
      }
  if (found == 0) throw std::invalid_argument("sparsity: no tensor to average");
  for (double* part : {&mean.bits, &mean.values, &mean.value_groups, &mean.column_slices}) *part /= found;
  return mean;
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
