// A whole flash converter on a bitline: what its comparators do to it and to one another.
#include <algorithm>
#include <fstream>
#include <iterator>

#include "studies/converter/flash_measurement.hpp"
#include "tests/studies/converter/converter_fixture.hpp"

namespace flare::studies {
namespace {

class FlashCircuit : public ConverterCircuits {
 protected:
  FlashBench bench_of(const std::string& converter, int count, bool stiff = false) const {
    FlashBench bench{shipped_converter(converter), drive_at(nominal_corner), {}, 60e-15, stiff};
    for (int k = 1; k <= count; ++k) bench.references.push_back(0.9 - (k - 0.5) * 0.05);
    return bench;
  }

  /// The shipped comparator and held references, the transistor at the input `by` times as wide as that at the reference.
  static std::filesystem::path lopsided(const std::string& by, const std::string& name) {
    const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / name;
    std::filesystem::create_directories(folder);
    std::ifstream in(shipped_converter("strongarm").netlist);
    std::string text((std::istreambuf_iterator<char>(in)), {});
    const std::string pair = "mip xn inp tail vss nfet w={wi}";
    text.replace(text.find(pair), pair.size(), "mip xn inp tail vss nfet w={" + by + "*wi}");
    std::ofstream(folder / "converter.cir") << text
                                            << ".subckt held_reference source reference sample c=11f\n"
                                               "ssample source reference sample 0 reference_switch\n"
                                               "chold reference 0 {c}\n"
                                               ".model reference_switch sw(vt=0.5 vh=0 ron=200 roff=1g)\n"
                                               ".ends held_reference\n";
    return folder / "converter.cir";
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
  EXPECT_NEAR(stiff.back(), 59e-3, 0.05 * 59e-3);  // 47 mV on 70 fF without its wire
  // Most of it: of a wire with resistance the comparators feel only what is near, so the uppermost, fastest kicks stay larger.
  double whole = 0.0;
  double left = 0.0;
  for (std::size_t k = 0; k < 8; ++k) {
    EXPECT_LT(std::fabs(held[k]), stiff[k]) << k;
    whole += stiff[k];
    left += std::fabs(held[k]);
    fmt::print("threshold {}: stiff {:.1f} mV, held {:.1f} mV\n", k + 1, 1e3 * stiff[k], 1e3 * held[k]);
  }
  EXPECT_LT(left, 0.5 * whole);
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

// While a comparator decides, bitline and reference give way: its mismatch moves the balance otherwise than between stiff
// sources, the more the lower they stand.
TEST_F(FlashCircuit, MismatchWeighsOtherwiseInPlace) {
  const FlashBench bench = bench_of("flash", 8);
  std::vector<ComparatorPlace> places;
  for (const double reference : bench.references)
    places.push_back({{bench.part, bench.drive, reference}, fmt::format("place{}", reference), ""});
  const auto times = decision_times(runs_, places);
  const auto alone = comparator_slopes(runs_, places, times);
  const auto kick = flash_kicks(runs_, bench, "in_place", times);
  const auto there = offsets_in_place(runs_, bench, "in_place", times, kick);
  double first = 0.0;
  for (std::size_t k = 0; k < 8; ++k) {
    const double ratio = there[k] / alone[k].first_order_sigma();
    RecordProperty(fmt::format("permille_{}", k + 1), static_cast<int>(std::lround(1e3 * ratio)));
    EXPECT_GT(ratio, 0.9) << k;
    EXPECT_LT(ratio, 1.4) << k;
    if (k == 0) first = ratio;
  }
  EXPECT_GT(there[7] / alone[7].first_order_sigma(), first);
}

// What a reference gave to the kick it gets back when it is sampled again, and a ladder draws all the time.
TEST_F(FlashCircuit, ReferencesTakeEnergyToo) {
  const auto of = [&](const FlashBench& bench) {
    const engine::Testbench made = flash_energy_testbench(bench, 0.7, 240e-12);
    const auto run = make_({{bench.part.name + "/references", 0,
                             std::make_shared<const engine::Testbench>(made), engine::Matrix(1, 0)}})[0][0];
    return std::pair(made, run.measures);
  };
  const auto [held, given] = of(bench_of("flash", 8));
  ASSERT_EQ(given.size(), 2u + 8u);
  for (std::size_t m = 2; m < given.size(); ++m) EXPECT_LT(std::fabs(given[m]), 2e-15) << m;
  const auto [ladder, drawn] = of(bench_of("flash_ladder", 8));
  ASSERT_EQ(drawn.size(), 2u + 2u);
  const double current = 0.35 / 14e3;
  EXPECT_NEAR(drawn[2], 0.875 * current * ladder.analysis.stop, 0.1 * drawn[2]);
  EXPECT_NEAR(drawn[3], -0.525 * current * ladder.analysis.stop, -0.1 * drawn[3]);
}

// The balance point of a lopsided comparator holds its systematic offset, which its dies have too: it counts once.
TEST_F(FlashCircuit, ASystematicOffsetIsNoKick) {
  study_.adc = AdcStudy{2, {0.1}, 70e-15};
  study_.cards = netlists_folder() / "cards/cmos28.lib";
  study_.nominal = Corner{};
  study_.nominal.process = "tt";
  study_.nominal.supply = 0.9;
  study_.nominal.temperature = 27.0;
  study_.estimator.runs = 20;
  ConverterStudy converter;
  converter.name = std::string("uneven");
  converter.circuit = shipped_converter("flash");
  converter.circuit->netlist = lopsided("1.05", "lopsided");
  analysis::AdcResult adc;
  measure_flash(runs_, converter, adc);

  std::vector<ComparatorPlace> places;
  for (const double reference : {0.875, 0.825}) {
    places.push_back(
        {{*converter.circuit, drive_at(nominal_corner), reference}, fmt::format("uneven{}", reference), ""});
  }
  const auto alone = comparator_slopes(runs_, places, decision_times(runs_, places));
  for (std::size_t k = 0; k < 2; ++k) {
    const analysis::AdcThresholdRow& row = adc.thresholds[k];
    EXPECT_GT(std::fabs(alone[k].nominal), 1e-3) << k;
    // The references are set for the balance point, which holds it; what is left of the mean is that of 20 dies.
    EXPECT_NEAR(row.kick + alone[k].nominal, 0.0, 0.5e-3) << k;
    EXPECT_NEAR(row.left_mean, 0.0, 4.0 * row.offset_sigma / std::sqrt(20.0)) << k;
  }
}

// One that decides 1 mV the other way is not slow: it is lopsided, and that is what is said.
TEST_F(FlashCircuit, ALopsidedComparatorIsCalledSo) {
  ComparatorPlace place = place_of("strongarm", 0.7);
  place.bench.part.netlist = lopsided("0.9", "mirrored");
  place.stream = std::string("mirrored");
  try {
    decision_times(runs_, {place});
    FAIL();
  } catch (const StudyError& e) {
    EXPECT_NE(std::string(e.what()).find("two halves are not alike"), std::string::npos) << e.what();
  }
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
