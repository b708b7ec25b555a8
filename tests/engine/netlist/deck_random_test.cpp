// The netlist's own randomness: every draw becomes a parameter, and the nominal circuit is what is left.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/netlist/deck.hpp"
#include "tests/engine/netlist/deck_fixture.hpp"
#include "tests/netlists/ngspice_batch.hpp"

namespace flare::engine {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Le;
using ::testing::StartsWith;

/// The resistance that v1 of 1 V sees, by plain ngspice.
double resistance(const Deck& deck) {
  const std::string text = deck.text() + ".control\nop\nlet i1 = -i(v1)\nprint i1\n.endc\n.end\n";
  return 1.0 / netlist_test::run_ngspice(text).measures.at("i1");
}

struct Draw {
  const char* netlist;
  double spread;  // change of the resistance of 10 for one spread, by the definition of the function
};

TEST(DeckRandom, DrawsBecomeAParameterWhereverTheyStand) {
  const std::vector<Draw> draws{
      {"r1 a 0 {agauss(10,0.2,2)}", 0.1},
      {"r1 a 0 'AGAUSS (10, 0.2, 2)'", 0.1},
      {"r1 a 0 r=agauss(10,0.2,2)", 0.1},
      {"r1 a 0 {gauss(10,0.02,2)}", 0.1},
      {"r1 a 0 {aunif(10,0.1)}", 0.1},
      {"r1 a 0 {unif(10,0.01)}", 0.1},
      {"r1 a 0 {limit(10,0.1)}", 0.1},
      {"r1 a 0 {limit(10,5,0.1)}", 0.1},  // the middle value counts for nothing
      {"r1 a 0 {agauss(10,0.1)}", 0.1},
      {".param p=agauss(10,0.2,2)\nr1 a 0 {p}", 0.1},
      {".param p = {10} + 1*agauss(0, 0.2, 2) q='1'\nr1 a 0 {p*q}", 0.1},
      {".param p={9+\n+ 1+agauss(0,0.2,2)}\nr1 a 0 {p}", 0.1},
      {".func f(x) {agauss(x,0.2,2)}\nr1 a 0 {f(10)}", 0.1},
      {".param f(x)={agauss(x,0.2,2)}\nr1 a 0 {f(10)}", 0.1},
      {".model rm r r={agauss(10,0.2,2)}\nr1 a 0 rm", 0.1},
      {".subckt s a d=agauss(10,0.2,2)\nr1 a 0 {d}\n.ends\nx1 a s", 0.1},
      {".subckt s a d=1\nr1 a 0 {d}\n.ends\nx1 a s d='agauss(10,0.2,2)'", 0.1},
      {".subckt s a\n.param d=agauss(10,0.2,2)\nr1 a 0 {d}\n.ends\nx1 a s", 0.1},
      {"b1 a 0 v=agauss(10,0.2,2)*i(b1)", 0.1},
      {".param off=0\nr1 a 0 {10+off*agauss(0,0.2,2)}", 0.0},
  };
  for (const Draw& draw : draws) {
    SCOPED_TRACE(draw.netlist);
    const Deck deck = parse_deck(std::string("t\nv1 a 0 1\n") + draw.netlist, "a.cir");
    ASSERT_EQ(deck.random_calls.size(), 1u);
    EXPECT_NEAR(resistance(deck), 10.0, 2e-5);
    const double once = resistance(with_draw(deck, 1.0)) - 10.0;
    EXPECT_THAT(once, AllOf(Ge(draw.spread - 1e-4), Le(2.0 * draw.spread + 1e-4)));  // a weight of 1 to 2
    EXPECT_NEAR(resistance(with_draw(deck, -3.0)) - 10.0, -3.0 * once, 3e-4);
  }
}

TEST(DeckRandom, CallsAreNamedWithTheirPlaces) {
  const Folder folder;
  folder.add("kit.lib", "* kit\n.lib tt\n.param a=1\n+ b=Gauss(1, 0.1, 3)\n.endl\n");
  const auto file = folder.add("a.cir", "t\n.lib kit.lib tt\nr1 a 0 {agauss(1,aunif(0.1,0.01),1)}\n");
  const Deck deck = read_deck(file);
  std::vector<std::string> calls;
  for (const RandomCall& call : deck.random_calls) calls.push_back(call.place + " " + call.call);
  EXPECT_THAT(calls, ElementsAre((folder.path() / "kit.lib").string() + ":3 Gauss(1, 0.1, 3)",
                                 file.string() + ":3 agauss(1,aunif(0.1,0.01),1)",
                                 file.string() + ":3 aunif(0.1,0.01)"));
  EXPECT_EQ(deck.lines[1], ".param flare_draw=0");
  EXPECT_EQ(with_draw(deck, 1.5).lines[1], ".param flare_draw=1.5");
  EXPECT_THAT(deck.text(), ::testing::Not(HasSubstr("gauss(")));
}

TEST(DeckRandom, TwoDrawsDoNotCancel) {
  const Deck deck = parse_deck("t\nv1 a 0 1\nr1 a 0 {10+agauss(0,1,1)-agauss(0,1,1)}\n", "a.cir");
  EXPECT_GT(std::abs(resistance(with_draw(deck, 1.0)) - 10.0), 0.1);
}

TEST(DeckRandom, FunctionsOfTheUserAreNoDraws) {
  const std::string function = ".func agauss(x,y,z) {x+y+z}\n";
  EXPECT_TRUE(parse_deck("t\nr1 a 0 {agauss(1,2,3)}\n" + function, "a.cir").random_calls.empty());
  EXPECT_TRUE(
      parse_deck("t\n.param limit(x,y,z)={x}\nr1 a 0 {limit(1,2,3)}\n", "a.cir").random_calls.empty());
  // Defined in a subcircuit, it is not known outside; ngspice draws there.
  const Deck local = parse_deck(
      "t\n.subckt s a\n" + function + "r1 a 0 {agauss(1,2,3)}\n.ends\nx1 a s\nr2 a 0 {agauss(1,2,3)}\n",
      "a.cir");
  ASSERT_EQ(local.random_calls.size(), 1u);
  EXPECT_EQ(local.random_calls.front().place, "a.cir:7");
  // A body may draw all the same.
  const Deck body = parse_deck("t\n.func gauss(x,y,z) {agauss(x,x*y,z)}\nr1 a 0 {gauss(1,0.1,1)}\n", "a.cir");
  ASSERT_EQ(body.random_calls.size(), 1u);
  EXPECT_EQ(body.random_calls.front().call, "agauss(x,x*y,z)");
  DeckOptions pspice;
  pspice.defined_functions = {"limit"};
  EXPECT_TRUE(parse_deck("t\nb1 a 0 v=limit(v(b),0,1)\n", "a.cir", pspice).random_calls.empty());
}

TEST(DeckRandom, NamesThatOnlyLookLikeDrawsStay) {
  const Deck deck =
      parse_deck("t\n.param agauss=2 my_unif=1\nr1 unif limit {my_gauss(1)+xagauss(2)}\n", "a.cir");
  EXPECT_TRUE(deck.random_calls.empty());
  EXPECT_TRUE(parse_deck("t\n.meas tran x param='limit(a)'\n", "a.cir").random_calls.empty());
  EXPECT_EQ(deck.lines[2], "r1 unif limit {my_gauss(1)+xagauss(2)}");
}

TEST(DeckRandom, WhatNgspiceCannotDrawIsAnError) {
  EXPECT_THAT(error_of("t\nr1 a 0 {agauss(1)}\n"), StartsWith("a.cir:2: agauss(1) is not a call"));
  EXPECT_THAT(error_of("t\nr1 a 0 {unif(1,2,3)}\n"), StartsWith("a.cir:2: unif(1,2,3) is not a call"));
  EXPECT_THAT(error_of("t\nr1 a 0 {agauss(1,2,3}\n"), StartsWith("a.cir:2: agauss(1,2,3}"));
}

TEST(DeckRandom, TheSeedIsTheStudys) {
  for (const char* line : {".option seed=12", ".OPTIONS gmin=1e-12 seed = random", ".opt seedinfo"}) {
    EXPECT_THAT(error_of(std::string("t\nr1 a 0 1\n") + line), StartsWith("a.cir:3: seed")) << line;
    EXPECT_THAT(error_of(std::string("t\nr1 a 0 1\n") + line), HasSubstr("set seed in the study")) << line;
  }
}

}  // namespace
}  // namespace flare::engine
