// A corner is what its name says, or it is an error. Circuits of sources and resistors, whose values are known.
#include <filesystem>

#include "tests/studies/circuit_fixture.hpp"

namespace {

using flare::studies::testing::cell;
using flare::studies::testing::CircuitFixture;
using flare::studies::testing::Ended;
using flare::studies::testing::operating_point;
using flare::studies::testing::phi;
using flare::studies::testing::plain;
using flare::studies::testing::varies;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// The probe varies by so little that a corner's mean is its value.
const std::string still = varies("resistance", "rx", "0.0001 %");

class Corners : public CircuitFixture {
 protected:
  void SetUp() override {
    CircuitFixture::SetUp();
    write("kit.lib",
          ".lib tt\n.param ohm=1k\n.endl tt\n.lib ss\n.param ohm=3k\n.endl ss\n"
          ".lib r_fast\n.param ohm=2k\n.endl\n.lib r_slow\n.param ohm=4k\n.endl\n");
  }

  /// A study of `vector` of cell.cir at these corners; `circuit`: more keys of [circuit].
  static std::string study(const std::string& vector, const std::string& corners,
                           const std::string& circuit = "") {
    std::string text = operating_point(vector);
    if (!circuit.empty()) text.insert(text.find("[[measure]]"), circuit + "\n");
    return text + still + "[corners]\n" + corners + "\n" + plain(20);
  }
  /// Value of the measure at every corner.
  std::vector<double> values() const {
    std::vector<double> all;
    for (const std::string& corner : corners()) all.push_back(value(corner));
    return all;
  }
  void expect_values(const std::vector<double>& right) const {
    const std::vector<double> found = values();
    ASSERT_EQ(found.size(), right.size());
    for (std::size_t i = 0; i < right.size(); ++i)
      EXPECT_NEAR(found[i], right[i], 1e-5 * std::abs(right[i])) << i;
  }
};

// All of it hangs on the supply: half of it, minus a third of a source at the supply's level.
constexpr const char* by_parameter =
    ".param vdd=0.9\nvdd vdd 0 {vdd}\nvwl wl 0 {vdd}\nr1 vdd o 1k\nrx o 0 1k\nr2 wl o 1k";

TEST_F(Corners, ASupplyThatIsAParameterMovesAllThatHangsOnIt) {
  write("cell.cir", cell(by_parameter));
  study_runs(study("v(o)", "supply = [\"0.9 V\", \"0.6 V\"]", "supply_parameter = \"vdd\""));
  EXPECT_THAT(corners(), ElementsAre("0.90V", "0.60V"));
  expect_values({0.6, 0.4});
  // The source alone would leave the word line behind.
  EXPECT_THAT(
      refusal(study("v(o)", "supply = [\"0.9 V\", \"0.6 V\"]", "supply_source = \"vdd\"")),
      AllOf(HasSubstr("corners.supply"), HasSubstr("so does vwl"), HasSubstr("supply_parameter = \"vdd\"")));
  EXPECT_THAT(refusal(study("v(o)", "supply = [\"0.9 V\"]", "supply_parameter = \"vdx\"")),
              HasSubstr("did you mean vdd"));
}

TEST_F(Corners, SeveralSourcesFollowTheSupplyThatAreListed) {
  write("cell.cir", cell("vdd vdd 0 0.9\nvwl wl 0 0.9\nr1 vdd o 1k\nrx o 0 1k\nr2 wl o 1k"));
  const std::string both = "supply = [\"0.9 V\", \"0.6 V\"]";
  study_runs(study("v(o)", both, "supply_source = [\"vdd\", \"vwl\"]"));
  expect_values({0.6, 0.4});
  // One alone may be meant: then the study says so.
  EXPECT_THAT(refusal(study("v(o)", both, "supply_source = \"vdd\"")),
              AllOf(HasSubstr("at 0.6 V vwl would stay at 0.9 V"), HasSubstr("fixed_sources")));
  study_runs(study("v(o)", both, "supply_source = \"vdd\"\nfixed_sources = \"vwl\""));
  expect_values({0.6, 0.5});
  // A waveform's level counts as well; where the supply does not move, nothing stays behind.
  write("cell.cir", cell("vdd vdd 0 0.9\nvwl wl 0 pulse(0 0.9 1n 1n)\nr1 vdd o 1k\nrx o 0 1k\nr2 wl o 1k"));
  EXPECT_THAT(refusal(study("v(o)", both, "supply_source = \"vdd\"")), HasSubstr("vwl would stay"));
  study_runs(study("v(o)", "supply = \"0.9 V\"", "supply_source = \"vdd\""));
}

TEST_F(Corners, ASupplyThatMovesNothingIsAnError) {
  write("cell.cir", cell("vvdd vdd 0 0.9\nr1 vdd o 1k\nrx o 0 1k"));
  EXPECT_THAT(refusal(study("v(o)", "supply = [\"0.6 V\", \"0.9 V\"]")),
              AllOf(HasSubstr("several supplies"), HasSubstr("supply_source = \"vvdd\"")));
  EXPECT_THAT(refusal(study("v(o)", "supply = [\"0.8 V\"]")), HasSubstr("0.8 V is the value of no source"));
  EXPECT_THAT(refusal(study("v(o)", "supply = [\"0.9 V\"]", "supply_source = \"vvd\"")),
              HasSubstr("did you mean 'vvdd'"));
  EXPECT_THAT(refusal(study("v(o)", "supply = [\"0.9 V\"]", "supply_source = \"rx\"")),
              HasSubstr("no source 'rx'"));
  // The netlist's own supply, said again, is a name.
  write("s.toml", study("v(o)", "supply = [\"0.9 V\"]"));
  const Ended ended = run_line("run s.toml -o o.h5 --fresh");
  EXPECT_EQ(ended.status, 0) << ended.out;
  EXPECT_THAT(ended.out, HasSubstr("is a name only"));
  expect_values({0.45});
}

TEST_F(Corners, ASupplyThatAWaveformMakesIsNotMovedByItsDcValue) {
  write("cell.cir", cell("vdd vdd 0 pwl(0 0 1n 0.9)\nr1 vdd o 1k\nrx o 0 1k"));
  std::string text = study("v(o)", "supply = [\"0.9 V\", \"0.6 V\"]", "supply_source = \"vdd\"");
  text.replace(text.find("analysis = \"operating_point\""), 28, "stop = \"2 ns\"");
  EXPECT_THAT(refusal(text), HasSubstr("time function"));
}

TEST_F(Corners, AProcessReachesItsLibraryThroughLinks) {
  std::filesystem::create_directory(folder_ / "kit");
  std::filesystem::rename(folder_ / "kit.lib", folder_ / "kit" / "kit.lib");
  std::filesystem::create_directory_symlink("kit", folder_ / "pdk");
  write("cell.cir", cell(".lib \"pdk/kit.lib\" tt\ni1 0 o 1m\nr1 o a {ohm}\nrx a 0 1k"));
  study_runs("[technology]\ncards = \"kit/kit.lib\"\n" + study("v(o)", "process = [\"tt\", \"ss\"]"));
  EXPECT_THAT(corners(), ElementsAre("tt", "ss"));
  expect_values({2.0, 4.0});
}

TEST_F(Corners, AProcessThatNoLibraryTakesIsAnError) {
  write("cell.cir", cell(".lib \"kit.lib\" tt\ni1 0 o 1m\nr1 o a {ohm}\nrx a 0 1k"));
  write("other.lib", ".lib tt\n.endl\n.lib ss\n.endl\n");
  const std::string both = study("v(o)", "process = [\"tt\", \"ss\"]");
  EXPECT_THAT(refusal("[technology]\ncards = \"other.lib\"\n" + both),
              AllOf(HasSubstr("technology.cards"), HasSubstr("would change nothing")));
  EXPECT_THAT(refusal(both), AllOf(HasSubstr("several processes"), HasSubstr("[technology] cards")));
  EXPECT_THAT(refusal("[technology]\ncards = \"kit.lib\"\n" + study("v(o)", "process = [\"tt\", \"sf\"]")),
              HasSubstr("sf"));
}

TEST_F(Corners, ACornersSectionLeavesTheSectionsWithinItAlone) {
  write("kit.lib",
        ".lib tt\n.param more=0\n.lib 'kit.lib' parts\n.endl tt\n.lib ss\n.param more=500\n.lib 'kit.lib' "
        "parts\n"
        ".endl ss\n.lib parts\n.param ohm='1k+more'\n.endl parts\n");
  write("cell.cir", cell(".lib 'kit.lib' tt\ni1 0 o 1m\nr1 o a {ohm}\nrx a 0 1k"));
  study_runs("[technology]\ncards = \"kit.lib\"\n" + study("v(o)", "process = [\"tt\", \"ss\"]"));
  expect_values({2.0, 2.5});
}

TEST_F(Corners, WithoutAnyTheNetlistStandsAsItIs) {
  write("cell.cir", cell(".temp 125\nvdd vdd 0 1.8\nr1 vdd o 10k tc1=1e-3\nr2 o 0 10k\nvoff p o 0"));
  study_runs(operating_point("v(p)", "\"0.85 V\"") + varies("dc", "voff", "5 mV") + plain(300));
  EXPECT_THAT(corners(), ElementsAre("netlist"));
  const double right = 1.8 / 2.098;
  expect_probability(phi((0.85 - right) / 5e-3));
  const flare::studies::testing::Samples s = samples();
  for (Eigen::Index r = 0; r < s.z.rows(); ++r) EXPECT_NEAR(s.measures(r, 0), right + 5e-3 * s.z(r, 0), 1e-8);
  // .options temp= says it as well; the corners' temperature goes before the netlist's, with a word about it.
  write("cell.cir", cell(".options temp=125\nvdd vdd 0 1.8\nr1 vdd o 10k tc1=1e-3\nrx o 0 10k"));
  study_runs(study("v(o)", ""));
  expect_values({right});
  const Ended ended = run_study(study("v(o)", "temperature = [\"27 degC\", \"125 °C\"]"));
  EXPECT_THAT(ended.out, HasSubstr("gives way to that of the corners"));
  EXPECT_THAT(corners(), ElementsAre("27C", "125C"));
  expect_values({0.9, right});
}

TEST_F(Corners, NamesTellCornersApart) {
  write("cell.cir", cell("vdd vdd 0 0.9\nr1 vdd o 1k\nr2 o 0 1k\nvoff p o 0"));
  std::string text = operating_point("v(p)", "\"0.445 V\"");
  text.insert(text.find("[[measure]]"), "supply_source = \"vdd\"\n");
  study_runs(text + varies("dc", "voff", "5 mV") +
             "[corners]\nsupply = [\"0.896 V\", \"0.9 V\", \"904 mV\"]\n" + plain(400));
  EXPECT_THAT(corners(), ElementsAre("0.896V", "0.90V", "0.904V"));
  for (std::size_t c = 0; c < 3; ++c) {
    const double half = 0.448 + 0.002 * static_cast<double>(c);
    const flare::studies::testing::Samples s = samples(corners()[c]);
    for (Eigen::Index r = 0; r < s.z.rows(); ++r)
      EXPECT_NEAR(s.measures(r, 0), half + 5e-3 * s.z(r, 0), 1e-9);
    expect_probability(phi((0.445 - half) / 5e-3), c);
    const Ended replay =
        run({"replay", "o.h5", "points/cell/" + corners()[c] + "/samples", "7", "-o", "w.csv"});
    EXPECT_EQ(replay.status, 0) << replay.out;
    EXPECT_THAT(replay.out, HasSubstr("(the same)"));
  }
  EXPECT_THAT(refusal(text + varies("dc", "voff", "5 mV") + "[corners]\nsupply = [\"0.9 V\", \"900 mV\"]\n"),
              HasSubstr("two corners are called 0.90V"));
}

TEST_F(Corners, SetSourcesParametersAndSections) {
  write("cell.cir",
        cell(".lib 'kit.lib' r_fast\n.param gain=2\nvb b 0 0.1\nvc c 0 0.2\nib 0 i 1m\nri i 0 {ohm}\n"
             "b1 s 0 v=gain*(v(b)+v(c))+v(i)\nr1 s o 1\nrx o 0 1meg"));
  study_runs(study("v(o)",
                   "[corners.sources]\nvb = [\"0.1 V\", \"0.3 V\"]\nib = [\"2 mA\"]\n[corners.parameters]\n"
                   "gain = [\"1\", \"10\"]\n[corners.sections]\n\"kit.lib\" = [\"r_slow\"]\n"));
  // gain (vb + 0.2) + 2 mA 4 kOhm
  ASSERT_EQ(corners().size(), 4U);
  expect_values({8.3, 11.0, 8.5, 13.0});
  for (const std::string& name : corners())
    EXPECT_THAT(name, AllOf(HasSubstr("gain="), HasSubstr("vb="), HasSubstr("r_slow")));
  study_runs(
      study("v(o)",
            "[[corners.named]]\nname = \"as it is\"\n[[corners.named]]\nname = \"slow\"\n"
            "sources = {vc = \"0.5 V\"}\nparameters = {gain = 3}\nsections = {\"kit.lib\" = \"r_slow\"}\n"));
  EXPECT_THAT(corners(), ElementsAre("as-it-is", "slow"));
  expect_values({2.6, 5.8});
}

TEST_F(Corners, WhatTheyCannotSetIsAnError) {
  write("cell.cir", cell(".lib 'kit.lib' tt\n.param gain=2\nvb b 0 0.1\nvp p 0 sin(0 1 1g)\nb1 o 0 "
                         "v=gain*v(b)*{ohm}\nrx o 0 1k\nrp p 0 1"));
  EXPECT_THAT(refusal(study("v(o)", "[corners.sources]\nvbb = [\"0.1 V\"]\n")),
              HasSubstr("did you mean 'vb'"));
  EXPECT_THAT(refusal(study("v(o)", "[corners.sources]\nvb = [\"0.1 Ohm\"]\n")),
              HasSubstr("corners.sources.vb"));
  EXPECT_THAT(refusal(study("v(o)", "[corners.parameters]\ngian = [\"1\"]\n")), HasSubstr("gain"));
  EXPECT_THAT(refusal(study("v(o)", "[corners.parameters]\ngain = [\"1 V\"]\n")),
              HasSubstr("corners.parameters.gain"));
  EXPECT_THAT(refusal(study("v(o)", "[corners.sections]\n\"kat.lib\" = [\"r_slow\"]\n")),
              AllOf(HasSubstr("kat.lib"), HasSubstr("would change nothing")));
  EXPECT_THAT(refusal(study("v(o)", "[corners.sections]\n\"kit.lib\" = [\"r_slo\"]\n")), HasSubstr("r_slo"));
  EXPECT_THAT(refusal(study("v(o)", "[[corners.named]]\nname = \"a\"\n[[corners.named]]\nname = \"a\"\n")),
              HasSubstr("two corners are called a"));
  EXPECT_THAT(refusal(study("v(o)", "temprature = [\"27 degC\"]\n")), HasSubstr("temperature"));
  std::string text = study("v(o)", "[corners.sources]\nvp = [\"0.1 V\", \"0.2 V\"]\n");
  text.replace(text.find("analysis = \"operating_point\""), 28, "stop = \"2 ns\"");
  EXPECT_THAT(refusal(text), HasSubstr("time function"));
}

}  // namespace
