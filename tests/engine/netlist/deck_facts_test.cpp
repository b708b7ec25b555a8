#include "engine/netlist/deck_facts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/netlist/deck.hpp"
#include "engine/netlist/deck_parameters.hpp"
#include "tests/engine/netlist/deck_fixture.hpp"

namespace flare::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Deck deck_of(const std::string& statements) { return parse_deck("t\nr1 a 0 1\n" + statements, "a.cir"); }

std::string option_error(const std::string& statement) {
  try {
    facts_of(deck_of(statement));
  } catch (const DeckError& error) {
    return error.what();
  }
  return {};
}

TEST(DeckFacts, TemperatureIsTheOneThatCountsInNgspice) {
  EXPECT_FALSE(facts_of(deck_of("")).temperature);
  EXPECT_EQ(facts_of(deck_of(".temp 85\n")).temperature->celsius, 85.0);
  EXPECT_EQ(facts_of(deck_of(".temp=-40\n")).temperature->celsius, -40.0);
  EXPECT_EQ(facts_of(deck_of(".options temp = 70, gmin=1e-12\n")).temperature->celsius, 70.0);
  EXPECT_EQ(facts_of(deck_of(".option temp=50\n.option temp=70\n")).temperature->celsius, 70.0);
  const DeckFacts both = facts_of(deck_of(".temp 50\n.options temp=70\n"));
  EXPECT_EQ(both.temperature->celsius, 50.0);
  EXPECT_EQ(both.temperature->place, "a.cir:3");
  const DeckFacts expression = facts_of(deck_of(".param hot=85\n.temp 'hot'\n"));
  EXPECT_FALSE(expression.temperature->celsius);
  EXPECT_EQ(expression.temperature->text, "'hot'");
}

TEST(DeckFacts, InitialStatesAreFound) {
  const DeckFacts facts =
      facts_of(deck_of("c1 a 0 1p ic=0.5\n.subckt s a\nc2 a 0 1p\n+ IC = 1\n.ends\nx1 a s ic=1\nc3 ic 0 1p\n"
                       "m1 a a a a n ic=1,2,3\n.model n nmos\n.ic v(a)=1\n.tran 1n 10n UIC\n"));
  ASSERT_EQ(facts.initial_states.size(), 3u);
  EXPECT_EQ(facts.initial_states[0].device, "c1");
  EXPECT_EQ(facts.initial_states[0].place, "a.cir:3");
  EXPECT_EQ(facts.initial_states[1].place, "a.cir:5");
  EXPECT_EQ(facts.initial_states[2].device, "m1");
  EXPECT_EQ(facts.use_initial, "a.cir:13");
  EXPECT_FALSE(facts_of(deck_of(".tran 1n 10n\n")).use_initial);
}

TEST(DeckFacts, OptionsAreClassified) {
  const DeckFacts facts = facts_of(deck_of(
      ".options RELTOL=1e-4 method=gear scale = 1u\n.option savecurrents post=2\n.opt cshunt={1f}\n"));
  std::vector<std::string> all;
  for (const DeckOption& option : facts.options) {
    const char* kind = option.kind == OptionKind::numerics ? "numerics"
                       : option.kind == OptionKind::passed ? "passed"
                                                           : "output";
    all.push_back(option.place + " " + option.key + "=" + option.value + " " + kind);
  }
  EXPECT_THAT(all, ElementsAre("a.cir:3 reltol=1e-4 numerics", "a.cir:3 method=gear numerics",
                               "a.cir:3 scale=1u passed", "a.cir:4 savecurrents= output",
                               "a.cir:4 post=2 output", "a.cir:5 cshunt={1f} passed"));
}

TEST(DeckFacts, OptionsThatNgspiceIgnoresAreErrors) {
  EXPECT_EQ(option_error(".options retol=1e-4\n"),
            "a.cir:3: ngspice does not know the option retol; did you mean reltol?");
  EXPECT_THAT(option_error(".options some_other_simulator=1\n"),
              HasSubstr("some_other_simulator; remove it"));
  EXPECT_THAT(option_error(".options ngbehavior=hsa\n"),
              HasSubstr("name the compatibility mode in the study"));
}

TEST(DeckFacts, PlacesSurviveWhatIsDoneToADeck) {
  const Deck deck = deck_of("r2 a 0\n* comment\n+ {agauss(1,0.1,1)}\n\nr3 a 0 1\n");
  ASSERT_EQ(deck.lines.size(), 5u);
  EXPECT_EQ(deck.place(0), "a.cir:1");
  EXPECT_EQ(deck.place(3), "a.cir:3");
  EXPECT_EQ(deck.place(4), "a.cir:7");
  // A deck from a result file knows no places, and is the same deck.
  const Deck plain{deck.lines};
  EXPECT_EQ(plain, deck);
  EXPECT_EQ(plain.place(3), "deck:4");
}

TEST(DeckParameters, AreReplacedWhereverTheTopLevelDefinesThem) {
  const Folder folder;
  folder.add("values.inc", ".param  cload = 10f ,\n+ w={2*l} l='1u'\n");
  folder.add("kit.lib", ".lib tt\n.param dv=0\n.endl\n");
  const auto file =
      folder.add("a.cir",
                 "t\n.include values.inc\n.lib kit.lib tt\n.param VDD=1 + 1 f(x)={x}\n.param vdd=3\n"
                 ".subckt s a vdd=5\n.param vdd=4\nr1 a 0 {vdd}\n.ends\nx1 a s\n");
  DeckOptions options;
  options.parameters = {{"Cload", "20f"}, {"w", "'3*l'"}, {"vdd", "cload*2"}, {"dv", "-0.1"}};
  const Deck deck = read_deck(file, options);
  EXPECT_THAT(deck.lines,
              ElementsAre("t", ".param  cload = {20f} , w={3*l} l='1u'", ".param dv={-0.1}",
                          ".param VDD={cload*2} f(x)={x}", ".param vdd={cload*2}", ".subckt s a vdd=5",
                          ".param vdd=4", "r1 a 0 {vdd}", ".ends", "x1 a s"));
  EXPECT_THAT(parameter_names(deck), ElementsAre("cload", "dv", "l", "vdd", "w"));
  const Deck moved = with_moved_parameters(deck, {{"dv", {0.125}}, {"VDD", {1e-9}}});
  EXPECT_EQ(moved.lines[2], ".param dv={0.125}");
  EXPECT_EQ(moved.lines[4], ".param vdd={1e-09}");
  EXPECT_EQ(moved.place(2), deck.place(2));
}

TEST(DeckParameters, AreMovedFromWhatStandsThere) {
  const Deck deck = deck_of(".param a=1k b={2*a} c='b + 1'\n.param d=a f(a)={a}\n");
  const Deck moved = with_moved_parameters(
      deck,
      {{"a", {{}, 1.5, 0.0}}, {"B", {{}, 1.0, -0.25}}, {"c", {{}, 2.0, 1.0}}, {"d", {{4.0}, 0.5, 1.0}}});
  EXPECT_EQ(moved.lines[2], ".param a={(1k)*(1.5)+(0)} b={(2*a)*(1)+(-0.25)} c={(b + 1)*(2)+(1)}");
  EXPECT_EQ(moved.lines[3], ".param d={3} f(a)={a}");
  EXPECT_THROW(with_moved_parameters(deck, {{"q", {}}}), DeckError);
}

TEST(DeckParameters, UnknownNamesAndOddValuesAreErrors) {
  const auto error_with = [](const std::string& name, const std::string& value) {
    DeckOptions options;
    options.parameters[name] = value;
    return error_of("t\n.param vdd=1\n.subckt s a inner=1\nr1 a 0 {inner}\n.ends\n", options);
  };
  EXPECT_EQ(error_with("vddd", "1"),
            "a.cir:1: the netlist has no parameter vddd at its top level; did you mean vdd?");
  EXPECT_THAT(error_with("inner", "1"),
              HasSubstr("no parameter inner at its top level; add .param inner=..."));
  EXPECT_THAT(error_with("vdd", "1} .control"), HasSubstr("is no number or expression"));
  EXPECT_THAT(error_with("vdd", "1\n.control"), HasSubstr("is no number or expression"));
  EXPECT_THAT(error_with("vdd", " "), HasSubstr("is no number or expression"));
  EXPECT_THAT(error_of("t\n.param a=1, b=2\n"),
              StartsWith("a.cir:2: ngspice does not come back from a comma"));
  EXPECT_THAT(error_of("t\n.subckt s n a={1},b=2\nr1 n 0 1\n.ends\n"), HasSubstr("write a blank before b"));
  EXPECT_EQ(error_of("t\n.param a=1 , f(x,y)={x+y}, \n"), "");
  EXPECT_THROW(with_moved_parameters(deck_of(".param p=1\n"), {{"q", {1.0}}}), DeckError);
}

TEST(DeckCommands, BlocksAreRefusedLeftOutOrRun) {
  const std::string netlist = "t\nr1 a 0 1\n.control\nop\nwrite out.raw; quit\n.endc\nr2 a 0 1\n";
  EXPECT_EQ(error_of(netlist),
            "a.cir:3: a .control block runs commands when the netlist is loaded; set commands = \"leave "
            "out\" in the "
            "study, or \"run\" if you trust it");
  DeckOptions options;
  options.commands = Commands::leave_out;
  const Deck without = parse_deck(netlist, "a.cir", options);
  EXPECT_THAT(without.lines, ElementsAre("t", "r1 a 0 1", "r2 a 0 1"));
  EXPECT_FALSE(without.allow_commands);
  EXPECT_THAT(error_of("t\n.exec ls\n", options), HasSubstr(".exec"));
  options.commands = Commands::run;
  EXPECT_THAT(error_of(netlist, options), StartsWith("a.cir:5: this ends the simulator"));
  EXPECT_THAT(error_of(netlist, options), HasSubstr("commands = \"leave out\""));
  const Deck runs =
      parse_deck("t\n.control\nlet quitting = agauss\n.end\n.endc\n,\nr1 a 0 1\n", "a.cir", options);
  EXPECT_EQ(runs.lines.size(), 6u);
  EXPECT_TRUE(runs.allow_commands);
  EXPECT_EQ(runs.lines[2], "let quitting = agauss");
}

}  // namespace
}  // namespace flare::engine
