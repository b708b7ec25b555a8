// What a run starts from: nominals that move, bins that change, nodes that float.
#include "engine/simulate/testbench_runner.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <utility>

#include "engine/simulate/testbench_io.hpp"
#include "tests/engine/simulate/shared_simulator.hpp"
#include "tests/engine/simulate/testbenches.hpp"

namespace flare::engine {
namespace {

using testing::deck_of;
using testing::device_knob;
using testing::last_value;
using testing::one_effect;
using testing::operating_point;
using testing::simulator;

TEST(TestbenchRunner, ADcValueThatNobodyWroteIsNoNominal) {
  Testbench t;
  t.deck = deck_of({"source", "v1 a 0 ac 1 pulse(0.9 1 1n 1n)", "r1 a 0 1k"});
  t.analysis.kind = AnalysisKind::operating_point;
  t.knobs = {device_knob("v1", "dc")};
  t.variables = {one_effect("v", {LawKind::normal, 0.0, 0.1}, 0)};
  t.measures = {last_value("a", "v(a)")};
  const Eigen::RowVectorXd x = Eigen::RowVectorXd::Ones(1);
  EXPECT_THROW(TestbenchRunner(simulator(), t).run(x), std::runtime_error);
  t.variables[0].effects[0].action = Action::replace;
  EXPECT_NEAR(TestbenchRunner(simulator(), t).run(x).measures.at(0), 0.1, 1e-12);
  t.variables[0].effects[0].action = Action::shift;
  t.settings = {{t.knobs[0], 0.7}};
  EXPECT_NEAR(TestbenchRunner(simulator(), t).run(x).measures.at(0), 0.8, 1e-12);
  t.settings.clear();
  t.deck.lines[1] = "v1 a 0 dc 0.9 pulse(0.9 1 1n 1n)";
  EXPECT_NEAR(TestbenchRunner(simulator(), t).run(x).measures.at(0), 1.0, 1e-12);
}

TEST(TestbenchRunner, AParameterStartsFromWhereThoseItHangsOnHaveMoved) {
  Testbench t;
  t.deck = deck_of({"divider", ".param a=1k b={2*a}", "v1 in 0 1", "r1 in out {a}", "r2 out 0 {b}"});
  t.knobs = {{KnobKind::parameter, "", "b"}, {KnobKind::parameter, "", "a"}, device_knob("r2", "resistance")};
  t.variables = {one_effect("b", {LawKind::normal, 0.0, 100.0}, 0),
                 one_effect("a", {LawKind::normal, 1.0, 0.1}, 1, Action::scale),
                 one_effect("r2", {LawKind::normal, 1.0, 0.01}, 2, Action::scale)};
  t.analysis.kind = AnalysisKind::operating_point;
  t.measures = {last_value("out", "v(out)")};
  const double a = 1200.0;
  const double r2 = (2.0 * a + 100.0) * 1.03;
  const RunResult run = TestbenchRunner(simulator(), t).run(Eigen::RowVector3d(1.0, 2.0, 3.0));
  EXPECT_NEAR(run.measures.at(0), r2 / (a + r2), 1e-9);  // but for gmin
}

/// Current of a transistor whose width varies by `law` at one standard deviation.
double current_at_one(const std::string& options, const std::string& size, Action action, const Law& law) {
  Testbench t;
  t.deck = deck_of(
      {"width", options, "v1 d 0 1", "m1 d d 0 0 nch " + size, ".model nch nmos level=14 version=4.8"});
  t.knobs = {device_knob("m1", "w")};
  t.variables = {one_effect("w", law, 0, action)};
  t.analysis.kind = AnalysisKind::operating_point;
  t.measures = {last_value("current", "i(v1)")};
  return TestbenchRunner(simulator(), t).run(Eigen::RowVectorXd::Ones(1)).measures.at(0);
}

TEST(TestbenchRunner, AWidthInTheNetlistsOwnUnitVariesAsOneInMetres) {
  for (const auto& [action, law] : {std::pair(Action::scale, Law{LawKind::normal, 1.0, 0.1}),
                                    std::pair(Action::shift, Law{LawKind::normal, 0.0, 50e-9})}) {
    const double metres = current_at_one(".options gmin=1e-12", "w=1u l=0.2u", action, law);
    const double scaled = current_at_one(".options scale=1u", "w=1 l=0.2", action, law);
    EXPECT_NEAR(scaled, metres, 1e-9 * std::abs(metres));
    EXPECT_LT(std::abs(metres), 0.1);
  }
}

TEST(TestbenchRunner, AFormulaSaysWhatAKnobStartsFrom) {
  Testbench t;
  t.deck = deck_of({"formula", "i1 0 a 1m", "r1 a 0 1k"});
  t.knobs = {device_knob("r1", "resistance")};
  t.variables = {{"own", {}, Scope::instance, "1", {}}, one_effect("more", {LawKind::normal, 0.0, 10.0}, 0)};
  // 1000 + 100 x0, from which the second variable moves on.
  t.formulas = {{0, Formula({{.operation = Operation::number, .number = 1000.0},
                             {.operation = Operation::number, .number = 100.0},
                             {.operation = Operation::draw, .coordinate = 0},
                             {.operation = Operation::multiply, .of = {1, 2, 0}},
                             {.operation = Operation::add, .of = {0, 3, 0}}})}};
  t.analysis.kind = AnalysisKind::operating_point;
  t.measures = {last_value("a", "v(a)")};
  const Testbench sent = testbench_from_cbor(to_cbor(t));
  EXPECT_EQ(sent.formulas, t.formulas);
  const RunResult run = TestbenchRunner(simulator(), sent).run(Eigen::RowVector2d(-2.0, 3.0));
  EXPECT_NEAR(run.measures.at(0), 0.83, 1e-9);
}

/// Two transistors of a model in bins of the width, the threshold of each bin, and a third on the wide side.
Testbench binned_testbench() {
  const std::string card = " nmos level=54 version=4.8.2 lmin=10n lmax=1u ";
  Testbench t;
  t.deck = deck_of({"bins", ".model nb.1" + card + "wmin=100n wmax=500n vth0=0.45",
                    ".model nb.2" + card + "wmin=500n wmax=5u vth0=0.35", "vdd vdd 0 0.8", "vg g 0 0.6",
                    "r1 vdd d1 20k", "r2 vdd d2 20k", "r3 vdd d3 5k", "m1 d1 g 0 0 nb w=490n l=60n",
                    "m2 d2 g 0 0 nb w=495n l=60n", "m3 d3 g 0 0 nb w=600n l=60n"});
  // The models first: the widths must be set before them all the same.
  t.knobs = {{KnobKind::model, "nb.1", "vth0"},
             {KnobKind::model, "nb.2", "vth0"},
             device_knob("m1", "w"),
             device_knob("m2", "w")};
  for (std::size_t k = 0; k < 2; ++k) t.variables.push_back(one_effect("v", {LawKind::normal, 0.0, 0.01}, k));
  for (std::size_t k = 2; k < 4; ++k)
    t.variables.push_back(one_effect("w", {LawKind::normal, 0.0, 10e-9}, k));
  t.analysis.kind = AnalysisKind::operating_point;
  t.measures = {last_value("1", "v(d1)"), last_value("2", "v(d2)"), last_value("3", "v(d3)")};
  return t;
}

TEST(TestbenchRunner, AWidthThatLeavesItsBinTakesTheOthersModel) {
  const Testbench t = binned_testbench();
  TestbenchRunner runner(simulator(), t);
  const std::vector<double> before = runner.run(Eigen::RowVector4d(1, 2, 0, 0)).measures;
  // Both leave the narrow bin, which ngspice drops; then they come back to it, one at a time.
  for (const auto& [w1, w2] :
       {std::pair(3.0, 2.0), std::pair(0.0, 2.0), std::pair(3.0, 0.0), std::pair(0.0, 0.0)}) {
    const RunResult run = runner.run(Eigen::RowVector4d(1, 2, w1, w2));
    Deck text = t.deck;
    text.lines[1].replace(text.lines[1].find("vth0"), 9, "vth0=0.46");
    text.lines[2].replace(text.lines[2].find("vth0"), 9, "vth0=0.37");
    text.lines[8] = "m1 d1 g 0 0 nb l=60n w=" + std::to_string(490 + static_cast<int>(10 * w1)) + "n";
    text.lines[9] = "m2 d2 g 0 0 nb l=60n w=" + std::to_string(495 + static_cast<int>(10 * w2)) + "n";
    simulator().load(text, t.options, 0, {});
    for (std::size_t i = 0; i < 3; ++i)
      EXPECT_NEAR(run.measures[i], operating_point(t.measures[i].vector), 1e-9) << i << " at " << w1 << w2;
  }
  EXPECT_EQ(runner.run(Eigen::RowVector4d(1, 2, 0, 0)).measures, before);
}

TEST(TestbenchRunner, BinsMayChangePlaces) {
  Testbench t = binned_testbench();
  t.deck.lines[8] = "m1 d1 g 0 0 nb w=505n l=60n";
  t.deck.lines[10] = "m3 d3 g 0 0 nb w=490n l=60n";
  t.knobs.push_back(device_knob("m3", "w"));
  t.variables.push_back(one_effect("w", {LawKind::normal, 0.0, 10e-9}, 4));
  Eigen::RowVectorXd x(5);
  x << 1, 2, -1, 0, 2;  // m1 is the last to leave the wide bin before m3 comes to it
  const RunResult run = TestbenchRunner(simulator(), t).run(x);
  t.deck.lines[1].replace(t.deck.lines[1].find("vth0"), 9, "vth0=0.46");
  t.deck.lines[2].replace(t.deck.lines[2].find("vth0"), 9, "vth0=0.37");
  t.deck.lines[8] = "m1 d1 g 0 0 nb w=495n l=60n";
  t.deck.lines[10] = "m3 d3 g 0 0 nb w=510n l=60n";
  simulator().load(t.deck, t.options, 0, {});
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_NEAR(run.measures[i], operating_point(t.measures[i].vector), 1e-9) << i;
}

TEST(TestbenchRunner, WhatACornerSetsOfAModelHoldsInABinMadeAnew) {
  Testbench t = binned_testbench();
  t.settings = {{{KnobKind::model, "nb.1", "vth0"}, 0.40}};
  t.knobs.erase(t.knobs.begin(), t.knobs.begin() + 2);
  t.variables.erase(t.variables.begin(), t.variables.begin() + 2);
  for (Variable& variable : t.variables) variable.effects[0].knob -= 2;
  TestbenchRunner runner(simulator(), t);
  const std::vector<double> nominal = runner.run(Eigen::RowVector2d(0, 0)).measures;
  runner.run(Eigen::RowVector2d(3, 3));
  EXPECT_EQ(runner.run(Eigen::RowVector2d(0, 0)).measures, nominal);
}

/// A gate that hangs between two capacitors keeps what an operating point left there.
TEST(TestbenchRunner, ReadingNominalsLeavesNothingInANodeThatFloats) {
  Testbench t;
  t.deck = deck_of({"floating", ".param c=10f", "vdd vdd 0 1", "r1 vdd n1 5k", "r2 n1 0 8k", "cf n1 flt {c}",
                    "mf n1 flt 0 0 nch w=300n l=60n", ".model nch nmos level=54 version=4.8.2 vth0=0.3"});
  t.analysis.kind = AnalysisKind::operating_point;
  t.measures = {last_value("n1", "v(n1)")};
  const std::vector<double> plain = TestbenchRunner(simulator(), t).run(Eigen::RowVectorXd(0)).measures;
  t.variables = {one_effect("x", {LawKind::normal, 0.0, 0.01}, 0)};
  for (const Knob& knob : {device_knob("vdd", "dc"), device_knob("r1", "resistance")}) {
    t.knobs = {knob};
    TestbenchRunner runner(simulator(), t);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(runner.run(Eigen::RowVectorXd::Zero(1)).measures, plain);
    t.knobs.push_back({KnobKind::parameter, "", "c"});
    EXPECT_EQ(TestbenchRunner(simulator(), t).run(Eigen::RowVectorXd::Zero(1)).measures, plain);
  }
}

}  // namespace
}  // namespace flare::engine
