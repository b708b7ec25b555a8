// What elaboration makes of a netlist: flat numbers with ngspice's names, one variable per draw and instance, the models
// in use once; and what it refuses, with the statement and the reason.
#include "engine/netlist/elaborated_circuit.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace flare::engine {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

ElaboratedCircuit elaborated(const std::string& lines, const ElaborationOptions& options = {}) {
  return elaborate(parse_deck("a title\n" + lines, "a.cir"), options);
}

std::string refusal(const std::string& lines) {
  try {
    elaborated(lines);
  } catch (const DeckError& error) {
    return error.what();
  }
  return {};
}

std::vector<std::string> moving(const ElaboratedCircuit& circuit) {
  std::vector<std::string> names;
  for (const std::size_t i : circuit.moving) names.push_back(circuit.draws[i].name);
  return names;
}

std::vector<std::string> followers(const ElaboratedCircuit& circuit) {
  std::vector<std::string> names;
  for (const DrawnValue& v : circuit.values) names.push_back(v.device + "[" + v.parameter + "]");
  return names;
}

TEST(ElaboratedCircuit, IsFlatAndNumeric) {
  const ElaboratedCircuit circuit = elaborated(
      ".param g={2*3} d=agauss(0,1,3)\n.global vdd!\n.func twice(x) {2*x}\n"
      ".subckt inner a b z=1\nr1 a b {twice(z)*outp}\nc1 a vdd! 1p ic=0\n.ends\n"
      ".subckt outer a b p=2\n.param outp={p*10}\nr0 a n {p}\nx1 n b inner z=3\n.param p=5\n.ends\n"
      "x1 1 0 outer p=4\nx2 1 0 outer\nv1 1 0 dc {g}\n.ic v(1)={g/2}\n");
  EXPECT_THAT(circuit.deck.lines,
              ElementsAre("a title", ".global vdd!", ".ic v(1)=3", "r.x1.r0 1 x1.n 4",
                          "r.x1.x1.r1 x1.n 0 240", "c.x1.x1.c1 x1.n vdd! 1p ic=0", "r.x2.r0 1 x2.n 5",
                          "r.x2.x1.r1 x2.n 0 300", "c.x2.x1.c1 x2.n vdd! 1p ic=0", "v1 1 0 dc 6"));
  EXPECT_THAT(moving(circuit), IsEmpty());
}

TEST(ElaboratedCircuit, EveryDrawOfEveryInstanceIsAVariable) {
  const ElaboratedCircuit circuit = elaborated(
      ".param sw=1 die=agauss(1k,30,3) off=0\n"
      ".subckt s a b w=1\n.param mis={sw*agauss(0,'0.02/sqrt(w)',1)} none={off*gauss(1,1,1)}\n"
      "r1 a b 'die*(1+mis+none)'\nr2 a b 'limit(1k,5)+aunif(0,2)'\n.ends\n"
      "x1 1 0 s w=4\nx2 1 0 s\nr3 1 0 {die}\nv1 1 0 1\n");
  EXPECT_THAT(moving(circuit), ElementsAre("die", "x1.mis", "x1.r2.resistance", "x1.r2.resistance#2",
                                           "x2.mis", "x2.r2.resistance", "x2.r2.resistance#2"));
  EXPECT_THAT(followers(circuit),
              ElementsAre("r.x1.r1[resistance]", "r.x1.r2[resistance]", "r.x2.r1[resistance]",
                          "r.x2.r2[resistance]", "r3[resistance]"));
  const auto named = [&](const std::string& name) {
    return *std::find_if(circuit.draws.begin(), circuit.draws.end(),
                         [&](const NetlistDraw& d) { return d.name == name; });
  };
  EXPECT_DOUBLE_EQ(named("x1.mis").sigma, 0.01);
  EXPECT_FALSE(named("x1.mis").die);
  EXPECT_DOUBLE_EQ(named("die").mean, 1e3);
  EXPECT_DOUBLE_EQ(named("die").sigma, 10.0);
  EXPECT_TRUE(named("die").die);
  EXPECT_EQ(named("die").place, "a.cir:2");
  EXPECT_DOUBLE_EQ(named("x2.r2.resistance#2").sigma, 2.0 / std::sqrt(3.0));
  EXPECT_DOUBLE_EQ(named("x2.r2.resistance").sigma, 5.0);
}

TEST(ElaboratedCircuit, ARelativeDrawOfNothingIsStill) {
  const ElaboratedCircuit circuit =
      elaborated(".param a={1k+gauss(0,0.1,1)} b={0*gauss(0,0.1,1)}\nr1 1 0 {a}\nr2 1 0 {1k+b}\nv1 1 0 1\n");
  EXPECT_THAT(moving(circuit), IsEmpty());
  ASSERT_EQ(circuit.still.size(), 1u);
  EXPECT_EQ(circuit.draws[circuit.still.front()].name, "a");
  EXPECT_THAT(circuit.deck.lines, Contains("r1 1 0 1000"));
}

TEST(ElaboratedCircuit, KeepsTheModelsInUseAndWritesEqualOnesOnce) {
  const std::string lines =
      ".subckt n d g s w=1u l=1u\n.param mis=agauss(0,0.1,1)\nm1 d g s 0 nn w=w l=l\n"
      ".model nn.1 nmos level=1 lmin=0.1u lmax=2u wmin=0.1u wmax=9u vto=0.5\n"
      ".model nn.2 nmos level=1 lmin=2u lmax=9u wmin=0.1u wmax=9u vto=0.6\n"
      ".model nn.3 nmos level=1 lmin=20u lmax=90u wmin=0.1u wmax=9u vto={0.6+mis}\n.ends\n"
      ".model unused nmos\nx1 d g 0 n\nx2 d g 0 n w=2u\nx3 d g 0 n l=3u\n";
  const ElaboratedCircuit circuit = elaborated(lines);
  EXPECT_THAT(circuit.deck.lines,
              ElementsAre("a title", ".model nn.1 nmos level=1 lmin=0.1u lmax=2u wmin=0.1u wmax=9u vto=0.5",
                          "m.x1.m1 d g 0 0 nn w=1e-06 l=1e-06", "m.x2.m1 d g 0 0 nn w=2e-06 l=1e-06",
                          ".model nn_2.2 nmos level=1 lmin=2u lmax=9u wmin=0.1u wmax=9u vto=0.6",
                          "m.x3.m1 d g 0 0 nn_2 w=1e-06 l=3e-06"));
  const ElaboratedCircuit drawn = elaborated(lines + "x4 d g 0 n l=30u\n");
  EXPECT_THAT(followers(drawn), ElementsAre("x4:nn.3[vto]"));
  ElaborationOptions all;
  all.all_bins = true;
  EXPECT_EQ(elaborated(lines, all).deck.lines.size(), 1u + 3u * 3u + 3u);
  EXPECT_THAT(refusal(lines + "x5 d g 0 n l=95u\n"),
              AllOf(HasSubstr("a.cir:4:"), HasSubstr("no bin of model nn")));
}

// Measured with ngspice 39: the first bin whose limits, widened by a thousandth, hold the width; of a finger in mode hs.
TEST(ElaboratedCircuit, TheBinIsTheOneThatNgspiceTakes) {
  const std::string cards =
      ".param d={0*agauss(0,1,1)}\n.model nn.1 nmos lmin=0.1u lmax=0.5u wmin=0.1u wmax=1u\n"
      ".model nn.2 nmos lmin=0.1u lmax=0.5u wmin=1u wmax=3u\n.model nn.3 nmos lmin=0.1u lmax=0.5u wmin=3u "
      "wmax=9u\n";
  const auto bin = [&](const std::string& size, const std::string& mode) {
    ElaborationOptions options;
    options.compatibility = mode;
    const Deck deck = elaborated(cards + "m1 1 2 0 0 nn l=0.2u " + size + "\n", options).deck;
    EXPECT_EQ(deck.lines.size(), 3u) << size;
    return deck.lines[1].substr(7, 4);
  };
  EXPECT_EQ(bin("w=1u", ""), "nn.1");
  EXPECT_EQ(bin("w=1.00099u", ""), "nn.1");
  EXPECT_EQ(bin("w=1.00101u", ""), "nn.2");
  EXPECT_EQ(bin("w=4u nf=2", ""), "nn.3");
  EXPECT_EQ(bin("w=4u nf=2", "hsa"), "nn.2");
  EXPECT_EQ(bin("w=2u nf=2", "hsa"), "nn.1");
  EXPECT_EQ(bin("w=6u nf=2", "spe"), "nn.2");
}

TEST(ElaboratedCircuit, ConditionsAreDecidedPerInstance) {
  const ElaboratedCircuit circuit = elaborated(
      ".param off=0\n.subckt s a b k=1\n.if (k==1)\nr1 a b 1\n.elseif (k==2)\n.param v=7\nr1 a b {v}\n.if "
      "(off)\n"
      "r2 a b 1\n.endif\n.else\nr1 a b 3\n.endif\n.ends\nx1 1 0 s\nx2 1 0 s k=2\nx3 1 0 s k=3\nv1 1 0 "
      "{1+off*agauss(0,1,1)}\n");
  EXPECT_THAT(circuit.deck.lines, AllOf(Contains("r.x1.r1 1 0 1"), Contains("r.x2.r1 1 0 7"),
                                        Contains("r.x3.r1 1 0 3"), Not(Contains(HasSubstr("r2")))));
}

TEST(ElaboratedCircuit, ADrawInASimulatedExpressionIsAVoltage) {
  const ElaboratedCircuit circuit = elaborated(
      ".subckt s a b\n.param mis=agauss(2,0.1,1) k=3\nb1 a b i=mis*v(a,b)+k*i(vs)+temper*0\nvs a c 0\nrc c b "
      "1\n.ends\n"
      "x1 1 0 s\nv1 1 0 1\n");
  EXPECT_THAT(circuit.deck.lines,
              AllOf(Contains("vflare_draw_1 flare_draw_1 0 dc 0"),
                    Contains("b.x1.b1 1 0 i=(2+v(flare_draw_1))*v(1,0)+(3)*i(v.x1.vs)+temper*0")));
  EXPECT_THAT(followers(circuit), ElementsAre("vflare_draw_1[dc]"));
}

TEST(ElaboratedCircuit, ACallThatMultipliesMultipliesWhatIsInside) {
  const std::string lines = ".param d={0*agauss(0,1,1)}\n.subckt s a b\nr1 a b 1\n.ends\nv1 1 0 1\n";
  EXPECT_THAT(elaborated(lines + "x1 1 0 s m=2\n").deck.lines, Contains("r.x1.r1 1 0 1 m=2"));
  EXPECT_THAT(elaborated(lines + ".subckt t a b m=1\nr1 a b {m}\n.ends\nx1 1 0 t m=2\n").deck.lines,
              Contains("r.x1.r1 1 0 2"));
}

TEST(ElaboratedCircuit, WhatCannotBeTakenOverIsRefused) {
  const std::string draw = ".param d=agauss(0,1,1)\n";
  const std::vector<std::pair<std::string, std::string>> wrong{
      {draw + ".if (d>0)\nr1 1 0 1\n.endif\n", "a.cir:3: which devices there are would hang on a draw"},
      {draw + "n1 d g s b psp\n", "a.cir:3: n1: an OSDI device"},
      {draw + "m1 d g s b psp\n.model psp psp103va level=1\n", "a.cir:4: model psp of type psp103va"},
      {draw + "v1 1 0 pulse(0 {1+d} 0 1p 1p 1n 2n)\n", "a.cir:3: v1: a draw in a value that cannot be set"},
      {draw + "r1 1 0 {spline(d)}\n",
       "a.cir:3: spline(d): neither ngspice nor the netlist has a function spline"},
      {draw + "r1 1 0 {2*missing}\n", "a.cir:3: there is no parameter missing"},
      {draw + ".param a={b} b={a}\nr1 1 0 {a}\n", "depends on itself"},
      {draw + ".subckt s a b\na1 a b mod\n.ends\nx1 1 0 s\n", "a.cir:4: a1: a code model"},
      {draw + "r1 1 0 r={(1+d)*(1+temper)}\n", ""},
      {draw + "d1 1 0 dm area={(1+d)*(1+temper)}\n.model dm d\n",
       "a.cir:3: a value that depends on a draw and on the temperature"},
      {draw + "e1 1 0 poly(1) 2 0 1 {1+d}\n", "a.cir:3: e1: a source by poly(1)"},
      {draw + ".subckt s a b\nr1 a b 1 m=3\n.ends\nx1 1 0 s m=2\n", "a.cir:4: r1: has an m= of its own"},
      {".func f(x) {f(x)+agauss(0,1,1)}\nr1 1 0 {f(1)}\n", "f calls itself"},
  };
  for (const auto& [lines, words] : wrong) EXPECT_THAT(refusal(lines), HasSubstr(words)) << lines;
}

// Netlists that would take forever, all memory or the stack.
TEST(ElaboratedCircuit, WhatGrowsWithoutEndIsRefused) {
  std::string doubled = ".param p0={agauss(0,1,3)}\n";
  for (int i = 0; i < 40; ++i)
    doubled +=
        ".param p" + std::to_string(i + 1) + "={p" + std::to_string(i) + "+p" + std::to_string(i) + "}\n";
  EXPECT_THAT(refusal(doubled + "r1 a 0 {1k+p40}\n"), HasSubstr("terms"));
  std::string chain = "r1 a 0 {q30000}\n";
  for (int i = 30'000; i > 0; --i)
    chain += ".param q" + std::to_string(i) + "={q" + std::to_string(i - 1) + "+1}\n";
  EXPECT_THAT(refusal(chain + ".param q0=1\n"), HasSubstr("one on the next"));
  std::string tree = ".subckt s0 a\n.ends\n";
  for (int i = 0; i < 30; ++i) {
    const std::string inner = " a s" + std::to_string(i) + "\n";
    tree += ".subckt s" + std::to_string(i + 1) + " a\nx1" + inner + "x2" + inner + ".ends\n";
  }
  EXPECT_THAT(refusal(tree + "x0 a s30\n"), HasSubstr("1000000"));
}

}  // namespace
}  // namespace flare::engine
