// Circuits resized for the same sigma, the cheapest SAWL, what a cost hangs on, and macros by hand.
#include "flare_arch/cost/sawl_scaling.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "flare_arch/cost/converter_cost.hpp"

namespace flare::arch {
namespace {

const std::vector<int> values = {1, 2, 4, 8, 16, 32};

ModelShape small() { return *known_shape("deit_tiny", 33); }

Architecture sram() {
  Architecture a;
  a.weights.technology = MemoryTechnology::sram;
  return a;
}

TEST(SameSigma, TheBaseItselfIsNotMoved) {
  const Architecture a = sram(), b = at_same_sigma(a, a.dynamic.sawl);
  const CostReport x = cost_of(closed_form(small(), a), a), y = cost_of(closed_form(small(), b), b);
  EXPECT_NEAR(x.sequence_energy, y.sequence_energy, 1e-12 * x.sequence_energy);
  EXPECT_NEAR(x.area, y.area, 1e-12 * x.area);
}

TEST(SameSigma, CellsGoWithSawlComparatorsWithItsSquare) {
  Architecture a = sram();
  a.weights.converter.law = a.dynamic.converter.law = ConverterLaw::flash_untrimmed;
  const Architecture b = at_same_sigma(a, 16);
  const auto gates = [](const Architecture& x) {
    return x.parameters.get("sram_cell_area").value - 0.125e-12;
  };
  EXPECT_NEAR(gates(b) / gates(a), 2, 1e-9);
  EXPECT_NEAR(b.dynamic.converter.offset_sigma / a.dynamic.converter.offset_sigma, 0.5, 1e-12);
  const auto area = [](const Architecture& x) {
    return conversion_cost(x.dynamic, x, Bound::nominal).area / x.dynamic.sawl;
  };
  EXPECT_NEAR(area(b) / area(a), 4, 1e-9);
}

TEST(SameSigma, ATrimGainsBitsInstead) {
  Architecture a = sram();  // leaves 0.6 mV of the 1.5 allowed at SAWL 8
  const Architecture b = at_same_sigma(a, 32);
  EXPECT_LE(b.dynamic.converter.trim_residue, b.dynamic.converter.offset_sigma);
  EXPECT_NEAR(b.parameters.get("trim_area").value / a.parameters.get("trim_area").value, 2, 1e-12);
  const auto energy = [](const Architecture& x) {
    return conversion_cost(x.dynamic, x, Bound::nominal).energy;
  };
  EXPECT_NEAR(energy(b) / energy(a), 4, 1e-9);  // as many comparators more, none larger
}

TEST(SameSigma, ABitlineMovesTheSameChargeInSmallerSteps) {
  const Architecture a = sram(), b = at_same_sigma(a, 2);
  const double on = b.parameters.get("sram_bitline").value / a.parameters.get("sram_bitline").value;
  EXPECT_NEAR(on, 4 * (50 + 20 * 0.5) / 70,
              1e-9);  // C swing / s; 50 fF of wire, 20 of gates with the root of s
}

TEST(CheapestSawl, IsTheLeastOfTheListed) {
  for (const ConverterLaw law : {ConverterLaw::flash, ConverterLaw::flash_untrimmed, ConverterLaw::sar}) {
    const CheapestSawl c = cheapest_sawl(small(), sram(), values, law);
    const std::vector<SawlPoint> points = sawl_points(small(), sram(), values, {law});
    double least = 1;
    int at = 0;
    for (const SawlPoint& p : points)
      if (p.energy[1].total() < least) {
        least = p.energy[1].total();
        at = p.sawl;
      }
    EXPECT_EQ(c.nominal, at);
    EXPECT_NEAR(c.energy, least, 1e-12 * least);
    EXPECT_LE(c.least, c.nominal);
    EXPECT_GE(c.most, c.nominal);
    EXPECT_LE(c.energy_low, c.energy);
    EXPECT_GE(c.energy_high, c.energy);
    EXPECT_EQ(c.moved_by.empty(), c.least == c.most);
  }
}

TEST(CheapestSawl, UntrimmedComparatorsWantFewRows) {
  EXPECT_LE(cheapest_sawl(small(), sram(), values, ConverterLaw::flash_untrimmed).nominal, 4);
  EXPECT_GE(cheapest_sawl(small(), sram(), values, ConverterLaw::flash).nominal, 8);
}

TEST(Influences, OneAloneMovesWhatItSays) {
  const Architecture a = sram();
  const Workload work = closed_form(small(), a);
  const std::vector<Influence> all = influences(work, true, a, false);
  ASSERT_GT(all.size(), 5u);
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_LE(all[i].low, 1 + 1e-12) << all[i].parameter;
    EXPECT_GE(all[i].high, 1 - 1e-12) << all[i].parameter;
    if (i > 0) {
      EXPECT_LE(all[i].swing(), all[i - 1].swing());
    }
  }
  Architecture moved = a;
  Parameter p = a.parameters.get(all.front().parameter);
  p.value = p.high;
  moved.parameters.replace(p);
  EXPECT_NEAR(cost_of(closed_form(small(), moved), moved).token_energy() / cost_of(work, a).token_energy(),
              all.front().high, 1e-12);
}

}  // namespace
}  // namespace flare::arch
