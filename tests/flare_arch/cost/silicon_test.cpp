// Published macros from their circuits: every part by hand, and what must not matter.
#include "flare_arch/cost/silicon.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace flare::arch {
namespace {

/// Eight rows, three bits, at the supply and node of the parameters.
MacroDesign shipped() {
  MacroDesign m;
  m.technology = "sram";
  m.rows = 8;
  m.adc_bits = 3;
  m.volt = 0.9;
  m.cycle = 1e-9;
  return m;
}

const ParameterSet parameters = default_parameters();
constexpr double fj = 1e-15;
constexpr double sum_bit = 28 * fj / 11;

/// A comparator whose offset is a sixth of a step of `codes` over 0.4 V.
double comparator(double codes) {
  const double size = std::min(1.0, std::pow(6.8e-3 / (0.4 / (codes - 1) / 6), 2));
  return 7.7 * fj * (0.31 + 0.69 * size);
}

TEST(Silicon, AMacroByHand) {
  const MacroEnergy e = predict_macro(shipped(), parameters);
  // Four of eight rows driven, two on: a quarter of the full level.
  EXPECT_NEAR(e.word_lines, 4 * 0.85 * fj, 1e-20);
  EXPECT_NEAR(e.bitline, 0.3 * fj + 2 * 3.3 * fj, 1e-20);
  EXPECT_NEAR(e.converter, 3 * (comparator(8) + 5 * fj) + 8 * fj * 0.81, 1e-20);
  // 19 bits: eight codes of 3 bits through 4 adders of 3, 2 of 5 and 1 of 7 bits, then an accumulator.
  EXPECT_EQ(output_bits(shipped()), 19);
  EXPECT_NEAR(e.code_to_sum, sum_bit * ((4 * 3 + 2 * 5 + 7 + 19) * 2 + 19) / 3 / 8, 1e-20);
  EXPECT_DOUBLE_EQ(e.total(), e.bitline + e.word_lines + e.converter + e.code_to_sum);
}

TEST(Silicon, OutputsAreAsWideAsPublished) {
  MacroDesign m = shipped();
  m.rows = 16;
  EXPECT_EQ(output_bits(m), 20);  // 8 b inputs and weights
  m.input_bits = m.weight_bits = 4;
  EXPECT_EQ(output_bits(m), 12);
  m.input_bits = 2;
  EXPECT_EQ(output_bits(m), 10);
}

TEST(Silicon, NoMoreIsDecidedThanThereAreLevels) {
  MacroDesign m = shipped();
  m.adc_bits = 10;
  EXPECT_DOUBLE_EQ(decided_bits(m), std::log2(9.0));
  m.fed_bits = 2;
  EXPECT_DOUBLE_EQ(decided_bits(m), std::log2(25.0));
  m.adc_bits = 3;
  EXPECT_DOUBLE_EQ(decided_bits(m), 3);
}

TEST(Silicon, ReadoutsByHand) {
  MacroDesign m = shipped();
  m.readout = Readout::sense;
  EXPECT_NEAR(predict_macro(m, parameters).converter, 3 * (comparator(8) + 5 * fj + 1 * fj), 1e-20);
  m.readout = Readout::time;
  EXPECT_NEAR(predict_macro(m, parameters).converter,
              comparator(8) + 1 * fj + 8 * fj * 0.81 + 3 * sum_bit / 3, 1e-20);
  for (const Readout r : {Readout::sar, Readout::sense, Readout::time}) {
    Readout back = Readout::sar;
    EXPECT_TRUE(read_readout(to_string(r), back));
    EXPECT_EQ(back, r);
  }
  Readout none = Readout::sar;
  EXPECT_FALSE(read_readout("flash", none));
}

TEST(Silicon, SwitchingGoesWithTheNodeAndTheSquareOfTheSupply) {
  MacroDesign m = shipped();
  m.readout = Readout::sense;
  const double full = predict_macro(m, parameters).total();
  m.node = 14;
  EXPECT_NEAR(predict_macro(m, parameters).total(), full / 2, 1e-12 * full);
  m.node = 28;
  m.volt = 0.45;
  // Half the supply has half the step: the comparator may no longer be smaller than the shipped one.
  const MacroEnergy half = predict_macro(m, parameters);
  EXPECT_NEAR(half.word_lines, 4 * 0.85 * fj / 4, 1e-21);
  EXPECT_NEAR(half.converter, 3 * (7.7 + 5 + 1) * fj / 4, 1e-20);
}

TEST(Silicon, ResistiveCellsConductWhileTheyAreRead) {
  MacroDesign m = shipped();
  m.technology = "reram";
  m.draws_current = true;
  m.cycle = 0.5e-9;
  EXPECT_NEAR(predict_macro(m, parameters).bitline, 2 * 0.1 / 10e3 * 0.9 * 0.5e-9, 1e-21);
  m.technology = "mram";
  m.cycle = 100e-9;
  m.columns = 4;
  EXPECT_NEAR(predict_macro(m, parameters).bitline, 4 * 4 * 0.1 / 6e3 * 0.9 * 1e-9, 1e-20);
  EXPECT_NEAR(predict_conducting_macro(m, parameters).bitline, 4 * 4 * 0.1 / 6e3 * 0.9 * 100e-9, 1e-18);
}

}  // namespace
}  // namespace flare::arch
