// What a kit set on a transistor stays: mismatch is added to its threshold shift and multiplies its mobility factor. Every
// sample against plain ngspice, where the sum or the product stands in the netlist. Scopes: who shares a draw.
#include <cmath>

#include "tests/netlists/ngspice_batch.hpp"
#include "tests/studies/circuit_fixture.hpp"

namespace {

using flare::studies::testing::cell;
using flare::studies::testing::CircuitFixture;
using flare::studies::testing::operating_point;
using flare::studies::testing::phi;
using flare::studies::testing::plain;
using flare::studies::testing::Samples;
using flare::studies::testing::varies;

constexpr const char* cards =
    "* a kit whose wrapper sets a shift of its own on every transistor\n"
    ".subckt nmm d g s b w=1u l=0.1u\nm0 d g s b nch w={w} l={l} delvto={skew} mulu0={speed}\n.ends\n"
    ".model nch nmos level=54 version=4.8.0 toxe=1.8n vth0=0.40 u0=0.030 vsat=1e5\n"
    ".model pch pmos level=54 version=4.8.0 toxe=1.8n vth0=-0.40 u0=0.012 vsat=1e5\n";

class TransistorNominals : public CircuitFixture {
 protected:
  void SetUp() override {
    CircuitFixture::SetUp();
    write("kit.lib",
          ".lib tt\n.param skew=50m speed=0.9\n.include cards.inc\n.endl tt\n"
          ".lib ss\n.param skew=90m speed=0.8\n.include cards.inc\n.endl ss\n");
    write("cards.inc", cards);
  }

  /// Currents of one transistor after another under plain ngspice, their kit's skew and speed as given.
  static std::vector<double> plain_currents(const std::vector<std::pair<double, double>>& skew_and_speed) {
    std::string netlist =
        "one transistor a sample\n" + std::string(cards) + ".param skew=0 speed=1\nvg g 0 0.6\n";
    std::string control = ".control\nset numdgt=15\nop\n";
    for (std::size_t i = 0; i < skew_and_speed.size(); ++i) {
      netlist +=
          fmt::format("vd{0} d{0} 0 0.9\nm{0} d{0} g 0 0 nch w=1u l=0.1u delvto={1:.17g} mulu0={2:.17g}\n", i,
                      skew_and_speed[i].first, skew_and_speed[i].second);
      control += fmt::format("let i{0} = -i(vd{0})\nprint i{0}\n", i);
    }
    const auto measures = flare::netlist_test::run_ngspice(netlist + control + ".endc\n.end\n").measures;
    std::vector<double> currents;
    for (std::size_t i = 0; i < skew_and_speed.size(); ++i)
      currents.push_back(measures.at(fmt::format("i{}", i)));
    return currents;
  }
};

constexpr const char* one_transistor = ".lib 'kit.lib' tt\nvd d 0 0.9\nvg g 0 0.6\nx1 d g 0 0 nmm";

TEST_F(TransistorNominals, MismatchIsOnTopOfWhatTheKitSays) {
  write("cell.cir", cell(one_transistor));
  study_runs("[technology]\ncards = \"kit.lib\"\n" + operating_point("-i(vd)", "\"1 pA\"") +
             "[[variation]]\nparameter = \"Vth\"\npelgrom = \"1.3 mV um\"\n"
             "[[variation]]\nparameter = \"beta\"\nsigma = \"3 %\"\n[corners]\nprocess = [\"tt\", \"ss\"]\n" +
             plain(20));
  ASSERT_EQ(corners(), (std::vector<std::string>{"tt", "ss"}));
  for (const auto& [corner, skew, speed] : {std::tuple{"tt", 50e-3, 0.9}, {"ss", 90e-3, 0.8}}) {
    const Samples s = samples(corner);
    EXPECT_EQ(s.variables, (std::vector<std::string>{"x1.m0.Vth", "x1.m0.beta"}));
    std::vector<std::pair<double, double>> settings;
    for (Eigen::Index r = 0; r < s.z.rows(); ++r) {
      const double pelgrom = 1.3e-9 / std::sqrt(1e-6 * 0.1e-6);
      settings.emplace_back(skew + pelgrom * s.z(r, 0), speed * std::exp(0.03 * s.z(r, 1)));
    }
    const std::vector<double> right = plain_currents(settings);
    for (Eigen::Index r = 0; r < s.z.rows(); ++r) {
      const double current = right[static_cast<std::size_t>(r)];
      EXPECT_NEAR(s.measures(r, 0), current, 2e-5 * current) << corner << " " << r;
    }
  }
}

TEST_F(TransistorNominals, TheKitsShiftDecidesHowOftenALimitIsMissed) {
  write("cell.cir", cell(".lib 'kit.lib' tt\nvd d 0 0.9\nvg g 0 0.6\nm1 d g 0 0 nch w=1u l=0.1u delvto=50m"));
  study_runs(
      "[technology]\ncards = \"kit.lib\"\n" + operating_point("-i(vd)", "\"6 uA\"") +
      "[[variation]]\nparameter = \"delvto\"\npelgrom = \"1.3 mV um\"\n[corners]\nprocess = [\"tt\"]\n" +
      plain(400));
  // 711 of 3000 samples of plain ngspice, where `alter` sets 50 mV + 4.111 mV z: 0.237 +- 0.008.
  expect_probability(0.237);
}

TEST_F(TransistorNominals, AreasOfABandgapsCoreAreMultiplied) {
  // V(n1) - V(n2) = Vt ln(8 a1 / a2), the base currents being the same part of both.
  write("cell.cir", cell(".model qn npn (is=1e-17 bf=100)\nvcc vcc 0 2\ni1 vcc n1 10u\ni2 vcc n2 10u\n"
                         "q1 n1 n1 0 qn area=1\nq2 n2 n2 0 qn area=8"));
  study_runs(operating_point("v(n1,n2)", "\"52 mV\"") + varies("area", "q*", "2 %") + plain(200));
  const double vt = 1.380649e-23 * 300.15 / 1.602176634e-19;
  const Samples s = samples();
  for (Eigen::Index r = 0; r < s.z.rows(); ++r) {
    const double ratio = (1.0 + 0.02 * s.z(r, 1)) / (1.0 + 0.02 * s.z(r, 0));
    EXPECT_NEAR(s.measures(r, 0), vt * std::log(8.0 * ratio), 1e-6);
  }
}

TEST_F(TransistorNominals, APairOfResistorsFailsAsOftenAsItsClosedFormSays) {
  write("cell.cir", cell("vin in 0 1\nr1 in mid 10k\nr2 mid 0 10k"));
  study_runs(operating_point("v(mid)", "\"0.49 V\"") + varies("resistance", "r*", "1 %") +
             "[estimator]\nbudget = 2000\nruns = 100\n");
  // 0.51 r2 < 0.49 r1
  expect_probability(phi(-0.02 / (0.01 * std::hypot(0.51, 0.49))));
}

TEST_F(TransistorNominals, ADrawIsOfOneDeviceOrOfAllOfThem) {
  write("cell.cir", cell("i1 0 o 1m\nr1 o a 1k\nr2 a 0 1k tc1=1e-3\nvs s 0 0.5\nr3 s 0 1k"));
  const std::string each =
      "[[measure]]\nname = \"sum\"\nvector = \"v(o)\"\n[[measure]]\nname = \"part\"\nvector = "
      "\"v(o,a)\"\n[[measure]]\nname = \"source\"\nvector = \"v(s)\"\n";
  study_runs("[circuit]\nnetlist = \"cell.cir\"\nanalysis = \"operating_point\"\n" + each +
             "[failing]\nmeasure = \"sum\"\nbelow = \"0 V\"\n" + varies("r", "r1", "1 %") +
             varies("r", "r2", "1 %") + varies("r", "r?", "2 %") +
             "scope = \"die\"\n[[die]]\nsource = \"vs\"\nsigma = \"20 mV\"\n"
             "[[die]]\nsource = \"i1\"\nsigma = \"1 %\"\n[[die]]\ntemperature = true\nsigma = \"10 K\"\n" +
             plain(25));
  const Samples s = samples();
  const auto column = [&](const std::string& name) {
    const auto found = std::find(s.variables.begin(), s.variables.end(), name);
    EXPECT_NE(found, s.variables.end()) << name;
    return static_cast<Eigen::Index>(found - s.variables.begin());
  };
  ASSERT_EQ(s.variables.size(), 6U);
  for (Eigen::Index r = 0; r < s.z.rows(); ++r) {
    const double all = 1.0 + 0.02 * s.z(r, column("r_die"));
    const double r1 = 1e3 * (1.0 + 0.01 * s.z(r, column("r1.r"))) * all;
    const double hot = 1.0 + 1e-3 * 10.0 * s.z(r, column("temperature_die"));
    const double r2 = 1e3 * (1.0 + 0.01 * s.z(r, column("r2.r"))) * all * hot;
    const double current = 1e-3 * (1.0 + 0.01 * s.z(r, column("i1_die")));
    EXPECT_NEAR(s.measures(r, 0), current * (r1 + r2), 1e-8);
    EXPECT_NEAR(s.measures(r, 1), current * r1, 1e-8);
    EXPECT_NEAR(s.measures(r, 2), 0.5 + 0.02 * s.z(r, column("vs_die")), 1e-9);
  }
}

TEST_F(TransistorNominals, APolarityIsThatOfTheCard) {
  write("cell.cir", cell("vd d 0 2\nvg g 0 1\nm1 d g 0 0 n w=4u l=2u\nmp e 0 d d p w=4u l=2u\nve e 0 0\n"
                         ".model n nmos(level=1 vto=0.4 kp=200u)\n.model p pmos(level=1 vto=-0.4 kp=100u)"));
  study_runs(operating_point("-i(vd)", "\"1 pA\"") + varies("w", "*", "5 %") + "polarity = \"pmos\"\n" +
             plain(20));
  const Samples s = samples();
  ASSERT_EQ(s.variables, (std::vector<std::string>{"mp.w"}));
  for (Eigen::Index r = 0; r < s.z.rows(); ++r) {
    const double p = 0.5 * 100e-6 * 2.0 * (1.0 + 0.05 * s.z(r, 0)) * 1.6 * 1.6;
    const double n = 0.5 * 200e-6 * 2.0 * 0.6 * 0.6;
    EXPECT_NEAR(s.measures(r, 0), n + p, 1e-5 * (n + p));
  }
}

}  // namespace
