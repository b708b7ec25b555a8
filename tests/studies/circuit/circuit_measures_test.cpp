// Measures of circuits whose answers are closed forms, through the program.
//
// The supply is the one variable: v = 1 V + 50 mV z. A ramp of height v reaches a level L at t = L / v ns of the 1 ns that
// is simulated, or not at all.
#include <gmock/gmock.h>

#include <boost/math/distributions/normal.hpp>
#include <cmath>

#include "engine/base/hdf5_io.hpp"
#include "tests/studies/program_fixture.hpp"

namespace {

using flare::studies::testing::Ended;
using ::testing::HasSubstr;

double phi(double z) { return cdf(boost::math::normal(), z); }

constexpr const char* ramp =
    "ramp\n.lib \"kit.lib\" tt\nvdd vdd 0 1\nvr r 0 pwl(0 0 1n 1)\nb1 out! 0 v=v(vdd)*v(r)\nr1 out! 0 "
    "{load}\n"
    "b2 osc 0 v=sin(6.283185307179586e10*v(vdd)*time)\nr2 osc 0 {load}\nb3 off 0 v=v(vdd)-1\nr3 off 0 "
    "{load}\n"
    "vfix fix 0 1\nr4 fix 0 {load}\n.end\n";

constexpr const char* head =
    "[technology]\ncards = \"kit.lib\"\n[circuit]\nnetlist = \"cell.cir\"\nsupply_source = \"vdd\"\nstop = "
    "\"1 ns\"\n"
    "step = \"1 ps\"\n[corners]\nprocess = [\"tt\"]\nsupply = [\"1 V\"]\ntemperature = [\"27 degC\"]\n"
    "[[die]]\nsource = \"vdd\"\nsigma = \"50 mV\"\n";

constexpr const char* reach =
    "[[measure]]\nname = \"reach\"\nkind = \"crossing\"\nvector = \"V(OUT!)\"\nedge = \"rise\"\n";

/// A measure called as the node it is of.
std::string measure_of(const std::string& node, const std::string& lines) {
  return "[[measure]]\nname = \"" + node + "\"\nvector = \"v(" + node + ")\"\n" + lines;
}

class CircuitMeasures : public flare::studies::testing::ProgramFixture {
 protected:
  void SetUp() override {
    ProgramFixture::SetUp();
    write("kit.lib", ".lib tt\n.param load=1k\n.endl tt\n");
    write("cell.cir", ramp);
  }
  void write(const char* name, const std::string& text) const { std::ofstream(folder_ / name) << text; }

  Ended run_study(const std::string& text, int seed = 1) const {
    write("s.toml", "seed = " + std::to_string(seed) + "\n" + head + text);
    return run({"run", "s.toml", "-o", "o.h5", "--fresh"});
  }
  H5::H5File result() const { return flare::engine::open_result(folder_ / "o.h5"); }

  struct Failure {
    double p = 0.0;
    double low = 0.0;
    double high = 0.0;
    std::int64_t unknown = 0;
    std::string status;
  };
  Failure failure_of(const std::string& text, int seed = 1) const {
    const Ended ended = run_study(text, seed);
    EXPECT_EQ(ended.status, 0) << ended.out;
    if (ended.status != 0) return {};
    const flare::engine::Table table = flare::engine::read_table(result(), "/failures");
    return {table.numbers("p")[0], table.numbers("p_low")[0], table.numbers("p_high")[0],
            table.integers("unknown")[0], table.texts("status")[0]};
  }
  flare::engine::Matrix samples(const std::string& what) const {
    const std::string corner = flare::engine::read_table(result(), "/failures").texts("corner")[0];
    return flare::engine::read_matrix(result(), "/points/cell/" + corner + "/samples/" + what);
  }
};

constexpr const char* plain = "[estimator]\nmethod = \"monte_carlo\"\nruns = 300\n";
constexpr const char* rare = "[estimator]\nbudget = 2000\nruns = 100\n";

TEST_F(CircuitMeasures, AMeasureThatIsNotAskedDiscardsNoRun) {
  // The level 1 V is reached in half of the runs; the end is asked, which all of them have.
  const Failure f = failure_of("[[measure]]\nname = \"end\"\nvector = \"v(out!)\"\n" + std::string(reach) +
                               "level = \"1 V\"\n[failing]\nmeasure = \"end\"\nbelow = \"0.97 V\"\n" + plain);
  EXPECT_EQ(f.unknown, 0);
  EXPECT_LT(f.low, phi(-0.6));
  EXPECT_GT(f.high, phi(-0.6));
  const flare::engine::Matrix measures = samples("measures");
  const flare::engine::Matrix z = samples("parameters");
  int undefined = 0;
  for (Eigen::Index r = 0; r < z.rows(); ++r) {
    EXPECT_NEAR(measures(r, 0), 1.0 + 0.05 * z(r, 0), 1e-6);
    if (std::fabs(z(r, 0)) < 1e-3) continue;
    EXPECT_EQ(std::isnan(measures(r, 1)), z(r, 0) < 0.0);
    undefined += std::isnan(measures(r, 1)) ? 1 : 0;
  }
  EXPECT_GT(undefined, 100);
}

TEST_F(CircuitMeasures, WhatNoValueMeansIsAskedForAndThenTaken) {
  // 0.9 V by 0.95 ns: late where v < 0.947 V, never where v < 0.9 V.
  const std::string crossing = std::string(reach) + "level = \"0.9 V\"\n";
  const std::string late = "[failing]\nabove = \"0.95 ns\"\n";
  const Ended ended = run_study(crossing + late + plain);
  EXPECT_EQ(ended.status, 2);
  EXPECT_THAT(ended.out, HasSubstr("'reach' has no value in"));
  EXPECT_THAT(ended.out, HasSubstr("of 300 runs"));
  EXPECT_THAT(ended.out, HasSubstr("at = \"950 ps\", and below = \"0.9 V\""));

  const Failure fails = failure_of(crossing + "unmeasured = \"fails\"\n" + late + plain);
  const double exact = phi((0.9 / 0.95 - 1.0) / 0.05);
  EXPECT_LT(fails.low, exact);
  EXPECT_GT(fails.high, exact);
  const Failure level = failure_of(
      "[[measure]]\nname = \"v\"\nvector = \"v(out!)\"\nat = \"950 ps\"\n[failing]\nbelow = \"0.9 V\"\n" +
      std::string(plain));
  EXPECT_EQ(fails.p, level.p);
  const Failure passes = failure_of(crossing + "unmeasured = \"passes\"\n" + late + plain);
  EXPECT_LT(passes.p, fails.p);
  const Failure unknown = failure_of(crossing + "unmeasured = \"unknown\"\n" + late + plain);
  EXPECT_EQ(unknown.unknown, std::lround(300 * (fails.p - passes.p)));
}

TEST_F(CircuitMeasures, ARareEventOfMarginsAndPlainFails) {
  // 0.79 V by 0.98 ns: late below 0.806 V (3.88 sigma), never below 0.79 V (4.2 sigma).
  const double exact = phi((0.79 / 0.98 - 1.0) / 0.05);
  int covered = 0;
  for (int seed = 1; seed <= 4; ++seed) {
    const Failure f =
        failure_of(std::string(reach) +
                       "level = \"0.79 V\"\nunmeasured = \"fails\"\n[failing]\nabove = \"0.98 ns\"\n" + rare,
                   seed);
    EXPECT_EQ(f.status, "estimated");
    EXPECT_EQ(f.unknown, 0);
    EXPECT_NEAR(f.p, exact, 0.1 * exact);
    // The crossing is interpolated.
    covered += f.low < exact * 1.001 && f.high > exact * 0.999 ? 1 : 0;
  }
  EXPECT_GE(covered, 3);  // of 95 % intervals: 0.986
}

TEST_F(CircuitMeasures, ExpressionsOverMeasures) {
  // From 0.3 V to 0.8 V: 0.5 / v ns; above 0.52 ns where v < 0.9615 V.
  const std::string two =
      "[[measure]]\nname = \"t_b\"\nkind = \"crossing\"\nvector = \"v(out!)\"\nlevel = \"0.3 V\"\n"
      "[[measure]]\nname = \"t_c\"\nkind = \"crossing\"\nvector = \"v(out!)\"\nlevel = \"0.8 V\"\n";
  const Failure f = failure_of(two + "[failing]\nmeasure = \"t_c - t_b\"\nabove = \"0.52 ns\"\n" + plain);
  const double exact = phi((0.5 / 0.52 - 1.0) / 0.05);
  EXPECT_LT(f.low, exact);
  EXPECT_GT(f.high, exact);
  const flare::engine::Matrix measures = samples("measures");
  const flare::engine::Matrix z = samples("parameters");
  ASSERT_EQ(measures.cols(), 3);
  for (Eigen::Index r = 0; r < z.rows(); ++r) {
    EXPECT_EQ(measures(r, 2), measures(r, 1) - measures(r, 0));
    EXPECT_NEAR(measures(r, 2), 0.5e-9 / (1.0 + 0.05 * z(r, 0)), 1e-15);
  }
  const Ended replay =
      run({"replay", "o.h5",
           "points/cell/" + flare::engine::read_table(result(), "/failures").texts("corner")[0] + "/samples",
           "7", "-o", "w.csv"});
  EXPECT_EQ(replay.status, 0);
  EXPECT_THAT(replay.out, HasSubstr("t_c - t_b: recorded"));
}

TEST_F(CircuitMeasures, PeriodOfAnOscillation) {
  // 10 GHz at 1 V.
  const Failure f = failure_of(
      "[[measure]]\nname = \"period\"\nkind = \"period\"\nvector = \"v(osc)\"\nlevel = \"0 V\"\n"
      "from = \"150 ps\"\noccurrence = 2\n[failing]\nabove = \"105 ps\"\n" +
      std::string(plain));
  const double exact = phi((1.0 / 1.05 - 1.0) / 0.05);
  EXPECT_LT(f.low, exact);
  EXPECT_GT(f.high, exact);
  const flare::engine::Matrix period = samples("measures");
  const flare::engine::Matrix z = samples("parameters");
  for (Eigen::Index r = 0; r < z.rows(); ++r)
    EXPECT_NEAR(period(r, 0), 100e-12 / (1.0 + 0.05 * z(r, 0)), 0.02e-12);
}

TEST_F(CircuitMeasures, OutsideAWindow) {
  const Failure f = failure_of(
      "[[measure]]\nname = \"offset\"\nvector = \"v(off)\"\n[failing]\nbelow = \"-0.2475 V\"\n"
      "above = \"0.2475 V\"\n" +
      std::string(rare));
  const double exact = 2.0 * phi(-4.95);
  EXPECT_EQ(f.status, "estimated");
  EXPECT_NEAR(f.p, exact, 0.2 * exact);
}

TEST_F(CircuitMeasures, ASweptSourceCrossesWhereTheClosedFormSays) {
  write("cell.cir",
        "thresholds\n.lib \"kit.lib\" tt\nvdd vdd 0 1\nvin in 0 0\nb1 up 0 v=v(in)-v(vdd)/2\nr1 up 0 {load}\n"
        "b2 down 0 v=v(in)+v(vdd)/2\nr2 down 0 {load}\n.dc vin 0 9 1\n.end\n");
  std::string sweep = head;
  sweep.replace(
      sweep.find("stop = "), sweep.find("[corners]") - sweep.find("stop = "),
      "analysis = \"dc\"\nsweep = \"VIN\"\nstart = \"-0.9 V\"\nstop = \"0.9 V\"\nstep = \"7 mV\"\n");
  const auto crossing = [](const char* node) {
    return measure_of(node, "kind = \"crossing\"\nlevel = \"0 V\"\n");
  };
  write("s.toml",
        sweep + crossing("up") + crossing("down") +
            "[[measure]]\nname = \"at_zero\"\nvector = \"v(up)\"\nat = \"0 V\"\n[[measure]]\nname = \"end\"\n"
            "vector = \"v(up)\"\n[failing]\nmeasure = \"up\"\nabove = \"0.52 V\"\n" +
            plain);
  const Ended ended = run({"run", "s.toml", "-o", "o.h5"});
  ASSERT_EQ(ended.status, 0) << ended.out;
  const flare::engine::Matrix measures = samples("measures");
  const flare::engine::Matrix z = samples("parameters");
  for (Eigen::Index r = 0; r < z.rows(); ++r) {
    const double half = 0.5 * (1.0 + 0.05 * z(r, 0));
    EXPECT_NEAR(measures(r, 0), half, 1e-9);
    EXPECT_NEAR(measures(r, 1), -half, 1e-9);
    EXPECT_NEAR(measures(r, 2), -half, 1e-9);
    EXPECT_NEAR(measures(r, 3), 0.9 - half, 1e-9);
  }
  write("s.toml",
        sweep + "[[measure]]\nname = \"m\"\nvector = \"v(up)\"\nat = \"1 V\"\n[failing]\nbelow = \"0 V\"\n");
  EXPECT_THAT(run({"check", "s.toml"}).out, HasSubstr("1 V is after the end of the run, stop = 0.9 V"));
}

TEST_F(CircuitMeasures, ALowPassOfVaryingGain) {
  // |H| = v / sqrt(1 + (f / f0)^2), f0 = 1 / (2 pi 1 kOhm 1 pF) = 159.15 MHz.
  write(
      "cell.cir",
      "low pass\n.lib \"kit.lib\" tt\nvdd vdd 0 1\nvin in 0 dc 0 ac 1\nb1 x 0 v=v(vdd)*v(in)\nr1 x o {load}\n"
      "c1 o 0 1p\n.end\n");
  std::string ac = head;
  ac.replace(ac.find("stop = "), ac.find("[corners]") - ac.find("stop = "),
             "analysis = \"ac\"\nstart = \"1 MHz\"\nstop = \"5 GHz\"\npoints = 200\n");
  write("s.toml", ac +
                      "[[measure]]\nname = \"f\"\nvector = \"v(o)\"\nkind = \"crossing\"\nlevel = \"0.5 V\"\n"
                      "[[measure]]\nname = \"gain\"\nvector = \"vdb(o)\"\nkind = \"maximum\"\n"
                      "[[measure]]\nname = \"phase\"\nvector = \"vp(o)\"\nat = \"159.15494 MHz\"\n"
                      "[failing]\nbelow = \"200 MHz\"\n" +
                      plain);
  const Ended ended = run({"run", "s.toml", "-o", "o.h5"});
  ASSERT_EQ(ended.status, 0) << ended.out;
  const flare::engine::Matrix measures = samples("measures");
  const flare::engine::Matrix z = samples("parameters");
  for (Eigen::Index r = 0; r < z.rows(); ++r) {
    const double v = 1.0 + 0.05 * z(r, 0);
    EXPECT_NEAR(measures(r, 0), 159.15494e6 * std::sqrt(4.0 * v * v - 1.0), 1e4);
    EXPECT_NEAR(measures(r, 1), 20.0 * std::log10(v), 2e-4);
    EXPECT_NEAR(measures(r, 2), -45.0, 1e-2);
  }
}

TEST_F(CircuitMeasures, WhatNothingMovesHasNoProbability) {
  const Ended ended = run_study(
      "[[measure]]\nname = \"v\"\nvector = \"v(fix)\"\n[failing]\nbelow = \"0.5 V\"\n" + std::string(plain));
  EXPECT_EQ(ended.status, 2);
  EXPECT_THAT(ended.out, HasSubstr("'v' is 1 V in each of 300 runs"));
  EXPECT_THAT(ended.out, HasSubstr("nothing that varies moves it"));
}

TEST_F(CircuitMeasures, ACircuitWithoutASolutionIsAnErrorInNgspicesWords) {
  write("cell.cir",
        std::string(
            "two sources fight\n.lib \"kit.lib\" tt\nvdd vdd 0 1\nvx vdd 0 0.8\nr1 vdd 0 {load}\n.end\n"));
  const Ended ended = run_study(
      "[[measure]]\nname = \"v\"\nvector = \"v(vdd)\"\n[failing]\nbelow = \"0.5 V\"\n" + std::string(plain));
  EXPECT_EQ(ended.status, 2);
  EXPECT_THAT(ended.out, HasSubstr("does not simulate without variation"));
  EXPECT_THAT(ended.out, HasSubstr("singular matrix"));
}

TEST_F(CircuitMeasures, CheckFindsTimesAfterTheEnd) {
  write("s.toml", head + std::string("[[measure]]\nname = \"v\"\nvector = \"v(out!)\"\nat = \"2 "
                                     "ns\"\n[failing]\nbelow = \"0.5 V\"\n"));
  const Ended ended = run({"check", "s.toml"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_THAT(ended.out, HasSubstr("2 ns is after the end of the run, stop = 1 ns"));
}

}  // namespace
