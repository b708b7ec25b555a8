#include "engine/netlist/deck.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/engine/netlist/deck_fixture.hpp"

namespace flare::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::vector<std::string> names_of(const Deck& deck) {
  std::vector<std::string> names;
  for (const DeviceInstance& device : list_devices(deck)) names.push_back(device.name);
  return names;
}

TEST(Deck, JoinsContinuationsAndDropsComments) {
  const Deck deck = parse_deck(
      "My title\n* a comment\nr1 a 0\n* between\n\n+ 1k ; tail\nr2 a 0 2k $ tail\nr3 a 0 'x//y' // "
      "tail\n.end\n",
      "a.cir");
  EXPECT_THAT(deck.lines, ElementsAre("My title", "r1 a 0 1k", "r2 a 0 2k", "r3 a 0 'x//y'"));
  EXPECT_EQ(deck.text(), "My title\nr1 a 0 1k\nr2 a 0 2k\nr3 a 0 'x//y'\n.end\n");
}

TEST(Deck, ReadsIncludesAndLibrarySections) {
  const Folder folder;
  folder.add("sub/models.inc", ".model nch nmos level=54\n.model pch pmos level=54\n");
  folder.add("kit.lib",
             "* kit\n.lib tt\n.param fast=0\n.include sub/models.inc\n.endl tt\n"
             ".lib FF\n.param fast=1\n.lib \"kit.lib\" tt\n.endl\n");
  const auto file =
      folder.add("main.cir", "t\n.lib 'kit.lib' ff\nm1 a b 0 0 nch w=1u l=1u\nr1 a b 1k\n.end\n");
  const Deck deck = read_deck(file);
  EXPECT_THAT(deck.lines, ElementsAre("t", ".param fast=1", ".param fast=0", ".model nch nmos level=54",
                                      ".model pch pmos level=54", "m1 a b 0 0 nch w=1u l=1u", "r1 a b 1k"));
  EXPECT_EQ(list_models(deck).at("pch"), "pmos");
}

TEST(Deck, MissingFilesAndSectionsAreNamed) {
  const Folder folder;
  folder.add("kit.lib", ".lib tt\n.endl\n.lib ss\n.endl\n");
  const auto no_file = folder.add("a.cir", "t\nr1 a 0 1\n.include nothing.inc\n");
  const auto no_section = folder.add("b.cir", "t\n.lib kit.lib typ\n");
  try {
    read_deck(no_file);
    FAIL();
  } catch (const DeckError& error) {
    EXPECT_THAT(error.what(), StartsWith(no_file.string() + ":3: there is no file nothing.inc"));
  }
  try {
    read_deck(no_section);
    FAIL();
  } catch (const DeckError& error) {
    EXPECT_THAT(error.what(), HasSubstr("b.cir:2: "));
    EXPECT_THAT(error.what(), HasSubstr("has no section typ; it has ss, tt"));
  }
  EXPECT_THROW(read_deck(folder.path() / "none.cir"), DeckError);
  EXPECT_THROW(read_deck(folder.path()), DeckError);
}

TEST(Deck, CirclesOfFilesEnd) {
  const Folder folder;
  const auto file = folder.add("a.cir", "t\n.include b.inc\n");
  folder.add("b.inc", ".include b.inc\n");
  EXPECT_THROW(read_deck(file), DeckError);
}

TEST(Deck, NamesDevicesAsTheSimulatorDoes) {
  const Deck deck = parse_deck(
      "t\n.model NCH nmos level=54\n.model dx d\n"
      ".subckt leaf a b w=1u\nM1 a b 0 0 nch w={w} l=1u\nd1 a 0 dx\n.ends leaf\n"
      ".subckt pair a b\nXA a b leaf\nxb a b leaf w = 2u\n.ends\n"
      "X1 p q pair\nr1 p q 1k\nx2 p q leaf params: w=3u\nv1 p 0 1\n",
      "a.cir");
  EXPECT_THAT(names_of(deck), ElementsAre("m.x1.xa.m1", "d.x1.xa.d1", "m.x1.xb.m1", "d.x1.xb.d1", "r1",
                                          "m.x2.m1", "d.x2.d1", "v1"));
  const std::vector<DeviceInstance> devices = list_devices(deck);
  EXPECT_EQ(devices[0].model, "nch");
  EXPECT_EQ(devices[1].model, "dx");
  EXPECT_EQ(devices[4].type, 'r');
  EXPECT_EQ(devices[4].model, "");
}

TEST(Deck, LocalModelsAndSubcircuitsAreSeenInsideOnly) {
  EXPECT_EQ(error_of("t\n.subckt s a\n.model loc nmos\nm1 a a 0 0 loc\n.ends\nx1 n s\n"), "");
  EXPECT_EQ(error_of("t\n.subckt s a\n.subckt in a\nr1 a 0 1\n.ends\nx1 a in\n.ends\nx1 n s\n"), "");
  EXPECT_THAT(error_of("t\n.subckt s a\n.model loc nmos\nr1 a 0 1\n.ends\nx1 n s\nm1 a a 0 0 loc\n"),
              StartsWith("a.cir:7: model loc is not defined"));
}

TEST(Deck, UndefinedNamesComeWithLineAndRemedy) {
  EXPECT_EQ(error_of("t\n.model nfet nmos\nm1 a b 0 0 nfte w=1u\n"),
            "a.cir:3: model nfte is not defined; did you mean nfet?");
  EXPECT_EQ(error_of("t\n.subckt cell a\nr1 a 0 1\n.ends\nx1 a b cel1\n"),
            "a.cir:5: subcircuit cel1 is not defined; did you mean cell?");
  EXPECT_EQ(error_of("t\n\nx1 a b something\n"),
            "a.cir:3: subcircuit something is not defined; add its .subckt or .include its file");
  EXPECT_EQ(error_of("t\n.subckt cell a b\nr1 a b 1\n.ends\nx1 a cell\n"),
            "a.cir:5: x1 connects 1 nodes, subcircuit cell has 2; correct one of them");
}

TEST(Deck, BinnedModelsCount) {
  EXPECT_EQ(
      error_of("t\n.model nch.1 nmos lmin=1u lmax=2u\n.model nch.2 nmos lmin=2u lmax=9u\nm1 a b 0 0 nch\n"),
      "");
}

TEST(Deck, RefusesWhateverRunsCommandsOrOpensFiles) {
  for (const char* line : {".control\nshell touch x\n.endc",
                           ".CONTROL\n.endc",
                           "*ng_script",
                           ".exec ls",
                           ".shell ls",
                           ".write x.raw",
                           ".codemodel x.cm",
                           ".osdi x",
                           ".pre_osdi x",
                           "#system",
                           "%echo",
                           ".model f filesource (file=\"/etc/passwd\")",
                           ".model p d_process (process_file = \"/bin/sh\")",
                           ".model d d_state (state_file= \"x\")",
                           "v1 a 0 pwl file=\"/etc/passwd\"",
                           "v1 a 0 pwl(file=\"x\")",
                           ".model t table2d(file(\"x\"))",
                           ".model t table3d (FILE 'x')",
                           ".model s d_source input_file \"x\"",
                           ".model s d_source(input_file,x)",
                           ".model s d_state",
                           ".model f\tfilesource",
                           "v1 a 0 pwl (file(\"x\"))",
                           "v1 a 0 pwl,file,x",
                           ".model n numd rootfile(x)",
                           ".loadsnap x"}) {
    const std::string text = std::string("t\nr1 a 0 1k\n") + line + "\n";
    if (line[0] == '*') {
      EXPECT_EQ(parse_deck(std::string(line) + "\nr1 a 0 1\n", "a.cir").lines.front(),
                std::string("* ") + line);
      continue;
    }
    EXPECT_THAT(error_of(text), StartsWith("a.cir:3: ")) << line;
    EXPECT_THAT(error_of(text), HasSubstr("if you trust")) << line;
    DeckOptions trusting;
    trusting.commands = Commands::run;
    EXPECT_EQ(error_of(text, trusting), "") << line;
  }
}

TEST(Deck, NamesThatEndInFileAreNames) {
  const char* text =
      "t\nxprofile a file2 profile\n.subckt profile a b\nr1 a b 1k\n.ends\nr2 a file2 1k\n.model myfile "
      "nmos\n";
  EXPECT_EQ(error_of(text), "");
}

TEST(Deck, CommandsInCommentsAreDropped) {
  const Deck deck = parse_deck("t\n*# shell touch /tmp/x\nr1 a 0 1k\n", "a.cir");
  EXPECT_THAT(deck.lines, ElementsAre("t", "r1 a 0 1k"));
  // A deck that was not read by parse_deck is checked where it is loaded.
  EXPECT_THROW(refuse_commands(Deck{{"t", "*# shell touch /tmp/x"}}), DeckError);
  EXPECT_THROW(refuse_commands(Deck{{"*ng_script", "echo"}}), DeckError);
  EXPECT_THROW(refuse_commands(Deck{{"t", "r1 a 0 1", ".control", "quit", ".endc"}}), DeckError);
  EXPECT_THROW(refuse_commands(Deck{{"t", "r1 a 0 1\n.control\nquit\n.endc"}}), DeckError);
  EXPECT_NO_THROW(refuse_commands(Deck{{"t", "* a comment", "r1 a 0 1"}}));
}

TEST(Deck, BoundsHold) {
  DeckOptions options;
  options.limits.max_bytes = 50;
  EXPECT_THAT(error_of("t\n" + std::string(100, 'r') + "\n", options), HasSubstr("larger than"));
  options = {};
  options.limits.max_lines = 3;
  EXPECT_THAT(error_of("t\nr1 a 0 1\nr2 a 0 1\nr3 a 0 1\nr4 a 0 1\n", options),
              HasSubstr("more than 3 lines"));
  options = {};
  options.limits.max_devices = 1000;
  std::string bomb = "t\n.subckt s0 a\nr1 a 0 1\n.ends\n";
  for (int i = 1; i < 30; ++i) {
    bomb += fmt::format(".subckt s{0} a\nx1 a s{1}\nx2 a s{1}\n.ends\n", i, i - 1);
  }
  EXPECT_THAT(error_of(bomb + "x1 a s29\n", options), HasSubstr("more than 1000 devices"));
  EXPECT_THAT(error_of("t\n.subckt s a\nx1 a s\n.ends\nx1 a s\n"), HasSubstr("does s contain itself?"));
  EXPECT_THAT(error_of(std::string("t\nr1 a 0 1\0\n", 12)), HasSubstr("not text"));
}

TEST(Deck, UnbalancedBlocksAreNamed) {
  EXPECT_THAT(error_of("t\n.subckt s a\nr1 a 0 1\n"), StartsWith("a.cir:2: a .subckt without its end"));
  EXPECT_THAT(error_of("t\n.ends\n"), StartsWith("a.cir:2: .ends without .subckt"));
  EXPECT_THAT(error_of("t\n.endl\n"), StartsWith("a.cir:2: .endl without .lib"));
  EXPECT_THAT(error_of("t\n+ 1k\n"), StartsWith("a.cir:2: a continuation line"));
}

TEST(Deck, PatternsMatchFlatNames) {
  EXPECT_TRUE(matches("m.x?.m*", "m.x1.ma"));
  EXPECT_TRUE(matches("X*.MA", "m.x1.ma"));
  EXPECT_TRUE(matches("x1.xa.m1", "m.x1.xa.m1"));
  EXPECT_FALSE(matches("x*.md", "m.x1.ma"));
  EXPECT_TRUE(matches("*", "r1"));
  EXPECT_FALSE(matches("1", "r1"));
  EXPECT_FALSE(matches("", "r1"));
}

}  // namespace
}  // namespace flare::engine
