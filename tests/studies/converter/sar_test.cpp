// A whole SAR converter: its closed loop against charge conservation, and against its own thresholds.
#include <algorithm>

#include "analysis/converters/sine_test.hpp"
#include "studies/converter/sar_measurement.hpp"
#include "tests/studies/converter/converter_fixture.hpp"

namespace flare::studies {
namespace {

class SarCircuit : public ConverterCircuits {
 protected:
  SarBench bench_ = {shipped_converter("sar"), drive_at(nominal_corner), 0.475, 220e-12, {}, 1.0};

  // Thresholds of the codes, by bisection within `reach` of where they are expected.
  std::vector<double> thresholds(const SarBench& bench, const std::vector<int>& codes,
                                 const std::vector<double>& expected, double reach) {
    std::vector<SarTransition> asked;
    for (std::size_t i = 0; i < codes.size(); ++i) {
      asked.push_back(
          {bench, fmt::format("sar{}", bench.rest), codes[i], expected[i] - reach, expected[i] + reach});
    }
    return sar_transitions(runs_, asked, 0.1e-3);
  }
  // Of codes 1 and 7 of an even array.
  std::vector<double> ends() { return thresholds(bench_, {1, 7}, {0.54, 0.835}, 0.02); }
};

// Capacitors off by 3 %: step and origin are those of the even array, all else follows from charge.
TEST_F(SarCircuit, ThresholdsOfMismatchedCapacitorsFollowChargeConservation) {
  const std::vector<double> even = ends();
  const double step = (even[1] - even[0]) / 6.0;
  const double load = bench_.drive.supply / step - 16.0;
  EXPECT_NEAR(step, 0.0497, 0.001);
  SarBench uneven = bench_;
  uneven.weights = {8.0 + 0.085, 4.0 - 0.06, 2.0 + 0.042, 1.0 - 0.03};
  uneven.rest = 1.03;
  const std::vector<int> codes = {1, 2, 3, 4, 5, 6, 7, 8};
  std::vector<double> expected =
      charge_thresholds(uneven.weights, uneven.rest, load, bench_.drive.supply, even[0] - step);
  expected.resize(codes.size());
  const std::vector<double> found = thresholds(uneven, codes, expected, 3e-3);
  for (std::size_t c = 0; c < codes.size(); ++c) {
    EXPECT_NEAR(found[c], expected[c], 0.2e-3) << "code " << codes[c];
  }
}

// A decision that is taken over too early is taken over as it stands, which depends on the bits before.
TEST_F(SarCircuit, BitsTakenOverTooEarlyLeaveChargeConservation) {
  bench_.decision = 145e-12;
  const std::vector<double> even = ends();
  const double step = (even[1] - even[0]) / 6.0;
  const double found = thresholds(bench_, {8}, {even[1] + step}, 3e-3)[0];
  EXPECT_LT(found, even[1] + step - 1e-3);
}

// A coherent sine of 64 samples through the circuit: the codes are those of the thresholds, and so is ENOB.
TEST_F(SarCircuit, ASineIsReadAsTheThresholdsSay) {
  const std::vector<double> even = ends();
  std::vector<double> t;
  for (int c = 0; c < 8; ++c) t.push_back(even[0] + c * (even[1] - even[0]) / 6.0);
  t = thresholds(bench_, {1, 2, 3, 4, 5, 6, 7, 8}, t, 3e-3);
  analysis::SineTest test = analysis::full_scale(t);
  test.samples = 64;
  engine::Matrix points(64, 1);
  for (std::size_t i = 0; i < 64; ++i) {
    points(static_cast<Eigen::Index>(i), 0) = (analysis::sine_input(test, i) - 0.7) / input_unit;
  }
  const auto runs =
      make_({{"sine", 0, std::make_shared<const engine::Testbench>(sar_testbench(bench_, 0.7)), points}});
  std::vector<double> codes;
  for (std::size_t i = 0; i < 64; ++i) {
    const double input = analysis::sine_input(test, i);
    const auto expected =
        std::count_if(t.begin(), t.end(), [&](double threshold) { return input > threshold; });
    codes.push_back(sar_code(bench_, runs[0][i].measures));
    EXPECT_EQ(codes.back(), static_cast<double>(expected)) << input << " V";
  }
  const double enob = analysis::sine_figures_of_codes(codes).enob;
  EXPECT_DOUBLE_EQ(enob, analysis::sine_figures(t, test).enob);
  // Of nine even levels, sampled alike.
  std::vector<double> ideal;
  for (int c = 0; c < 8; ++c) ideal.push_back(t.front() + c * (t.back() - t.front()) / 7.0);
  EXPECT_NEAR(enob, analysis::sine_figures(ideal, test).enob, 0.01);
  RecordProperty("enob_thousandths", static_cast<int>(std::lround(1e3 * enob)));
}

}  // namespace
}  // namespace flare::studies
