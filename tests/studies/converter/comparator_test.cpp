// What is measured of the shipped comparators, against limits, other ways to measure it, and figures known of them.
#include <fmt/format.h>

#include "engine/base/sampling.hpp"
#include "tests/netlists/ngspice_batch.hpp"
#include "tests/studies/converter/converter_fixture.hpp"

namespace flare::studies {
namespace {

struct KnownComparator {
  const char* converter;
  double common_mode;
  ProcessCorner corner;
  double offset_sigma;  // V
};

// Offset spreads measured before, from 16 to 300 samples each: good to 4 ... 18 %.
constexpr KnownComparator known_comparators[] = {
    {"strongarm", 0.525, nominal_corner, 8.8e-3},       {"strongarm", 0.7, nominal_corner, 13.0e-3},
    {"strongarm", 0.875, nominal_corner, 25.4e-3},      {"strongarm", 0.435, cold_corner, 8.1e-3},
    {"strongarm_slim", 0.525, nominal_corner, 8.4e-3},  {"strongarm_slim", 0.7, nominal_corner, 9.5e-3},
    {"strongarm_slim", 0.875, nominal_corner, 13.9e-3}, {"strongarm_slim", 0.785, cold_corner, 11.6e-3},
    {"strongarm_a", 0.525, nominal_corner, 6.0e-3},     {"strongarm_a", 0.7, nominal_corner, 6.8e-3},
    {"strongarm_a", 0.875, nominal_corner, 10.7e-3},    {"strongarm_a", 0.435, cold_corner, 5.7e-3},
    {"strongarm_a", 0.785, cold_corner, 8.9e-3},        {"strongarm_b", 0.525, nominal_corner, 4.3e-3},
    {"strongarm_b", 0.7, nominal_corner, 4.9e-3},       {"strongarm_b", 0.875, nominal_corner, 8.5e-3},
};

// By first-order sensitivities; the dies below show that they are right where the latch is not far from balance.
TEST_F(ConverterCircuits, OffsetSpreadIsThatKnownAtEveryCommonMode) {
  std::vector<ComparatorPlace> places;
  for (const KnownComparator& known : known_comparators) {
    places.push_back(place_of(known.converter, known.common_mode, known.corner));
  }
  const auto slopes = comparator_slopes(runs_, places, decision_times(runs_, places));
  for (std::size_t p = 0; p < places.size(); ++p) {
    const KnownComparator& known = known_comparators[p];
    EXPECT_NEAR(slopes[p].first_order_sigma() / known.offset_sigma, 1.0, 0.1)
        << known.converter << " at " << known.common_mode << " V";
    EXPECT_LT(std::fabs(slopes[p].nominal), 1e-9) << "an offset without mismatch";
  }
}

// Two ways to the same offset: the zero at the early look, and the input at which the final decision turns. At the early look,
// amplified a hundred times, d is not yet all that decides: single comparators differ, their spread hardly does.
TEST_F(ConverterCircuits, OffsetsOfDiesAreWhereTheDecisionTurns) {
  constexpr std::size_t dies = 60;
  const std::vector<ComparatorPlace> places = {place_of("strongarm_a", 0.7)};
  const auto slopes = comparator_slopes(runs_, places, decision_times(runs_, places));
  const OffsetResult early = comparator_offsets(runs_, places, slopes, dies)[0];
  EXPECT_LE(early.runs, 6 * dies);
  EXPECT_NEAR(spread(early.offsets) / slopes[0].first_order_sigma(), 1.0, 3.0 / std::sqrt(2.0 * (dies - 1)));

  auto late = std::make_shared<engine::Testbench>(*slopes[0].testbench);
  late->analysis.stop = 1e-9;
  late->measures[0].at = 1e-9;
  const engine::Matrix draws = engine::draw({study_.seed, "dies", engine::Design::random, dies}, 0, dies,
                                            slopes[0].sensitivity.size());
  OffsetTask task{"final", late, engine::Matrix::Zero(dies, draws.cols() + 1), {}, 1e3 * input_unit};
  task.points.rightCols(draws.cols()) = draws;
  for (const double offset : early.offsets) task.guesses.push_back(offset / input_unit);
  const OffsetResult final = find_offsets({task}, 0.05e-3 / input_unit, make_)[0];
  std::vector<double> turns, differences;
  for (std::size_t die = 0; die < dies; ++die) {
    turns.push_back(final.offsets[die] * input_unit);
    differences.push_back(turns[die] - early.offsets[die]);
  }
  RecordProperty("rms_difference_uV", static_cast<int>(1e6 * spread(differences)));
  EXPECT_LT(spread(differences), 0.1 * spread(early.offsets)) << spread(differences);
  EXPECT_NEAR(spread(turns) / spread(early.offsets), 1.0, 0.05);
}

TEST_F(ConverterCircuits, ADieAloneHasTheOffsetItHasAmongOthers) {
  const std::vector<ComparatorPlace> places = {place_of("strongarm_a", 0.7)};
  const auto slopes = comparator_slopes(runs_, places, decision_times(runs_, places));
  const OffsetResult few = comparator_offsets(runs_, places, slopes, 3)[0];
  // With nothing kept from before.
  engine::RunStore fresh;
  const MakeAllRuns make = [&](const std::vector<engine::RunRequest>& requests) {
    return engine::run_all(*pool_, fresh, requests);
  };
  const OffsetResult more = comparator_offsets({study_, *pool_, make}, places, slopes, 6)[0];
  for (std::size_t die = 0; die < 3; ++die) EXPECT_EQ(few.offsets[die], more.offsets[die]);
}

// A trim that acts like a threshold, set at tt 0.9 V 27 degC, leaves at another corner what the offset has drifted. To first
// order, against what Monte Carlo of 60 dies gave of the same sizes (9 %).
TEST_F(ConverterCircuits, OffsetsDriftOverCornersAsMeasuredBefore) {
  struct Drift {
    ProcessCorner corner;
    double threshold;  // below the supply, V
    double low, high;  // mV
  };
  const std::vector<Drift> expected = {{{"ss", 0.81, -40.0}, 0.375, 0.81, 0.81},
                                       {{"ff", 0.99, 125.0}, 0.375, 1.09, 1.09},
                                       {{"tt", 0.9, 125.0}, 0.375, 0.57, 0.57},
                                       {{"ss", 0.81, -40.0}, 0.2, 1.3, 1.6},
                                       {{"ss", 0.81, -40.0}, 0.025, 2.3, 2.5}};
  for (const Drift& e : expected) {
    const std::vector<ComparatorPlace> places = {
        place_of("strongarm_a", nominal_corner.supply - e.threshold),
        place_of("strongarm_a", e.corner.supply - e.threshold, e.corner)};
    const auto slopes = comparator_slopes(runs_, places, decision_times(runs_, places));
    double square = 0.0;
    for (std::size_t v = 0; v < slopes[0].sensitivity.size(); ++v)
      square += std::pow(slopes[1].sensitivity[v] - slopes[0].sensitivity[v], 2);
    const double drift = 1e3 * std::sqrt(square);
    EXPECT_GT(drift, 0.75 * e.low) << e.corner.section << ' ' << e.threshold;
    EXPECT_LT(drift, 1.25 * e.high) << e.corner.section << ' ' << e.threshold;
  }
}

// Energy: the sum over the sources of the integral of v i, from waveforms of plain ngspice.
TEST_F(ConverterCircuits, EnergyIsWhatTheSourcesGive) {
  const ComparatorPlace place = place_of("strongarm", 0.7);
  const std::vector<ComparatorPlace> places = {place};
  const auto times = decision_times(runs_, places);
  const DecisionEnergy energy = decision_energies(runs_, places, times)[0];
  const double end = clock_start + 2.0 * (times[0].decided - clock_start);
  const std::vector<std::string> files = {"vdd", "vclk", "vcm", "vd", "clk", "inp"};
  const auto run = netlist_test::run_ngspice(
      comparator_netlist(
          place.bench, end,
          fmt::format(
              ".options temp=27 method=trap reltol=1e-4 trtol=0.5 chgtol=1e-17\n.control\nalter vd 0.001\n"
              "tran 0.2p {} 0 0.5p\nwrdata vdd i(vdd)\nwrdata vclk i(vclk)\nwrdata vcm i(vcm)\n"
              "wrdata vd i(vd)\nwrdata clk v(clk)\nwrdata inp v(inp)\n.endc\n.end\n",
              2.0 * end - clock_start)),
      files);
  const auto given = [&](const char* current, const auto& volts, double until) {
    const netlist_test::Curve& i = run.curves.at(current);
    double joule = 0.0;
    for (std::size_t n = 1; n < i.x.size() && i.x[n] <= until; ++n) {
      joule -= 0.5 * (i.y[n] * volts(n) + i.y[n - 1] * volts(n - 1)) * (i.x[n] - i.x[n - 1]);
    }
    return joule;
  };
  const auto supply = [](std::size_t) { return 0.9; };
  const double inputs = given(
                            "vcm", [](std::size_t) { return 0.7; }, 1.0) +
                        given(
                            "vd", [](std::size_t) { return 0.001; }, 1.0);
  EXPECT_NEAR(energy.supply, given("vdd", supply, 1.0), 0.02 * energy.supply);
  EXPECT_NEAR(energy.clock, given("vclk", supply, end), 0.02 * energy.supply);
  EXPECT_NEAR(energy.input, inputs, 0.02 * energy.supply);
  EXPECT_DOUBLE_EQ(energy.total(), energy.supply + energy.clock + energy.input);
  EXPECT_NEAR(energy.supply + energy.clock, 6.4e-15, 0.1 * 6.4e-15);
}

// ---- Noise by random sources: each transistor's current noise as a source of its own, under plain ngspice.

// "m.x0.mip" and the nodes of the comparator, by name inside.
struct Channel {
  const char *device, *drain, *source;
};
constexpr Channel channels[] = {
    {"mtail", "x0.tail", "0"}, {"mip", "x0.xn", "x0.tail"}, {"min", "x0.xp", "x0.tail"},
    {"mnn", "x0n", "x0.xn"},   {"mnp", "x0p", "x0.xp"},     {"mpn", "x0n", "vdd"},
    {"mpp", "x0p", "vdd"},     {"mrn", "x0n", "vdd"},       {"mrp", "x0p", "vdd"},
    {"mxn", "x0.xn", "vdd"},   {"mxp", "x0.xp", "vdd"}};
constexpr double random_step = 0.5e-12;

// The same circuit with commands of its own.
std::string circuit_text(const ComparatorPlace& place, const std::string& more) {
  return comparator_netlist(place.bench, 0.0,
                            fmt::format(".options temp={} method=trap reltol=1e-3 trtol=1 chgtol=1e-16\n{}",
                                        place.bench.drive.temperature, more));
}

// sqrt(2 k T (gm + gds)/step) of a channel over time as a piecewise linear source.
std::string amplitude(const netlist_test::Curve& gm, const netlist_test::Curve& gds, double temperature) {
  std::string points;
  for (std::size_t i = 0; i < gm.x.size(); ++i) {
    if (i > 0 && gm.x[i] <= gm.x[i - 1]) continue;
    const double g = std::fabs(gm.y[i]) + std::fabs(gds.y[i]);
    points += fmt::format(" {} {}", gm.x[i],
                          std::sqrt(2.0 * 1.380649e-23 * (temperature + 273.15) * g / random_step));
  }
  return points;
}

// d at `time` over `runs` random runs.
std::vector<double> random_decisions(const ComparatorPlace& place, double time, int runs) {
  std::string save;
  std::vector<std::string> files;
  for (const Channel& c : channels) {
    for (const char* g : {"gm", "gds"}) {
      files.push_back(fmt::format("{}_{}", c.device, g));
      save += fmt::format("wrdata {} @m.x0.{}[{}]\n", files.back(), c.device, g);
    }
  }
  std::string all = "save";
  for (const Channel& c : channels) all += fmt::format(" @m.x0.{0}[gm] @m.x0.{0}[gds]", c.device);
  const auto quiet = netlist_test::run_ngspice(
      circuit_text(place, fmt::format(".control\n{}\ntran 1p {} 0 2p\n{}.endc\n.end\n", all, time, save)),
      files);
  std::string noisy;
  for (const Channel& c : channels) {
    const std::string d = c.device;
    noisy += fmt::format(
        "va{0} a{0} 0 pwl({1})\nvz{0} z{0} 0 dc 0 trnoise(1 {2} 0 0)\nb{0} {3} {4} i=v(a{0})*v(z{0})\n", d,
        amplitude(quiet.curves.at(d + "_gm"), quiet.curves.at(d + "_gds"), place.bench.drive.temperature),
        random_step, c.drain, c.source);
  }
  const std::string loop = fmt::format(
      ".control\nsave x0p x0n\nlet i=0\ndestroy all\nrepeat {}\ntran 1p {} 0 {}\nlet d=x0p-x0n\nprint "
      "d[length(d)-1]\ndestroy all\nend\n.endc\n.end\n",
      runs, time, random_step);
  std::vector<double> found;
  const std::string output = netlist_test::run_ngspice(circuit_text(place, noisy + loop)).output;
  const std::string mark = "d[length(d)-1] = ";
  for (std::size_t at = output.find(mark); at != std::string::npos; at = output.find(mark, at + 1)) {
    found.push_back(std::stod(output.substr(at + mark.size(), 24)));
  }
  return found;
}

// 20 ps before the early look, where d is still linear at several sigma; the worst case: inputs high, a wide tail.
TEST_F(ConverterCircuits, NoiseIsThatOfRandomSources) {
  constexpr int runs = 250;
  const std::vector<ComparatorPlace> places = {place_of("strongarm", 0.875)};
  auto times = decision_times(runs_, places);
  times[0].early -= 20e-12;
  const double noise = comparator_noise(runs_, places, times)[0];
  const auto slopes = comparator_slopes(runs_, places, times);
  const std::vector<double> d = random_decisions(places[0], times[0].early, runs);
  ASSERT_EQ(d.size(), static_cast<std::size_t>(runs));
  EXPECT_NEAR(spread(d) / slopes[0].gain / noise, 1.0, 3.0 / std::sqrt(2.0 * runs));
}

TEST_F(ConverterCircuits, NoiseDoesNotHangOnTheInstants) {
  const std::vector<ComparatorPlace> places = {place_of("strongarm_a", 0.525)};
  const auto times = decision_times(runs_, places);
  const double noise = comparator_noise(runs_, places, times)[0];
  EXPECT_NEAR(comparator_noise(runs_, places, times, 48)[0] / noise, 1.0, 0.03);
  EXPECT_NEAR(noise, 0.80e-3, 0.08e-3);
}

}  // namespace
}  // namespace flare::studies
