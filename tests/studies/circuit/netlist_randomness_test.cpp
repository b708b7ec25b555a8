// Draws that a netlist makes itself would be made once, at load, and kept for every sample: they are named and refused,
// wherever they stand. A kit whose draws are switched off is a kit without draws.
#include "tests/studies/circuit_fixture.hpp"

namespace {

using flare::studies::testing::cell;
using flare::studies::testing::CircuitFixture;
using flare::studies::testing::operating_point;
using flare::studies::testing::plain;
using flare::studies::testing::Samples;
using flare::studies::testing::varies;
using ::testing::AllOf;
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

TEST_F(NetlistRandomness, EveryFunctionThatDrawsIsNamedWithItsPlace) {
  for (const char* call :
       {"agauss(1k,100,1)", "gauss(1k,0.1,1)", "aunif(1k,100)", "unif(1k,0.1)", "limit(1k,100)"}) {
    const std::string function(call);
    const std::string words = refused("i1 0 o 1m\nrx o a 1k\nr1 a 0 '" + function + "'");
    EXPECT_THAT(words, AllOf(HasSubstr("cell.cir:4: " + function), HasSubstr("drawn once"),
                             HasSubstr("[[variation]]")));
  }
}

TEST_F(NetlistRandomness, WhereverItStands) {
  const std::string rest = "i1 0 o 1m\nrx o a 1k\n";
  EXPECT_THAT(refused(".param ohm={agauss(1k, 20, 1)}\n" + rest + "r1 a 0 {ohm}"),
              HasSubstr("cell.cir:2: agauss"));
  EXPECT_THAT(refused(rest + ".subckt s a\n.param d=agauss(0,20,1)\nr1 a 0 {1k+d}\n.ends\nx1 a s"),
              HasSubstr("cell.cir:5: agauss"));
  EXPECT_THAT(refused(rest + ".func spread(x) {x*gauss(1,0.1,3)}\nr1 a 0 {spread(1k)}"),
              HasSubstr("cell.cir:4: gauss"));
  EXPECT_THAT(refused(rest + "b1 a 0 i=v(a)/{aunif(1k,100)}"), HasSubstr("cell.cir:4: aunif"));
  EXPECT_THAT(refused(rest + ".model rr r(rsh={UNIF(1k,0.1)})\nr1 a 0 rr l=1 w=1"),
              HasSubstr("cell.cir:4: UNIF"));
  write("deep.inc", "* parts\n.param ohm=agauss(1k,20,1)\n");
  EXPECT_THAT(refused(".include deep.inc\n" + rest + "r1 a 0 {ohm}"), HasSubstr("deep.inc:2: agauss"));
  EXPECT_THAT(refused(rest + "r1 a 0 1k\n.options seed=3"), HasSubstr("seed"));
  // Noise draws from a pool that nothing resets.
  write("cell.cir", cell(rest + "r1 a b 1k\nvn b 0 dc 0 trnoise(1m 1p 0 0)"));
  EXPECT_THAT(refusal(study_), HasSubstr("trnoise"));
}

TEST_F(NetlistRandomness, AMismatchSectionIsRefusedAndItsTwinWithoutIsNot) {
  write("kit.lib",
        "* corners with and without the kit's own mismatch\n.lib tt\n.param mc=0\n.include parts.inc\n.endl\n"
        ".lib tt_mm\n.param mc=1\n.include parts.inc\n.endl\n");
  write("parts.inc", ".subckt part a b\n.param d={mc*agauss(0,1,1)}\nr1 a b {2k+100*d}\n.ends\n");
  write("cell.cir", cell(".lib 'kit.lib' tt\ni1 0 o 1m\nrx o a 1k\nx1 a 0 part"));
  const std::string cards = "[technology]\ncards = \"kit.lib\"\n" + study_;
  study_runs(cards + "[corners]\nprocess = [\"tt\"]\n");
  expect_resistance(2e3);
  EXPECT_THAT(refusal(cards + "[corners]\nprocess = [\"tt\", \"tt_mm\"]\n"),
              AllOf(HasSubstr("parts.inc:2: agauss(0,1,1)"), HasSubstr("switch the netlist's draws off")));
}

TEST_F(NetlistRandomness, ACornerCanSwitchTheDrawsOnAndOff) {
  write("cell.cir", cell(".param mc=1\ni1 0 o 1m\nrx o a 1k\nr1 a 0 {2k+100*mc*gauss(1,0.1,1)-100*mc}"));
  EXPECT_THAT(refusal(study_), HasSubstr("cell.cir:5: gauss"));
  study_runs(study_ + "[corners.parameters]\nmc = [\"0\"]\n");
  expect_resistance(2e3);
  EXPECT_THAT(refusal(study_ + "[corners.parameters]\nmc = [\"0\", \"1\"]\n"),
              HasSubstr("cell.cir:5: gauss"));
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
