// What ngspice makes of a netlist it makes of the deck: plain ngspice runs both, the value is known besides.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/netlist/deck.hpp"
#include "tests/engine/netlist/deck_fixture.hpp"
#include "tests/netlists/ngspice_batch.hpp"

namespace flare::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Current out of v1 at the operating point, by plain ngspice.
double current(std::string netlist) {
  netlist += "\n.control\nop\nlet i1 = -i(v1)\nprint i1\n.endc\n.end\n";
  return netlist_test::run_ngspice(netlist).measures.at("i1");
}

struct Dialect {
  const char* name;
  std::string text;
  double current;
};

/// The text with @ replaced by a folder.
std::string with_folder(std::string text, const Folder& folder) {
  for (std::size_t at = text.find('@'); at != std::string::npos; at = text.find('@'))
    text.replace(at, 1, folder.path().string());
  return text;
}

/// Files that the netlists below include.
void add_files(const Folder& folder) {
  folder.add("values.inc", ".param r=2\r\n");
  folder.add("ended.inc", "r1 a 0 1\n.end\nr2 a 0 1\n");
  folder.add(
      "kit.lib",
      with_folder(".lib one\n.param r=1\n.endl\n.lib two\n.lib '@/kit.lib' one\n.param s=3\n.endl two\n",
                  folder));
}

std::vector<Dialect> dialects() {
  return {
      {"library on line 1", ".lib '@/kit.lib' one\nr1 a 0 {r}\nv1 a 0 3", 3.0},
      {"include on line 1", ".INCLUDE \"@/values.inc\"\nr1 a 0 {r}\nv1 a 0 3", 1.5},
      {"title statement", ".title a b\nr1 a 0 1\nv1 a 0 3", 3.0},
      {"short words", "t\n.inc @/values.inc\n.opt gmin=1e-12\nr1 a 0 {r}\nv1 a 0 3", 1.5},
      {"comments", "t\n$ one\n  * two\nr1 a 0 1 $ three\n// four\n; five\nv1 a 0 3 // six", 3.0},
      {"continued", "t\nr1 a 0\n* between\n\n  + 1\nv1 a\n+ 0\n+ 3", 3.0},
      {"backslashes", "t\nr1 a 0 \\\\  \n 1\nv1 a 0\\\\\n\n3", 3.0},
      {"carriage returns", "t\r\nr1 a 0\r\n+ 1\r\nv1 a 0 3\r\n", 3.0},
      {"statements after .end", "t\nr1 a 0 1\n.end\nv1 a 0 3\n.END", 3.0},
      {"an include with .end", "t\n.include @/ended.inc\nv1 a 0 3", 6.0},
      {"nested sections", "t\n.lib @/kit.lib two\nr1 a 0 {r*s}\nv1 a 0 3", 1.0},
      {"names of nodes", "t\n.global vdd!\nr1 bl<0> n[3] 1\nr2 n[3] vdd! 1\nv1 bl<0> 0 3\nv2 vdd! 0 1", 1.0},
      {"parameters",
       "t\n.param a = 2 b='a+1' c={b * 2}\n.params d=1 + 1\n.PARAMETER e=1\nr1 x 0 {c*d*e}\nv1 x 0 24", 2.0},
      {"functions", "t\n.func f(x) {x*2}\n.param g(x,y)={x+y}\nr1 a 0 {f(1)+g(1,1)}\nv1 a 0 4", 1.0},
      {"macro", "t\n.macro s a\nr1 a 0 1\n.eom\nx1 a s\nv1 a 0 3", 3.0},
      {"parentheses", "t\n.subckt s (a b)\nr1 (a b) 1\n.ends\nx1 ( a 0 ) s\nv1 (a 0) 3", 3.0},
      {"a subcircuit defined twice",
       "t\n.subckt s a\nr1 a 0 1\n.ends\n.subckt s a b\nr1 a b 2\n.ends\nx1 a s\nv1 a 0 3", 3.0},
      {"devices that a parameter chooses",
       "t\n.subckt s a rf=0\n.if (rf==0)\nr1 a 0 1\n.else\nr1 a 0 2\n.endif\n.ends\nx1 a s\nx2 a s rf=1\nv1 "
       "a 0 3",
       4.5},
      {"a model missing in a dead branch", "t\n.if (0)\nm1 a a a a none\n.endif\nr1 a 0 1\nv1 a 0 3", 3.0},
      {"a power transistor of three nodes",
       "t\n.model mv vdmos nchan vto=10\nm1 a 0 0 mv\nr1 a 0 1\nv1 a 0 3", 3.0},
      {"protected text", "t\n.prot\nr1 a 0 1\n.unprot\nv1 a 0 3", 3.0},
      {"saved currents", "t\n.option savecurrents post=2\nr1 a 0 1\nv1 a 0 3", 3.0},
  };
}

TEST(DeckDialects, AreTakenAsNgspiceTakesThem) {
  const Folder folder;
  add_files(folder);
  for (const Dialect& dialect : dialects()) {
    SCOPED_TRACE(dialect.name);
    const std::string text = with_folder(dialect.text, folder);
    EXPECT_NEAR(current(text), dialect.current, 1e-5 * dialect.current);
    std::string deck;
    ASSERT_NO_THROW(deck = parse_deck(text, folder.path() / "a.cir").text());
    EXPECT_NEAR(current(deck), dialect.current, 1e-5 * dialect.current);
  }
}

TEST(DeckDialects, ByteOrderMarksAreNotText) {
  const Folder folder;
  folder.add("marked.inc", "\xEF\xBB\xBF* a comment\n.param r=2\n");
  folder.add("marked.lib", "\xEF\xBB\xBF.lib tt\n.param s=2\n.endl\n");
  const auto file =
      folder.add("a.cir", "\xEF\xBB\xBFt\n.include marked.inc\n.lib marked.lib tt\nr1 a 0 {r}\n");
  EXPECT_THAT(read_deck(file).lines, ElementsAre("t", ".param r=2", ".param s=2", "r1 a 0 {r}"));
}

TEST(DeckDialects, AStatementOnTheTitleLineIsNotLost) {
  for (const char* first :
       {".option scale=1u", ".param w=1", ".model n nmos", ".subckt s a", ".control", ".temp 85"}) {
    EXPECT_THAT(error_of(std::string(first) + "\nr1 a 0 1\n"), HasSubstr("a.cir:1: the first line")) << first;
  }
  EXPECT_EQ(parse_deck("1.8 V inverter\nr1 a 0 1\n", "a.cir").lines.front(), "1.8 V inverter");
  EXPECT_EQ(parse_deck(".18 um inverter\nr1 a 0 1\n", "a.cir").lines.front(), "* .18 um inverter");
}

TEST(DeckDialects, WhatABranchNeedsMayBeMissing) {
  const std::string netlist =
      "t\n.subckt s a\nr1 a 0 1\n.ends\n.param p=1\n.if (p==0)\nx1 a none\nm1 a a a a none\nx2 a b "
      "s\n.endif\nx3 a s\n";
  EXPECT_EQ(error_of(netlist), "");
  std::vector<std::string> names;
  for (const DeviceInstance& device : list_devices(parse_deck(netlist, "a.cir")))
    names.push_back(device.name);
  EXPECT_THAT(names, ElementsAre("m1", "r.x2.r1", "r.x3.r1"));
}

TEST(DeckDialects, SourcesThatMoveAreSeenHoweverTheyAreWritten) {
  const Deck deck = parse_deck(
      "t\n.subckt s p\nv1 p 0\n+ dc 0\n+ PULSE(0 1 0 1n)\n.ends\nx1 a s\n"
      "v1 a 0 pulse 0 1 0 1n\nv2 a 0 dc 0 ac 1 sin (0 1 1k)\nv3 (a 0) pwl(0 0 1n 1)\ni4 a 0 dc=0 exp ( 0 1 "
      ")\n"
      "v5 a 0 SFFM(0 1 1)\nv6 a 0 am(1 1 1 1)\nv7 a 0 trnoise(1 1n 0 0)\nv8 a 0 dc 1 external\nv9 a 0 "
      "trrandom(1 1n)\n"
      "v10 am 0 1\nv11 exp sin dc 1\nv12 a 0 {pulse(1)}\nr13 pulse 0 1\n",
      "a.cir");
  for (const DeviceInstance& device : list_devices(deck)) {
    const bool still =
        device.name == "v10" || device.name == "v11" || device.name == "v12" || device.name == "r13";
    EXPECT_EQ(device.waveform, !still) << device.name;
    const bool without = device.name == "v1" || device.name == "v3" || device.name == "v5" ||
                         device.name == "v6" || device.name == "v7" || device.name == "v9";
    EXPECT_EQ(device.dc_value, !without) << device.name;
  }
}

TEST(DeckSections, AreChosenThroughLinksAndByName) {
  const Folder folder;
  const auto kit = folder.add("kit/kit.lib", ".lib tt\n.param p=1\n.endl\n.lib ss\n.param p=2\n.endl\n");
  std::filesystem::create_directory_symlink("kit", folder.path() / "pdk");
  const auto file = folder.add("a.cir", "t\n.lib pdk/kit.lib tt\nr1 a 0 {p}\n");
  for (const std::filesystem::path& key :
       {kit, folder.path() / "pdk" / "kit.lib", std::filesystem::path("kit.lib")}) {
    DeckOptions options;
    options.library_sections[key] = "SS";
    const Deck deck = read_deck(file, options);
    EXPECT_THAT(deck.lines, ElementsAre("t", ".param p=2", "r1 a 0 {p}")) << key;
    EXPECT_THAT(deck.sections_taken, ElementsAre(key));
  }
  DeckOptions other;
  other.library_sections["other.lib"] = "ss";
  EXPECT_TRUE(read_deck(file, other).sections_taken.empty());
}

TEST(DeckSections, OnlyTheNetlistsOwnLinesAreMoved) {
  const Folder folder;
  const auto kit = folder.add("kit.lib",
                              ".lib tt\n.param dv=0\n.lib kit.lib devices\n.endl\n"
                              ".lib ss\n.param dv=1\n.lib 'kit.lib' devices\n.endl\n"
                              ".lib devices\n.param v='1+dv'\n.endl\n");
  folder.add("wrapper.lib", ".lib all\n.lib kit.lib tt\n.endl\n");
  DeckOptions options;
  options.library_sections[kit] = "ss";
  const auto direct = folder.add("a.cir", "t\n.lib kit.lib tt\nr1 a 0 {v}\n");
  EXPECT_THAT(read_deck(direct, options).lines,
              ElementsAre("t", ".param dv=1", ".param v='1+dv'", "r1 a 0 {v}"));
  const auto wrapped = folder.add("b.cir", "t\n.lib wrapper.lib all\nr1 a 0 {v}\n");
  EXPECT_THAT(read_deck(wrapped, options).lines,
              ElementsAre("t", ".param dv=1", ".param v='1+dv'", "r1 a 0 {v}"));
}

}  // namespace
}  // namespace flare::engine
