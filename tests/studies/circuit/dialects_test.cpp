// Netlists as kits, editors and other simulators write them give the number that plain ngspice gives, through the whole
// program: reading sizes for Pelgrom's law, naming devices, measuring nodes.
#include <cmath>
#include <filesystem>

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

// A square-law transistor of W/L = 2 at 0.6 V of overdrive.
constexpr double drive = 0.5 * 200e-6 * 2.0 * 0.6 * 0.6;
const std::string of_width = "[[variation]]\nparameter = \"w\"\npelgrom = \"5 % um\"\n";

class Dialects : public CircuitFixture {
 protected:
  void SetUp() override {
    CircuitFixture::SetUp();
    write("kit.lib", ".lib tt\n.model nch nmos(level=1 vto=0.4 kp=200u)\n.endl tt\n");
  }
  /// cell.cir as it is, for the transistor's current; the width varies by 5 % / sqrt(8).
  void expect_drive(const std::string& netlist, const std::string& vector = "-i(vd)") const {
    write("cell.cir", netlist);
    study_runs("[technology]\ncards = \"kit.lib\"\n" + operating_point(vector, "\"0 A\"") + of_width +
               "[corners]\nprocess = [\"tt\"]\n" + plain(20));
    const Samples s = samples();
    for (Eigen::Index r = 0; r < s.z.rows(); ++r) {
      const double right = drive * (1.0 + 0.05 / std::sqrt(8.0) * s.z(r, 0));
      EXPECT_NEAR(s.measures(r, 0), right, 1e-6 * right);
    }
  }
};

TEST_F(Dialects, WhateverTheTitleIsTheFirstElementVaries) {
  const std::string lines = "\nr1 a o 1k\nr2 o 0 1k\nv1 a 0 1\n.end\n";
  const std::string study = operating_point("v(o)") + varies("r", "r*", "1 %") + plain(20);
  write("cell.cir", "a circuit" + lines);
  study_runs(study);
  const Samples named = samples();
  ASSERT_EQ(named.variables.size(), 2U);
  for (const std::string title :
       {"* a circuit", "*", "", "$ a", "; a", "# a", "(a)", "*ng_script", "*# op"}) {
    SCOPED_TRACE(title);
    write("cell.cir", title + lines);
    study_runs(study);
    const Samples s = samples();
    EXPECT_EQ(s.variables, named.variables);
    EXPECT_EQ(s.measures, named.measures);
  }
  write("cell.cir", "a circuit" + lines.substr(0, lines.find(".end")) + ".title\n.end\n");
  study_runs(study);
  EXPECT_EQ(samples().variables, named.variables);
}

TEST_F(Dialects, GiveTheSameNumber) {
  const std::string parts = "vd d 0 2\nvg g 0 1\nm1 d g 0 0 nch w=4u l=2u\n";
  const std::string kit = ".lib 'kit.lib' tt\n";
  write("bom.inc", "\xEF\xBB\xBF* written by an editor\n.param wx=4u\n");
  for (const auto& [what, netlist] : std::initializer_list<std::pair<const char*, std::string>>{
           {"a library on line 1", kit + parts + ".end\n"},
           {"saved currents", "t\n" + kit + ".option savecurrents\n" + parts + ".end\n"},
           {"$ begins a line", "t\n$ a comment\n" + kit + parts + ".end\n"},
           {"continued by backslashes",
            "t\n" + kit + "vd d 0 2\nvg g 0 1\nm1 d g 0 0 \\\\\n nch w=4u l=2u\n.end\n"},
           {"a byte order mark",
            "t\n" + kit + ".include bom.inc\nvd d 0 2\nvg g 0 1\nm1 d g 0 0 nch w={wx} l=2u\n.end\n"},
           {"capitals, carriage returns, no .end",
            "T\r\n.LIB 'kit.lib' TT\r\nVD D 0 2\r\nVG G 0 1\r\nM1 D G 0 0 NCH W=4U L=2U\r\n"},
           {"micro signs",
            "t\n" + kit + "vd d 0 2\nvg g 0 1\nm1 d g 0 0 nch w=4\xC2\xB5 l=2\xCE\xBC\n.end\n"},
           {"a device that a parameter chooses",
            "t\n" + kit +
                ".subckt c d g rf=0\n.if (rf == 0)\nm1 d g 0 0 nch w=4u l=2u\n.else\nm1 d g 0 0 nch w=8u "
                "l=2u\n"
                ".endif\n.ends\nvd d 0 2\nvg g 0 1\nx1 d g c\n.end\n"}}) {
    SCOPED_TRACE(what);
    expect_drive(netlist);
  }
}

TEST_F(Dialects, VectorsHaveManyWritings) {
  const std::string netlist =
      cell(".lib 'kit.lib' tt\nvd d 0 2\nvg g 0 1\nm1 d g 0 0 nch w=4u l=2u\nvz d2 d 0");
  for (const char* vector : {"-I(VD)", "- i( vd )", "@m1[id]"}) {
    SCOPED_TRACE(vector);
    expect_drive(netlist, vector);
  }
}

TEST_F(Dialects, NodesOfSchematicEditorsAreMeasured) {
  write("cell.cir",
        cell(".global vdd!\nvvdd vdd! 0 0.9\nr1 vdd! bl<0> 1k\nr2 bl<0> net[3] 1k\nr3 net[3] 0 1k"));
  for (const auto& [vector, part] :
       {std::pair{"v(bl<0>)", 2.0}, {"V(BL<0>, net[3])", 1.0}, {"v(vdd!,bl<0>)", 1.0}, {"net[3]", 1.0}}) {
    SCOPED_TRACE(vector);
    study_runs(operating_point(vector) + varies("dc", "vvdd", "1 %") + plain(20));
    const Samples s = samples();
    for (Eigen::Index r = 0; r < s.z.rows(); ++r)
      EXPECT_NEAR(s.measures(r, 0), 0.3 * part * (1.0 + 0.01 * s.z(r, 0)), 1e-8);
  }
  EXPECT_THAT(refusal(operating_point("v(bl<1>)") + varies("dc", "vvdd", "1 %")), HasSubstr("v(bl<0>)"));
}

TEST_F(Dialects, UnitsAreReadAsDataSheetsWriteThem) {
  write("cell.cir", cell(".lib 'kit.lib' tt\nvd d 0 2\nvg g 0 1\nm1 d g 0 0 nch w=4u l=2u"));
  study_runs("[technology]\ncards = \"kit.lib\"\n" +
             operating_point("-i(vd)",
                             "\"70 \xC2\xB5"
                             "A\"") +
             "[[variation]]\nparameter = \"w\"\npelgrom = \"5 % \xCE\xBCm\"\n[corners]\nprocess = [\"tt\"]\n"
             "temperature = [\"27 \xC2\xB0"
             "C\"]\n" +
             plain(1000));
  // 72 uA (1 + 0.0177 z) below 70 uA
  expect_probability(flare::studies::testing::phi((70e-6 / drive - 1.0) / (0.05 / std::sqrt(8.0))));
}

// A comparator as vendors write it: if() is a function in PSPICE's dialect only.
constexpr const char* macro =
    "vp p 0 0.52\nvn n 0 0.5\nvoff p1 p 0\ne1 o 0 value={if(v(p1)>v(n),1,0)}\nro o 0 1k";

TEST_F(Dialects, ACompatibilityModeIsTheStudysToName) {
  write("cell.cir", cell(macro));
  const std::string study = operating_point("v(o)", "\"0.5 V\"") + varies("dc", "voff", "0.01") + plain(1000);
  EXPECT_THAT(refusal(study), HasSubstr("no such function 'if'"));
  study_runs(study + "[simulator]\ncompatibility = \"psa\"\n");
  expect_probability(flare::studies::testing::phi(-2.0));
  // Where none of the samples fails, 4 sigma here, the comparator is no less moved by its offset: a bound.
  study_runs(operating_point("v(o)", "\"0.5 V\"") + varies("dc", "voff", "0.005") + plain(40) +
             "[simulator]\ncompatibility = \"psa\"\n");
  EXPECT_EQ(failures().texts("status")[0], "bound");
}

TEST_F(Dialects, ACompatibilityModeChoosesTheBinOfAFinger) {
  // Two bins at 3 um: of the whole width, or in HSPICE's dialect of one finger's.
  write("cell.cir", cell("vd d 0 1.8\nvg g 0 1.8\nm1 d g 0 0 n l=0.15u w=4u nf=2\n"
                         ".model n.1 nmos(level=14 version=4.8 lmin=0.1u lmax=1u wmin=1u wmax=3u vth0=0.4)\n"
                         ".model n.2 nmos(level=14 version=4.8 lmin=0.1u lmax=1u wmin=3u wmax=9u vth0=0.7)"));
  const std::string study = operating_point("-i(vd)", "\"0 A\"") + varies("vth", "m1", "0.1 uV") + plain(20);
  study_runs(study);
  const double whole = value();
  study_runs(study + "[simulator]\ncompatibility = \"hsa\"\n");
  const double finger = value();
  EXPECT_GT(finger, 1.2 * whole);
  EXPECT_THAT(refusal(study + "[simulator]\ncompatibility = \"hspice\"\n"), HasSubstr("compatibility"));
}

TEST_F(Dialects, CommandsAreRefusedOrLeftOut) {
  const std::string parts = "vvdd vdd 0 0.9\nr1 vdd o 1k\nr2 o 0 1k\n";
  const std::string study = operating_point("v(o)") + varies("r", "r1", "1 %") + plain(20);
  write("cell.cir", cell(parts + ".control\nop\nalter r2 = 5k\nwrite out.raw\nquit\n.endc"));
  EXPECT_THAT(refusal(study), AllOf(HasSubstr("cell.cir:5"), HasSubstr("commands = \"leave out\"")));
  EXPECT_THAT(refusal("commands = \"run\"\n" + study),
              AllOf(HasSubstr("cell.cir:9"), HasSubstr("ends the simulator")));
  study_runs("commands = \"leave out\"\n" + study);
  const Samples s = samples();
  for (Eigen::Index r = 0; r < s.z.rows(); ++r)
    EXPECT_NEAR(s.measures(r, 0), 0.9 / (2.0 + 0.01 * s.z(r, 0)), 1e-8);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out.raw"));
}

TEST_F(Dialects, OptionsOfTheNetlistAreTakenOrRefused) {
  const std::string study = operating_point("v(o)") + varies("r", "r1", "1 %") + plain(20);
  const std::string parts = "v1 a 0 1\nr1 a o 1k\nr2 o 0 1k\n";
  // rshunt is a resistor at every node.
  write("cell.cir", cell(parts + ".options rshunt=1k"));
  study_runs(study);
  const Samples s = samples();
  for (Eigen::Index r = 0; r < s.z.rows(); ++r)
    EXPECT_NEAR(s.measures(r, 0), 0.5 / (1.5 + 0.01 * s.z(r, 0)), 1e-8);
  write("cell.cir", cell(parts + ".options ngbehavior=psa"));
  EXPECT_THAT(refusal(study), HasSubstr("cell.cir:5"));
  write("cell.cir", cell(parts + ".options nonsense=3"));
  EXPECT_THAT(refusal(study), AllOf(HasSubstr("cell.cir:5"), HasSubstr("nonsense")));
}

}  // namespace
