// The charge-to-pulse converter against the closed form C dV / I and figures measured with plain ngspice.
#include "studies/gain_cell/pulse_bench.hpp"

#include <algorithm>
#include <cmath>

#include "studies/gain_cell/gain_cell_figures.hpp"
#include "tests/studies/gain_cell/cell_fixture.hpp"

namespace flare::studies {
namespace {

class PulseCircuits : public GainCellCircuits {
 protected:
  static PulseBench bench_at(double capacitance, bool with_sign, const CellDrive& drive,
                             const std::vector<double>& parts) {
    PulseBench bench{read_pulse_converter(own_part("converter", "charge_to_pulse")),
                     with_sign,
                     drive,
                     capacitance,
                     80e-6,
                     15e-9,
                     {}};
    for (const double part : parts) bench.charges.push_back(part * bench.full_charge());
    return bench;
  }
  static std::vector<double> widths(const PulseBench& bench) {
    const std::vector<double> measures =
        results(pulse_testbench(bench), engine::Matrix(1, 0)).front().measures;
    std::vector<double> all;
    for (std::size_t k = 0; k < bench.charges.size(); ++k) all.push_back(pulse_width(bench, measures, k));
    return all;
  }
  static engine::PulseConverterRow line(const PulseBench& bench) {
    const std::vector<double> found = widths(bench);
    engine::Matrix twice(2, static_cast<Eigen::Index>(found.size()));  // a spread takes two
    for (std::size_t k = 0; k < found.size(); ++k)
      twice.col(static_cast<Eigen::Index>(k)).setConstant(found[k]);
    return converter_row("", twice, bench.charges, bench.current);
  }
};

// Bringing back dV = Q/C takes C dV / I = Q/I. The mirror's output resistance adds 1.3 %, the delay of three inverters half
// a nanosecond, which a smaller slope of the bitline makes longer.
TEST_F(PulseCircuits, WidthIsTheChargeOverTheCurrentAndADelay) {
  const std::vector<double> parts{0.1, 0.3, 0.6, 0.95};
  const engine::PulseConverterRow steep = line(bench_at(4e-12, false, cell_drive(), parts));
  EXPECT_NEAR(steep.gain, 1.013, 0.003);
  EXPECT_NEAR(steep.offset, 0.50e-9, 0.05e-9);
  EXPECT_LT(steep.inl, 12e-12);
  const engine::PulseConverterRow flat = line(bench_at(8e-12, false, cell_drive(), parts));
  EXPECT_NEAR(flat.gain, steep.gain, 0.003);
  EXPECT_GT(flat.offset, steep.offset + 0.1e-9);
  EXPECT_LT(flat.inl, 12e-12);
}

TEST_F(PulseCircuits, TheRectifierMakesNoPulseOfANegativeCharge) {
  const std::vector<double> found = widths(bench_at(8e-12, false, cell_drive(), {-0.9, -0.1, 0.1}));
  EXPECT_EQ(found[0], 0.0);
  EXPECT_EQ(found[1], 0.0);
  EXPECT_GT(found[2], 1.5e-9);
}

TEST_F(PulseCircuits, APulseThatDoesNotEndHasNoWidth) {
  EXPECT_TRUE(std::isnan(widths(bench_at(8e-12, false, cell_drive(), {1.6})).front()));
}

TEST_F(PulseCircuits, BothSignsMakePulsesOfTheSameWidth) {
  const PulseBench bench = bench_at(8e-12, true, cell_drive(), {-0.9, -0.2, 0.2, 0.9});
  const std::vector<double> found = widths(bench);
  const std::vector<double> rectified = widths(bench_at(8e-12, false, cell_drive(), {0.2, 0.9}));
  EXPECT_NEAR(found[0] / found[3], 1.0, 0.04);
  EXPECT_NEAR(found[1] / found[2], 1.0, 0.15) << "the offsets of the two mirrors differ";
  EXPECT_NEAR(found[2], rectified[0], 0.05e-9);
  EXPECT_NEAR(found[3], rectified[1], 0.05e-9);
}

TEST_F(PulseCircuits, TheDelayIsLargestWhereTheInvertersAreSlowest) {
  const std::vector<double> parts{0.15, 0.9};
  CellDrive cold = cell_drive(-40.0);
  cold.section = "ss";
  cold.supply = 0.81;
  CellDrive hot = cell_drive(125.0);
  hot.section = "ff";
  hot.supply = 0.99;
  const double slow = line(bench_at(4e-12, false, cold, parts)).offset;
  const double fast = line(bench_at(4e-12, false, hot, parts)).offset;
  EXPECT_NEAR(slow, 1.95e-9, 0.3e-9);
  EXPECT_NEAR(fast, 0.2e-9, 0.1e-9);
}

}  // namespace
}  // namespace flare::studies
