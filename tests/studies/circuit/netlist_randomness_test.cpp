// Draws that a netlist makes itself would be made once, at load, and kept for every sample: each becomes a variable of
// the study, wherever it stands, or is named and refused. A kit whose draws are switched off is a kit without draws.
#include <functional>

#include "tests/studies/circuit_fixture.hpp"

namespace {

using flare::studies::testing::cell;
using flare::studies::testing::CircuitFixture;
using flare::studies::testing::operating_point;
using flare::studies::testing::plain;
using flare::studies::testing::Samples;
using flare::studies::testing::varies;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class NetlistRandomness : public CircuitFixture {
 protected:
  std::string refused(const std::string& lines) const {
    write("cell.cir", cell(lines));
    return refusal(study_);
  }
  void expect_resistance(double ohm) const {
    const Samples s = samples();
    for (Eigen::Index r = 0; r < s.z.rows(); ++r)
      EXPECT_NEAR(s.measures(r, 0), 1e-3 * (ohm + 1e3 * (1 + 0.01 * s.z(r, 0))), 1e-8);
  }

  std::string study_ = operating_point("v(o)") + varies("resistance", "rx", "1 %") + plain(20);
};

TEST_F(NetlistRandomness, EveryFunctionThatDrawsIsAVariableWithItsLaw) {
  const auto normal = [](double z) { return z; };
  const auto even = [](double z) { return std::erf(z / std::sqrt(2.0)); };
  const auto sign = [](double z) { return z > 0 ? 1.0 : -1.0; };
  const std::vector<std::pair<std::string, std::function<double(double)>>> laws{{"agauss(1k,200,2)", normal},
                                                                                {"gauss(1k,0.1,1)", normal},
                                                                                {"aunif(1k,100)", even},
                                                                                {"unif(1k,0.1)", even},
                                                                                {"limit(1k,100)", sign}};
  for (const auto& [call, law] : laws) {
    write("cell.cir", cell("i1 0 o 1m\nrx o a 1k\nr1 a 0 '" + call + "'"));
    study_runs(study_);
    const Samples s = samples();
    ASSERT_THAT(s.variables, ElementsAre("rx.resistance", "r1.resistance"));
    for (Eigen::Index r = 0; r < s.z.rows(); ++r) {
      EXPECT_NEAR(s.measures(r, 0), 2 + 0.01 * s.z(r, 0) + 0.1 * law(s.z(r, 1)), 1e-8) << call;
    }
  }
}

TEST_F(NetlistRandomness, WhereverItStands) {
  const std::string rest = "i1 0 o 1m\nrx o a 1k\n";
  const auto expect_variable = [&](const std::string& lines, const std::string& name) {
    write("cell.cir", cell(lines));
    study_runs(study_);
    const Samples s = samples();
    ASSERT_THAT(s.variables, ElementsAre("rx.resistance", name));
    const Eigen::ArrayXd moved = s.measures.col(0).array() - 0.01 * s.z.col(0).array();
    EXPECT_GT(moved.maxCoeff() - moved.minCoeff(), 0.01) << lines;
  };
  expect_variable(".param ohm={agauss(1k, 20, 1)}\n" + rest + "r1 a 0 {ohm}", "ohm");
  expect_variable(rest + ".subckt s a\n.param d=agauss(0,20,1)\nr1 a 0 {1k+d}\n.ends\nx1 a s", "x1.d");
  expect_variable(rest + ".func spread(x) {x*gauss(1,0.1,3)}\nr1 a 0 {spread(1k)}", "r1.resistance");
  expect_variable(rest + "b1 a 0 i=v(a)/{aunif(1k,100)}", "b1.value");
  expect_variable(rest + ".model rr r(rsh={UNIF(1k,0.1)})\nr1 a 0 rr l=1 w=1", "rr.rsh");
  write("deep.inc", "* parts\n.param ohm=agauss(1k,20,1)\n");
  expect_variable(".include deep.inc\n" + rest + "r1 a 0 {ohm}", "ohm");
}

TEST_F(NetlistRandomness, WhatCannotBeAVariableIsRefusedWithItsPlaceAndWhy) {
  const std::string rest = "i1 0 o 1m\nrx o a 1k\n";
  EXPECT_THAT(refused(rest + "r1 a 0 1k\n.options seed=3"), HasSubstr("seed"));
  // Noise draws from a pool that nothing resets.
  write("cell.cir", cell(rest + "r1 a b 1k\nvn b 0 dc 0 trnoise(1m 1p 0 0)"));
  EXPECT_THAT(refusal(study_), HasSubstr("trnoise"));
  EXPECT_THAT(refused(rest + ".param d=agauss(0,1,1)\n.if (d>-1)\nr1 a 0 1k\n.endif"),
              AllOf(HasSubstr("cell.cir:5: which devices there are would hang on a draw")));
  EXPECT_THAT(refused(rest + "r1 a 0 {agauss(1k,20,1)}\nv1 b 0 pulse(0 {aunif(1,0.1)} 0 1p 1p 1n 2n)"),
              AllOf(HasSubstr("cell.cir:5: v1: a draw in a value that cannot be set")));
  write("cell.cir", cell(".param ohm=1k\n" + rest + "r1 a 0 {ohm+agauss(0,20,1)}"));
  EXPECT_THAT(refusal(operating_point("v(o)") + "[[variation]]\nparam = \"ohm\"\nsigma = 0.1\n" + plain(20)),
              AllOf(HasSubstr("cell.cir:5: agauss(0,20,1) would be drawn once"),
                    HasSubstr("a study that moves a .param")));
}

TEST_F(NetlistRandomness, AMismatchSectionVariesAndItsTwinWithoutDoesNot) {
  write("kit.lib",
        "* corners with and without the kit's own mismatch\n.lib tt\n.param mc=0\n.include parts.inc\n.endl\n"
        ".lib tt_mm\n.param mc=1\n.include parts.inc\n.endl\n");
  write("parts.inc", ".subckt part a b\n.param d={mc*agauss(0,1,1)}\nr1 a b {2k+100*d}\n.ends\n");
  write("cell.cir", cell(".lib 'kit.lib' tt\ni1 0 o 1m\nrx o a 1k\nx1 a 0 part"));
  study_runs("[technology]\ncards = \"kit.lib\"\n" + study_ + "[corners]\nprocess = [\"tt\", \"tt_mm\"]\n");
  EXPECT_THAT(samples("tt").variables, ElementsAre("rx.resistance"));
  EXPECT_THAT(samples("tt_mm").variables, ElementsAre("rx.resistance", "x1.d"));
}

TEST_F(NetlistRandomness, ACornerCanSwitchTheDrawsOnAndOff) {
  write("cell.cir", cell(".param mc=1\ni1 0 o 1m\nrx o a 1k\nr1 a 0 {2k+100*mc*gauss(1,0.1,1)-100*mc}"));
  study_runs(study_);
  EXPECT_THAT(samples().variables, ElementsAre("rx.resistance", "r1.resistance"));
  study_runs(study_ + "[corners.parameters]\nmc = [\"0\"]\n");
  EXPECT_THAT(samples().variables, ElementsAre("rx.resistance"));
  expect_resistance(2e3);
}

TEST_F(NetlistRandomness, WhatNothingUsesAndWhatOnlySoundsAlikeIsNoDraw) {
  write("cell.cir",
        cell(".param unused=agauss(1,1,1) agauss_of=2k\n.func limit(x,y) {x+y}\ni1 0 o 1m\nrx o a 1k\n"
             "r1 a b {agauss_of}\nr2 b 0 {limit(1k,2k)} $ not agauss(1k,1,1)"));
  study_runs(study_);
  expect_resistance(5e3);
}

TEST_F(NetlistRandomness, TheDrawAsAVariableOfTheStudyIsFresh) {
  // What the refusal advises: the parameter without its draw, and its spread in the study.
  write("cell.cir", cell(".param d=0\ni1 0 o 1m\nr1 o 0 {1k*(1+d)}"));
  study_runs(operating_point("v(o)") + "[[variation]]\nparam = \"d\"\nsigma = 0.1\n" + plain(20));
  const Samples s = samples();
  for (Eigen::Index r = 0; r < s.z.rows(); ++r) EXPECT_NEAR(s.measures(r, 0), 1.0 + 0.1 * s.z(r, 0), 1e-8);
}

}  // namespace
