// Bits a tensor takes with its metadata.
#include "flare_arch/cost/storage.hpp"

#include <gtest/gtest.h>

#include "flare_arch/quantizers/sdr.hpp"

namespace flare::arch {
namespace {

TEST(Storage, EffectiveBitsAreThePublishedOnes) {
  // The first author's README: g 8, 16, 32, 64, 128 take 4.38, 4.19, 4.09, 4.05, 4.02 bits a value (3-bit flags).
  const double published[] = {4.375, 4.1875, 4.09375, 4.046875, 4.0234375};
  int group = 8;
  for (const double bits : published) {
    const SdrMatrix s = razor(MatrixI::Ones(4, 1024), 8, group);
    EXPECT_DOUBLE_EQ(static_cast<double>(s.payload_bits() + s.flag_bits()) / 4096, bits);
    group *= 2;
  }
  const StorageBits emsb = emsb_storage(197, 768), int8 = int8_storage(197, 768),
                    sdr = qrazor_storage(197, 768, 16, 16);
  EXPECT_EQ(emsb.metadata, 197 * 5);
  EXPECT_EQ(int8.metadata, 197 * 32);
  EXPECT_EQ(sdr.metadata, 197 * (48 * 4 + 32));
  EXPECT_EQ(sdr.payload, 197 * 768 * 4);
}

std::int64_t metadata_of(const std::string& quantizer, const std::string& tensor, int group = 16) {
  AccuracyOptions options;
  options.quantizer = quantizer;
  options.qrazor_group = group;
  for (const TensorStorage& t : layer_storage({1, 197, 768, 12}, options))
    if (t.tensor == tensor) return t.metadata;
  ADD_FAILURE() << quantizer << " has no " << tensor;
  return -1;
}

TEST(Storage, OfALayerCountsTheMetadataOfEveryQuantiser) {
  // A layer of ViT-B: 197 tokens, width 768, 12 heads of 64.
  EXPECT_EQ(metadata_of("emsbq", "input"), emsb_storage(197, 768).metadata);
  EXPECT_EQ(metadata_of("emsbq", "query"), 12 * 197 * 5);
  EXPECT_EQ(metadata_of("emsbq", "key"), 0);                 // one fixed start bit for all tokens
  EXPECT_EQ(metadata_of("emsbq", "scores"), 12 * 197 * 16);  // sums of 197 eight-bit numbers
  EXPECT_EQ(metadata_of("int8", "input"), int8_storage(197, 768).metadata);
  EXPECT_EQ(metadata_of("int8", "scores"), 12 * 197 * 32);
  EXPECT_EQ(metadata_of("int8", "value"), 12 * 32);
  EXPECT_EQ(metadata_of("qrazor_w4a4", "input"), qrazor_storage(197, 768, 16, 16).metadata);
  EXPECT_EQ(metadata_of("qrazor_w4a8", "input"), 197 * 32);
  EXPECT_EQ(metadata_of("qrazor_w4a4kv4", "key", 8), 12 * 197 * 8 * 3 + 12 * 32);
  EXPECT_EQ(metadata_of("float", "key"), 0);
  // The flags of the weights are those the razor makes.
  constexpr std::int64_t channels = 3072;
  const SdrMatrix w = razor(MatrixI::Ones(channels, 768), 8, 32);
  EXPECT_EQ(metadata_of("qrazor_w4a8", "weights", 32), w.flag_bits() + channels * 32);
  AccuracyOptions options;
  for (const std::string& name : quantizer_names()) {
    options.quantizer = name;
    std::int64_t values = 0;
    for (const TensorStorage& t : layer_storage({1, 197, 768, 12}, options))
      if (t.tensor != "input_kv") values += t.values;
    EXPECT_EQ(values, 4 * 768 * 768 + 5 * 197 * 768 + 12 * 197 * 197) << name;
  }
  options.quantizer = "int9";
  EXPECT_THROW(layer_storage({}, options), std::invalid_argument);
}

}  // namespace
}  // namespace flare::arch
