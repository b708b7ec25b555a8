// Workloads in closed form: the paper's integers, the pipeline, parts and planes.
#include "flare_arch/cost/workload.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

#include "flare_arch/cost/traffic.hpp"

namespace flare::arch {
namespace {

/// As the paper has it: 8 bits everywhere, a softmax without a latency.
Architecture paper() {
  Architecture a;
  a.kv_bits = 8;
  a.softmax_cycles = 0;
  return a;
}

ModelShape shape(const char* name, int tokens = 0) { return *known_shape(name, tokens); }

double layer_cycles(const Workload& work) {
  return work.layers.front().kv_cycles + work.layers.front().fused_cycles;
}

TEST(Workload, ThePapersProductOfFixedGroups) {
  // D 1024, N 512, SAWL 8, 8 bits: 128 reads x 8 planes x 512 tokens (section 3.3).
  Architecture a = paper();
  a.packing = Packing::fixed;
  const Workload work = closed_form(shape("bert_large"), a);
  EXPECT_EQ(work.layers.front().find(Product::key)->cycles, 524'288);
  EXPECT_EQ(work.layers.front().find(Product::query)->stage_cycles, 524'288);
}

TEST(Workload, CyclesOfALayer) {
  // N c_X + c_X + c_L + c_A + c_O + (N - 1) max, bits s = 0.5, scores 0.75.
  EXPECT_EQ(layer_cycles(closed_form(shape("bert_base"), paper())), 295'424);
  EXPECT_EQ(layer_cycles(closed_form(shape("bert_large"), paper())), 524'960);
  EXPECT_EQ(layer_cycles(closed_form(shape("vit_b16"), paper())), 151'768);
  EXPECT_EQ(layer_cycles(closed_form(shape("deit_tiny"), paper())), 38'008);
}

TEST(Workload, TrafficOfThePaper) {
  for (const std::string& name : known_shape_names()) {
    const ModelShape s = shape(name.c_str());
    const LayerLoad layer = closed_form(s, paper()).layers.front();
    EXPECT_EQ(layer.fused_words, static_cast<double>(fused_traffic(s.attention()))) << name;
    EXPECT_EQ(layer.unfused_words, static_cast<double>(unfused_traffic(s.attention()))) << name;
  }
  const LayerLoad large = closed_form(shape("bert_large"), paper()).layers.front();
  EXPECT_NEAR(large.unfused_words / large.fused_words, 2 + 2 * 512 / (3 * 64.0), 1e-12);
}

TEST(Workload, DoublingLaws) {
  const ModelShape once = shape("bert_base", 256);
  ModelShape tokens = once, width = once;
  tokens.tokens = 512;
  width.width = 1536;
  width.heads = 24;
  const LayerLoad a = closed_form(once, paper()).layers.front(),
                  n = closed_form(tokens, paper()).layers.front(),
                  d = closed_form(width, paper()).layers.front();
  const auto reads = [](const LayerLoad& layer, Product p) { return layer.find(p)->conversions; };
  for (const Product p : {Product::key, Product::query, Product::output}) {
    EXPECT_EQ(reads(n, p), 2 * reads(a, p));  // N D^2
    EXPECT_EQ(reads(d, p), 4 * reads(a, p));
  }
  for (const Product p : {Product::logits, Product::weighted}) {
    EXPECT_EQ(reads(n, p), 4 * reads(a, p));  // N^2 D
    EXPECT_EQ(reads(d, p), 2 * reads(a, p));
  }
  EXPECT_EQ(n.fused_words, 2 * a.fused_words);
  EXPECT_EQ(n.scores, 4 * a.scores);
}

TEST(Workload, HalvingSawlDoublesTheReads) {
  Architecture eight = paper(), four = paper();
  four.weights.sawl = four.dynamic.sawl = 4;
  const LayerLoad a = closed_form(shape("bert_base"), eight).layers.front(),
                  b = closed_form(shape("bert_base"), four).layers.front();
  for (std::size_t i = 0; i < a.products.size(); ++i) {
    EXPECT_EQ(b.products[i].cycles, 2 * a.products[i].cycles);
    EXPECT_EQ(b.products[i].driven_cells, a.products[i].driven_cells);  // as many rows in all
    EXPECT_EQ(b.products[i].on_cells, a.products[i].on_cells);
  }
}

TEST(Workload, PipelineOfUnequalTokens) {
  // By hand: stage 1 ends at 3, 4, 9; stage 2 at 3 + 2, max(4, 5) + 6, max(9, 11) + 1.
  EXPECT_EQ(pipeline_cycles<int>({{3, 1, 5}, {2, 6, 1}}), 12);
  EXPECT_EQ(pipeline_cycles<int>({{7, 7, 7, 7}}), 28);
  EXPECT_EQ(pipeline_cycles<int>({{2, 2, 2}, {5, 5, 5}, {1, 1, 1}}), 2 + 5 + 1 + 2 * 5);
  EXPECT_EQ(pipeline_cycles<int>({}), 0);
}

TEST(Workload, PlanesAndPartsShareTheTimeOfAStage) {
  const ModelShape s = shape("bert_base");
  Architecture planes = paper(), split = paper(), serial = paper();
  planes.sharing = Sharing::planes;
  split.sharing = Sharing::split;
  planes.copies = split.copies = 4;
  serial.copies = 1;
  const LayerLoad one = closed_form(s, serial).layers.front(), p = closed_form(s, planes).layers.front(),
                  q = closed_form(s, split).layers.front();
  EXPECT_EQ(p.kv_cycles, one.kv_cycles / 4);  // 8 planes, two each
  EXPECT_EQ(p.find(Product::key)->cycles, one.find(Product::key)->cycles);
  EXPECT_EQ(q.kv_cycles, one.kv_cycles / 4);  // 192 rows each, 96 ones: 12 reads
  EXPECT_EQ(q.find(Product::key)->cells, one.find(Product::key)->cells);
  EXPECT_EQ(q.find(Product::key)->converters, 4 * one.find(Product::key)->converters);
  planes.copies = 3;  // 8 planes over 3: the slowest has 3
  EXPECT_EQ(closed_form(s, planes).layers.front().kv_cycles, one.kv_cycles * 3 / 8);
}

TEST(Workload, GroupedHeadsWaitForEachOther) {
  ModelShape s = shape("bert_base", 64);
  Architecture a = paper();
  const LayerLoad alone = closed_form(s, a).layers.front();
  s.groups = 3;  // four query heads on one array
  const LayerLoad grouped = closed_form(s, a).layers.front();
  EXPECT_EQ(grouped.find(Product::logits)->stage_cycles, 4 * alone.find(Product::logits)->stage_cycles);
  EXPECT_EQ(grouped.find(Product::logits)->cycles, alone.find(Product::logits)->cycles);
  EXPECT_EQ(grouped.find(Product::logits)->cells, alone.find(Product::logits)->cells / 4);
}

TEST(Workload, ColumnsThatShareAConverterTakeTurns) {
  Architecture a = paper(), b = paper();
  b.weights.columns_per_converter = b.dynamic.columns_per_converter = 4;
  const LayerLoad one = closed_form(shape("deit_tiny"), a).layers.front(),
                  four = closed_form(shape("deit_tiny"), b).layers.front();
  EXPECT_EQ(four.kv_cycles, 4 * one.kv_cycles);
  EXPECT_EQ(four.fused_cycles, 4 * one.fused_cycles);
}

TEST(Workload, ArraysThatCannotHoldTheModel) {
  Architecture a = paper();
  a.weights.word_lines = 512;
  try {
    closed_form(shape("bert_base"), a);
    FAIL() << "512 word lines do not hold 768 rows";
  } catch (const std::invalid_argument& e) {
    EXPECT_STREQ(e.what(),
                 "arrays.weights.word_lines: 512 word lines cannot hold the 768 rows of key at full "
                 "parallelism; give at "
                 "least 768, or set full_parallelism = false to cut it into arrays one below another");
  }
  a.weights.full_parallelism = false;
  const LayerLoad tiled = closed_form(shape("bert_base"), a).layers.front();
  EXPECT_EQ(tiled.find(Product::key)->converters, 2 * tiled.find(Product::key)->columns);
}

TEST(Workload, Multiplications) {
  // BERT-base: N (4 D^2 + 2 N D), with the feed-forward part 8 D^2 more; attention's share of it 0.35 to 0.40 (N 384).
  const ModelShape s = shape("bert_base");
  EXPECT_EQ(s.macs(false), 384.0 * (4 * 768 * 768 + 2 * 384 * 768));
  EXPECT_EQ(s.macs(true) - s.macs(false), 384.0 * 8 * 768 * 768);
  EXPECT_NEAR(s.macs(false) / s.macs(true), (4 * 768 + 2 * 384) / (12 * 768 + 2.0 * 384), 1e-12);
  ModelShape causal = s;
  causal.causal = true;
  EXPECT_EQ(s.macs(false) - causal.macs(false), 2.0 * 768 * (384 * 384 - 384 * 385 / 2));
}

TEST(Workload, BinomialLevelsHaveTheReadsAndTheMean) {
  const std::vector<double> levels = binomial_levels(1000, 2000, 8);  // a quarter of eight
  double reads = 0, on = 0;
  for (int k = 0; k <= 8; ++k) {
    reads += levels[static_cast<std::size_t>(k)];
    on += k * levels[static_cast<std::size_t>(k)];
  }
  EXPECT_NEAR(reads, 1000, 1e-9);
  EXPECT_NEAR(on, 2000, 1e-9);
  EXPECT_NEAR(levels[0], 1000 * std::pow(0.75, 8), 1e-9);
  EXPECT_EQ(binomial_levels(0, 0, 4), std::vector<double>(5, 0.0));
  EXPECT_NEAR(binomial_levels(10, 40, 4)[4], 10, 1e-12);
}

}  // namespace
}  // namespace flare::arch
