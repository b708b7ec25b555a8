// GPUs beside a cost: the same scope or no row, and what a roofline is.
#include "studies/cost/gpu_baselines.hpp"

#include <gtest/gtest.h>

namespace flare::studies {
namespace {

const std::filesystem::path data = std::filesystem::path(FLARE_SOURCE_DIR) / "data/cost";

GpuFigure peak_of(double operations, double bandwidth, const std::string& precision = "INT8") {
  GpuFigure g;
  g.device = std::string("GPU");
  g.precision = precision;
  g.kind = "peak";
  g.value = operations;
  g.bandwidth = bandwidth;
  return g;
}

TEST(Roofline, IsTheLongerOfOperationsAndTraffic) {
  const arch::ModelShape bert = *arch::known_shape("bert_base");
  for (const arch::Scope scope : {arch::Scope::attention, arch::Scope::encoder}) {
    const double macs = 12 * bert.macs(scope == arch::Scope::encoder);
    EXPECT_NEAR(roofline_time(peak_of(1e12, 1e15), bert, scope), 2 * macs / 1e12, 1e-12);
    // Weights once for 128 sequences, input and output of every layer.
    const double weights = (scope == arch::Scope::encoder ? 12.0 : 4.0) * 768 * 768;
    const double bytes = 12 * (weights / 128 + 2 * 384 * 768);
    EXPECT_NEAR(roofline_time(peak_of(1e18, 1e9), bert, scope), bytes / 1e9, 1e-9);
    EXPECT_NEAR(roofline_time(peak_of(1e18, 1e9, "FP16"), bert, scope), 2 * bytes / 1e9, 1e-9);
  }
}

TEST(GpuBaselines, MeasuredOfTheEncoderAloneEstimatesOfAttention) {
  const auto gpus = read_gpus(data);
  const arch::ModelShape bert = *arch::known_shape("bert_base");
  int measured = 0, peaks = 0;
  for (const auto& row : gpu_baselines(gpus, bert, arch::Scope::encoder)) {
    EXPECT_NE(row.kind, "estimate");
    EXPECT_EQ(row.scope, "encoder");
    measured += row.kind == "measured" ? 1 : 0;
    peaks += row.kind == "peak" ? 1 : 0;
    EXPECT_FALSE(row.source.empty());
    EXPECT_NE(row.name.find(row.kind), std::string::npos) << row.name;
  }
  EXPECT_EQ(measured, 6);
  EXPECT_EQ(peaks, 4);
  const auto attention = gpu_baselines(gpus, bert, arch::Scope::attention);
  ASSERT_EQ(attention.size(), 10u);
  const double share = bert.macs(false) / bert.macs(true);
  EXPECT_EQ(attention[0].kind, "estimate");
  EXPECT_NEAR(attention[0].tokens_per_second.nominal, 132000 / share, 1e-6 * 132000);
}

TEST(GpuBaselines, NothingMeasuredIsAboveItsRoofline) {
  const auto gpus = read_gpus(data);
  for (const char* name : {"bert_base", "vit_b16"})
    for (const GpuFigure& g : gpus) {
      if (!g.is_measured() || g.model != name || g.precision != "INT8") continue;
      for (const GpuFigure& peak : gpus)
        if (!peak.is_measured() && peak.device == g.device) {
          const arch::ModelShape shape = *arch::known_shape(name, g.tokens);
          EXPECT_LT(g.tokens_per_second(), g.tokens / roofline_time(peak, shape, arch::Scope::encoder))
              << g.device;
        }
    }
}

TEST(GpuBaselines, MlperfHasNoTokensASecond) {
  for (const auto& row :
       gpu_baselines(read_gpus(data), *arch::known_shape("bert_large"), arch::Scope::encoder))
    EXPECT_EQ(row.kind, "peak") << row.name;
}

}  // namespace
}  // namespace flare::studies
