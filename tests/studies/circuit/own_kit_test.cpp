// studies/own_kit: the statistics that a kit makes itself, as variables of a study. Its samples are what plain ngspice
// gives for the same draws written into the netlist, and what the closed form says where there is one.
#include <filesystem>

#include "tests/netlists/ngspice_batch.hpp"
#include "tests/studies/circuit_fixture.hpp"

namespace {

using flare::studies::testing::CircuitFixture;
using flare::studies::testing::plain;
using flare::studies::testing::Samples;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class OwnKit : public CircuitFixture {
 protected:
  void SetUp() override {
    CircuitFixture::SetUp();
    const std::filesystem::path shipped = std::filesystem::path(FLARE_SOURCE_DIR) / "studies/own_kit";
    std::filesystem::copy(shipped, folder_, std::filesystem::copy_options::recursive);
  }

  static std::string study(const std::string& process, const std::string& more = "") {
    return "[technology]\nkit = \"kit\"\n" + more +
           "[circuit]\nnetlist = \"cell.cir\"\nanalysis = \"operating_point\"\n[[measure]]\nname = \"m\"\n"
           "vector = \"v(o)\"\n[failing]\nbelow = \"-1000 V\"\n[corners]\nprocess = [\"" +
           process + "\"]\n" + plain(400);
  }
  void write_cell(const std::string& lines) const {
    write("cell.cir", "a circuit\n.lib \"kit/example180.lib\" tt\n" + lines + "\n.end\n");
  }
};

TEST_F(OwnKit, AResistorFollowsItsClosedForm) {
  // 1 mA through 300 ohm/square, l/w = 10: 3 V, times 1 + 0.02/sqrt(w l) z1, at stat times 1 + 0.05 z2.
  write_cell("i1 0 o 1m\nx1 o 0 rpoly w=2u l=20u");
  study_runs(study("stat"));
  const Samples s = samples();
  ASSERT_THAT(s.variables, ElementsAre("pr_rsh", "x1.mis_r"));
  const double sigma = 0.02 / std::sqrt(40.0);
  for (Eigen::Index r = 0; r < s.z.rows(); ++r)
    EXPECT_NEAR(s.measures(r, 0), 3.0 * (1 + 0.05 * s.z(r, 0)) * (1 + sigma * s.z(r, 1)), 1e-8);
  const double mean = s.measures.col(0).mean();
  const double deviation = std::sqrt((s.measures.col(0).array() - mean).square().sum() / 399.0);
  const double expected = 3.0 * std::hypot(0.05, sigma);
  EXPECT_NEAR(mean, 3.0, 4 * expected / std::sqrt(400.0));
  EXPECT_NEAR(deviation, expected, 4 * expected / std::sqrt(800.0));
}

TEST_F(OwnKit, TheMirrorIsWhatPlainNgspiceMakesOfTheSameDraws) {
  std::filesystem::copy(folder_ / "mirror.cir", folder_ / "cell.cir");
  std::string text = study("stat") + "[simulator]\nreltol = 1e-8\n";
  text.replace(text.find("v(o)"), 4, "v(out)");
  study_runs(text, "--set estimator.runs=20");
  const Samples s = samples();
  ASSERT_THAT(s.variables, ElementsAre("pr_vth", "x1.mis_vth", "x1.mis_k", "x2.mis_vth", "x2.mis_k", "pr_rsh",
                                       "x3.mis_r"));
  for (Eigen::Index r = 0; r < 5; ++r) {
    const auto z = [&](int v) { return s.z(r, v); };
    // The kit's arithmetic by hand: w l = 2, 20 and 40 um^2, sigma = A / sqrt(w l); the process at 15 mV and 5 %.
    const double mos = 1.0 / std::sqrt(2.0);
    const double wide = 1.0 / std::sqrt(20.0);
    const std::string netlist = fmt::format(
        "the same draws\n.param d_vth={:.17g} d_rsh={:.17g}\n.lib \"{}\" transistors\n"
        ".param mm_switch=0\nvdd vdd 0 1.8\ni1 vdd in 10u\n"
        "m1 in in 0 0 nch_core w=2u l=1u delvto={:.17g} mulu0={:.17g}\n"
        "m2 out in 0 0 nch_core w=20u l=1u nf=2 delvto={:.17g} mulu0={:.17g}\nr3 vdd out {:.17g}\n"
        ".options reltol=1e-8\n.control\nset numdgt=16\nop\nlet level=v(out)\nprint level\n.endc\n.end\n",
        0.015 * z(0), 1.0 + 0.05 * z(5), (folder_ / "kit/example180.lib").string(), 5e-3 * mos * z(1),
        1 + 0.01 * mos * z(2), 5e-3 * wide * z(3), 1 + 0.01 * wide * z(4),
        3000.0 * (1 + 0.05 * z(5)) * (1 + 0.02 / std::sqrt(40.0) * z(6)));
    const auto found = flare::netlist_test::run_ngspice(netlist).measures;
    EXPECT_NEAR(found.at("level"), s.measures(r, 0), 1e-8) << r;
  }
}

TEST_F(OwnKit, CheckPrintsMeanAndSigmaOfEveryDrawAndWhatNeverMoves) {
  write_cell("i1 0 o 1m\nx1 o 0 rpoly w=2u l=20u");
  write("s.toml", study("stat"));
  const auto ended = run({"check", "s.toml"});
  EXPECT_EQ(ended.status, 0) << ended.out;
  EXPECT_THAT(ended.out, AllOf(HasSubstr("pr_rsh  agauss(0,0.15,3)  mean 0  sigma 0.05  per die  moves "
                                         "r.x1.r0[resistance] +150"),
                               HasSubstr("x1.mis_r"), HasSubstr("mean 1  sigma 0.003162"),
                               HasSubstr("x1.mis_c  gauss(0,0.05,1)  never moves: its spread is a part of a "
                                         "nominal value of 0")));
}

TEST_F(OwnKit, AStudySwitchesTheDrawsOff) {
  write_cell("i1 0 o 1m\nx1 o 0 rpoly w=2u l=20u");
  study_runs(study("stat", "parameters = { mm_switch = 0 }\n"));
  EXPECT_THAT(samples().variables, ElementsAre("pr_rsh"));
  EXPECT_THAT(refusal(study("tt", "parameters = { MM_switch = 0 }\n")),
              AllOf(HasSubstr("nothing varies"), HasSubstr("[technology] parameters")));
  EXPECT_THAT(refusal(study("tt", "parameters = { mm_swich = 0 }\n")), HasSubstr("did you mean mm_switch?"));
}

TEST_F(OwnKit, WhatTheStudyVariesIsAddedToTheKitsDraws) {
  write_cell("i1 0 o 1m\nx1 o 0 rpoly w=2u l=20u");
  study_runs(study("tt") +
             "[[variation]]\nparameter = \"resistance\"\ndevices = \"x1.r0\"\nsigma = \"10 ohm\"\n");
  const Samples s = samples();
  ASSERT_THAT(s.variables, ElementsAre("x1.r0.resistance", "x1.mis_r"));
  for (Eigen::Index r = 0; r < s.z.rows(); ++r) {
    EXPECT_NEAR(s.measures(r, 0), 3.0 * (1 + 0.02 / std::sqrt(40.0) * s.z(r, 1)) + 0.01 * s.z(r, 0), 1e-8);
  }
  EXPECT_THAT(
      refusal(study("tt") + "[[variation]]\nparameter = \"resistance\"\ndevices = \"x1.r0\"\nsigma = \"10 "
                            "ohm\"\nmedian = \"1 kohm\"\n"),
      HasSubstr("a draw of the netlist and x1.r0.resistance both replace"));
}

TEST_F(OwnKit, AWidthThatMovesKeepsTheBinsAndTheirDraws) {
  write_cell("i1 0 o 10u\nx1 o o 0 0 nch w=2u l=1u");
  const std::string width = "[[variation]]\nparameter = \"w\"\ndevices = \"x1.m0\"\nsigma = \"1 %\"\n";
  study_runs(study("tt") + width);
  EXPECT_THAT(samples().variables, ElementsAre("x1.m0.w", "x1.mis_vth", "x1.mis_k"));
  EXPECT_THAT(refusal(study("stat") + width), HasSubstr("nch_core.1[vth0], of a bin that no device is in"));
}

TEST_F(OwnKit, WhatTheKitLacksIsSaid) {
  write_cell("i1 0 o 1m\nx1 o 0 rpoly w=2u l=20u");
  EXPECT_THAT(refusal(study("sf")),
              AllOf(HasSubstr("cell.cir:2:"), HasSubstr("has no section sf; it has all")));
  write_cell("i1 0 o 1m\nx1 o 0 rpoly w=2u l=20u\nx2 o o 0 0 nch l=50u");
  EXPECT_THAT(refusal(study("tt")),
              AllOf(HasSubstr("example180.lib:"), HasSubstr("no bin of model nch_core")));
  write("cell.cir", "a circuit\n.model psp psp103va level=103\nn1 o 0 0 0 psp\ni1 0 o 1m\nr1 o 0 1k\n.end\n");
  std::string without = study("");
  without.erase(0, without.find("[circuit]"));
  without.erase(without.find("[corners]"), without.find("[estimator]") - without.find("[corners]"));
  EXPECT_THAT(
      refusal(without + "[[variation]]\nparameter = \"resistance\"\ndevices = \"r1\"\nsigma = \"1 %\"\n"),
      AllOf(HasSubstr("cell.cir:3: n1: an OSDI device, which this ngspice cannot load")));
}

}  // namespace
