// Counted workloads: equal to the array simulator's counters, to counting by hand, and independent of threads.
#include "flare_arch/cost/workload_counts.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "flare_arch/attention/quantized_operand.hpp"
#include "flare_arch/cost/product_tally.hpp"
#include "flare_arch/models/accuracy.hpp"

namespace flare::arch {
namespace {

const std::filesystem::path data_folder = std::filesystem::path(FLARE_SOURCE_DIR) / "data";

struct Digits {
  Transformer model = Transformer::load(data_folder / "models/digits_vit");
  Dataset data = load_digits(data_folder / "digits/digits.csv");
};

CountOptions few(int examples, int threads = 0) {
  CountOptions options;
  options.examples = examples;
  options.threads = threads;
  return options;
}

double sum_of(const Workload& work, bool weights, double ProductLoad::*member) {
  double sum = 0;
  for (const LayerLoad& layer : work.layers)
    for (const ProductLoad& load : layer.products)
      if (on_weights(load.product) == weights) sum += load.*member;
  return sum;
}

TEST(CountedWorkload, EqualsTheCountersOfAnAccuracyRun) {
  const Digits digits;
  Architecture a;
  a.weights.sawl = 4;
  const Workload work = count_workload(digits.model, digits.data, a, few(6));
  AccuracyOptions options;
  options.examples = 6;
  options.attention = attention_options(a);
  const AttentionCounters counters = evaluate_accuracy(digits.model, digits.data, options).counters;
  const auto same = [&](const ArrayCounters& c, bool weights) {
    // Means over six sequences: sixths of whole numbers.
    const auto total = [&](double ProductLoad::*member) {
      return std::llround(6 * sum_of(work, weights, member));
    };
    EXPECT_EQ(total(&ProductLoad::cycles), c.cycles);
    EXPECT_EQ(total(&ProductLoad::conversions), c.conversions);
    EXPECT_EQ(total(&ProductLoad::fixed_cycles), c.fixed_cycles);
  };
  same(counters.stationary, true);
  same(counters.dynamic, false);
  double words = 0;
  for (const LayerLoad& layer : work.layers) words += layer.fused_words;
  EXPECT_EQ(6 * words, static_cast<double>(counters.tensor_words));
}

TEST(ProductTally, OnCellsAreThoseThatTheProductSums) {
  // A product of ones and zeros is the number of on-cells: what is counted must be its sum.
  MatrixI inputs(2, 5), weights(5, 3);
  inputs << 3, 0, 1, 2, 3, 1, 1, 0, 0, 2;
  weights << 1, 0, 1, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1;
  const PlaneFormat format{2, Encoding::unsigned_binary};
  const Array array(weights, format, {2, 2, Packing::ideal});
  struct Tallied : ReadObserver {
    ProductTally tally;
    TokenTally token;
    void see(const ArrayJob& job, Eigen::Index t, TokenPlan& plan) override {
      token.add(job, t, plan, {}, tally);
    }
  } seen;
  ErrorInjection errors;
  errors.observer = &seen;
  array.multiply(inputs, format, errors);
  const ProductTally& tally = seen.tally;
  std::int64_t on = 0;
  for (Eigen::Index t = 0; t < 2; ++t)
    for (Eigen::Index r = 0; r < 5; ++r)
      for (int plane = 0; plane < 2; ++plane) on += ((inputs(t, r) >> plane) & 1) * weights.row(r).sum();
  EXPECT_EQ(tally.on_cells(), on);
  EXPECT_EQ(tally.levels.size(), 3u);
  EXPECT_EQ(tally.levels[0] + tally.levels[1] + tally.levels[2], tally.conversions);
  EXPECT_EQ(tally.driven_rows, 6 + 3);                  // ones among the inputs' bits
  EXPECT_EQ(tally.cycles, 2 + 2 + 1 + 1);               // 3 and 3 ones, then 2 and 1, two a read
  EXPECT_EQ(tally.driven_cells, 6 * 2 * tally.cycles);  // dummies fill every read; three words of two bits
}

/// One product counted bit by bit, straight from its operands: [k]. words: rows x columns.
void count_by_hand(const MatrixI& inputs, const PlaneFormat& fed, const MatrixI& words, int bits,
                   const SegmentationOptions& options, int parts, std::vector<double>& levels) {
  const PlaneFormat cells{bits, Encoding::twos_complement};
  const auto part = static_cast<Eigen::Index>((inputs.cols() + parts - 1) / parts);
  levels.resize(static_cast<std::size_t>(options.rows_per_read) + 1, 0);
  for (Eigen::Index t = 0; t < inputs.rows(); ++t)
    for (int plane = 0; plane < fed.planes(); ++plane)
      for (Eigen::Index begin = 0; begin < inputs.cols(); begin += part) {
        std::vector<std::uint8_t> ones;
        for (Eigen::Index r = begin; r < std::min(begin + part, inputs.cols()); ++r)
          ones.push_back((fed.pattern(inputs(t, r)) >> plane) & 1);
        const ReadPlan plan = plan_reads(ones, options);
        for (std::size_t read = 0; read < plan.reads(); ++read)
          for (Eigen::Index c = 0; c < words.cols(); ++c)
            for (int q = 0; q < cells.planes(); ++q) {
              std::size_t k = 0;
              for (const std::uint16_t row : plan.rows(read))
                k += (cells.pattern(words(begin + row, c)) >> q) & 1;
              ++levels[k];
            }
      }
}

TEST(CountedWorkload, ReadsByOnCellsAreThoseOfCountingBitByBit) {
  const Digits digits;
  const auto inputs = digits.model.layer_inputs(*digits.data.train, 64).attention;
  for (const int parts : {1, 3}) {
    Architecture a;
    a.weights.sawl = 4;
    a.sharing = parts > 1 ? Sharing::split : Sharing::tokens;
    a.copies = parts;
    const Workload work = count_workload(digits.model, digits.data, a, few(1));
    const IntegerAttentionOptions o = attention_options(a);
    const IntegerAttention attention(digits.model.attention(0), 0, inputs[0], o);
    MatrixF x;
    const Example example = digits.data.test->example(sample_of(digits.data.test->size(), 1, 1).front());
    digits.model.logits(example, {[&](int layer, const MatrixF& in) {
                          if (layer == 0) x = in;
                          return in;
                        }});
    IntegerAttention::Trace trace;
    attention.forward(x, {}, &trace);
    const Eigen::Index width = work.shape.head();
    const auto weight_words = [&](const MatrixF& w) { return absmax_tensor(w, 127).values; };
    const auto by_hand = [&](Product product, const MatrixI& fed, int bits, Encoding encoding,
                             const MatrixI& words, std::vector<double>& levels) {
      count_by_hand(fed, {bits, encoding}, words, on_weights(product) ? 8 : a.kv_bits,
                    on_weights(product) ? o.stationary : o.dynamic, parts, levels);
    };
    constexpr Encoding twos = Encoding::twos_complement;
    const AttentionWeights& w = digits.model.attention(0);
    std::array<std::vector<double>, product_count> expected;
    const auto of = [&](Product product) -> std::vector<double>& {
      return expected[static_cast<std::size_t>(product)];
    };
    by_hand(Product::key, trace.key_inputs, a.kv_bits, twos, weight_words(w.key), of(Product::key));
    by_hand(Product::value, trace.key_inputs, a.kv_bits, twos, weight_words(w.value), of(Product::value));
    by_hand(Product::query, trace.activations, 8, twos, weight_words(w.query), of(Product::query));
    for (int h = 0; h < work.shape.heads; ++h) {
      const auto i = static_cast<std::size_t>(h);
      by_hand(Product::logits, trace.queries[i], 8, twos, trace.key.middleCols(h * width, width).transpose(),
              of(Product::logits));
      by_hand(Product::weighted, trace.probabilities[i], 8, Encoding::unsigned_binary,
              trace.value.middleCols(h * width, width), of(Product::weighted));
      by_hand(Product::output, trace.weighted[i], 8, twos,
              weight_words(w.output).middleRows(h * width, width), of(Product::output));
    }
    for (const ProductLoad& load : work.layers.front().products)
      EXPECT_EQ(load.levels, of(load.product)) << to_string(load.product) << " in " << parts;
  }
}

TEST(CountedWorkload, ReadsByOnCellsAddUpToReadsAndOnCells) {
  const Digits digits;
  Architecture a;
  a.scope = Scope::encoder;
  const Workload work = count_workload(digits.model, digits.data, a, few(3));
  for (const LayerLoad& layer : work.layers)
    for (const ProductLoad& load : layer.products) {
      SCOPED_TRACE(to_string(load.product));
      ASSERT_EQ(load.levels.size(), 9u);
      double reads = 0, on = 0;
      for (std::size_t k = 0; k < load.levels.size(); ++k) {
        reads += load.levels[k];
        on += static_cast<double>(k) * load.levels[k];
      }
      EXPECT_NEAR(reads, load.conversions, 1e-9 * load.conversions);
      EXPECT_NEAR(on, load.on_cells, 1e-9 * load.on_cells);
    }
}

TEST(CountedWorkload, DoesNotDependOnThreads) {
  const Digits digits;
  const Architecture a;
  const Workload one = count_workload(digits.model, digits.data, a, few(5, 1)),
                 two = count_workload(digits.model, digits.data, a, few(5, 2));
  for (std::size_t l = 0; l < one.layers.size(); ++l) {
    EXPECT_EQ(one.layers[l].fused_cycles, two.layers[l].fused_cycles);
    for (std::size_t p = 0; p < one.layers[l].products.size(); ++p)
      EXPECT_EQ(one.layers[l].products[p].levels, two.layers[l].products[p].levels);
  }
}

TEST(CountedWorkload, FixedGroupsAreTheClosedForm) {
  // Nothing depends on the data then: counted and closed form agree exactly.
  const Digits digits;
  Architecture a;
  a.packing = Packing::fixed;
  for (const Sharing sharing : {Sharing::tokens, Sharing::planes, Sharing::split}) {
    a.sharing = sharing;
    a.copies = 2;
    const Workload counted = count_workload(digits.model, digits.data, a, few(2)),
                   closed = closed_form(counted.shape, a);
    for (std::size_t l = 0; l < counted.layers.size(); ++l) {
      const LayerLoad &x = counted.layers[l], &y = closed.layers[l];
      EXPECT_EQ(x.kv_cycles, y.kv_cycles);
      EXPECT_EQ(x.fused_cycles, y.fused_cycles);
      EXPECT_EQ(x.fused_words, y.fused_words);
      EXPECT_EQ(x.unfused_words, y.unfused_words);
      EXPECT_EQ(x.macs, y.macs);
      for (std::size_t p = 0; p < x.products.size(); ++p) {
        SCOPED_TRACE(to_string(x.products[p].product));
        EXPECT_EQ(x.products[p].cycles, y.products[p].cycles);
        EXPECT_EQ(x.products[p].conversions, y.products[p].conversions);
        EXPECT_EQ(x.products[p].stage_cycles, y.products[p].stage_cycles);
        EXPECT_EQ(x.products[p].driven_cells, y.products[p].driven_cells);
      }
    }
  }
}

TEST(CountedWorkload, CountsTheFeedForwardPartToo) {
  const Digits digits;
  Architecture a;
  a.scope = Scope::encoder;
  const Workload work = count_workload(digits.model, digits.data, a, few(2));
  for (const LayerLoad& layer : work.layers) {
    ASSERT_NE(layer.find(Product::down), nullptr);
    EXPECT_GT(layer.find(Product::down)->conversions, 0);
    EXPECT_GT(layer.fused_cycles, layer.find(Product::up)->stage_cycles);
  }
  EXPECT_EQ(work.layers.front().macs, work.shape.macs(true));
}

TEST(CountedWorkload, CausalAndGroupedHeadsAgreeWithTheSimulator) {
  // Absent cells, shared arrays: the count itself refuses where it differs from the simulator's counters.
  const std::filesystem::path families =
      std::filesystem::path(FLARE_SOURCE_DIR) / "tests/flare_arch/golden/families";
  int counted = 0;
  for (const char* family : {"gpt2", "llama", "mistral", "qwen2", "bert"}) {
    if (!std::filesystem::exists(families / family)) continue;
    const Transformer model = Transformer::load(families / family);
    std::vector<Example> texts(2);
    for (int t = 0; t < 6; ++t) {
      texts[0].tokens.push_back(t % 3);
      if (t < 4) texts[1].tokens.push_back((t + 1) % 3);
    }
    Dataset data;
    data.name = "texts";
    data.train = data.test = std::make_shared<KeptExamples>(texts);
    const Workload work = count_workload(model, data, Architecture{}, few(0));
    EXPECT_EQ(work.tokens, 5);
    ++counted;
  }
  EXPECT_GT(counted, 2);
}

}  // namespace
}  // namespace flare::arch
