// A whole flash converter on a bitline: what its comparators do to it and to one another.
#include <algorithm>

#include "studies/converter/flash_measurement.hpp"
#include "tests/studies/converter/converter_fixture.hpp"

namespace flare::studies {
namespace {

class FlashCircuit : public ConverterCircuits {
 protected:
  FlashBench bench_of(const std::string& converter, int count, bool stiff = false) const {
    FlashBench bench{shipped_converter(converter), drive_at(nominal_corner), {}, 70e-15, stiff};
    for (int k = 1; k <= count; ++k) bench.references.push_back(0.9 - (k - 0.5) * 0.05);
    return bench;
  }

  std::vector<double> kicks(const FlashBench& bench, const std::string& stream) {
    std::vector<ComparatorPlace> places;
    for (const double reference : bench.references)
      places.push_back({{bench.part, bench.drive, reference}, stream, ""});
    return flash_kicks(runs_, bench, stream, decision_times(runs_, places));
  }
};

// Ideal sources hold still while the comparators pull the bitline along; references of the bitline's impedance move with it.
TEST_F(FlashCircuit, ReferencesHeldLikeTheBitlineTakeMostOfTheKickAway) {
  const std::vector<double> stiff = kicks(bench_of("flash", 8, true), "stiff");
  const std::vector<double> held = kicks(bench_of("flash", 8), "held");
  EXPECT_NEAR(stiff.back(), 47e-3, 0.15 * 47e-3);  // as measured before, on another bitline
  for (std::size_t k = 0; k < 8; ++k) EXPECT_LT(std::fabs(held[k]), 0.4 * stiff[k]) << k;
}

TEST_F(FlashCircuit, TwoComparatorsKickLessThanEight) {
  FlashBench bench = bench_of("flash", 8, true);
  const double eight = kicks(bench, "eight").back();
  bench.references = {bench.references.back(), bench.references.back() + 0.05};
  EXPECT_LT(kicks(bench, "two").front(), 0.6 * eight);
}

TEST_F(FlashCircuit, LoadAndEnergyAreThoseOfItsComparators) {
  const FlashBench bench = bench_of("flash", 8);
  const auto shared = [](engine::Testbench made) {
    return std::make_shared<const engine::Testbench>(std::move(made));
  };
  const engine::Matrix once(1, 0);
  const auto results = make_({{"energy", 0, shared(flash_energy_testbench(bench, 0.7, 240e-12)), once},
                              {"load", 0, shared(flash_load_testbench(bench)), once}});
  EXPECT_NEAR(results[1][0].measures[0] / 0.35, 9e-15, 1.5e-15);
  // Eight decisions of 1 mV take 8 x 7.4 fJ; far from balance one is shorter.
  const double energy = results[0][0].measures[0] + results[0][0].measures[1];
  EXPECT_LT(energy, 62e-15);
  EXPECT_GT(energy, 0.75 * 59e-15);
}

TEST_F(FlashCircuit, OfALadderRunsToo) {
  FlashBench bench = bench_of("flash_ladder", 4);
  const std::vector<double> ladder = kicks(bench, "ladder");
  bench.stiff = true;
  const std::vector<double> stiff = kicks(bench, "ladder_stiff");
  // The ends of the ladder are sources; in between its resistance lets the taps move.
  EXPECT_NEAR(ladder.front(), stiff.front(), 3e-3);
  EXPECT_LT(ladder[1], stiff[1] - 1e-3);
}

}  // namespace
}  // namespace flare::studies
