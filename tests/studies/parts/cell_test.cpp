// Manifests of cells: what a good one says, and what is said of a bad one.
#include "studies/parts/cell.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <regex>

namespace flare::studies {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view netlist = R"(.subckt port bl wl q vss wa=80n la=30n
ma bl wl x vss nfet w={wa} l={la}
md x q vss vss nfet w={wa} l={la}
.ends port
.subckt pull bl pre vdd w=1u
mp bl pre vdd vdd pfet w={w} l=30n
.ends pull
)";

constexpr std::string_view manifest = R"toml(netlist = "mine.cir"
[sizes]
wa = "100 nm"
[variants.large]
wa = 2e-7
[active]
subcircuit = "port"
ports = ["bitline", "wordline", "stored", "ground"]
varies = ["ma", "md"]
[precharge]
subcircuit = "pull"
ports = ["bitline", "precharge", "supply"]
sizes = { w = "2 um" }
[timing]
row_capacitance = "wa * 1e-9"
read_time = "capacitance * swing / (sawl * 10e-6)"
)toml";

class CellManifest : public ::testing::Test {
 protected:
  CellManifest() {
    std::string name = (fs::temp_directory_path() / "flare-cell-XXXXXX").string();
    folder_ = mkdtemp(name.data());
    fs::create_directory(folder_ / "mine");
    write("mine.cir", std::string(netlist));
    write("cell.toml", text_);
  }
  ~CellManifest() override { fs::remove_all(folder_); }

  void write(const char* file, const std::string& text) { std::ofstream(folder_ / "mine" / file) << text; }

  Cell read(const std::string& variant = {}) const {
    return read_cell({folder_ / "mine/cell.toml", variant, variant.empty() ? "mine" : variant});
  }

  /// What is said of the manifest with one text replaced.
  std::string error_with(const std::string& from, const std::string& to) {
    std::string text = text_;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    write("cell.toml", text.replace(at, from.size(), to));
    try {
      read();
    } catch (const StudyError& e) {
      return e.what();
    }
    return "no error";
  }

  std::string text_ = std::string(manifest);  // what is right
  fs::path folder_;
};

TEST_F(CellManifest, SaysWhatACellIs) {
  const Cell cell = read();
  EXPECT_EQ(cell.name, "mine");
  EXPECT_EQ(cell.sizes.at("wa"), 100e-9);
  EXPECT_THAT(cell.active.call.ports, ElementsAre("bitline", "wordline", "stored", "ground"));
  EXPECT_THAT(cell.active.call.takes, ElementsAre("wa"));
  EXPECT_EQ(cell.end.sizes.at("w"), 2e-6);
  EXPECT_FALSE(cell.whole.has_value());
  EXPECT_DOUBLE_EQ(cell.row_capacitance(), 100e-9 * 1e-9);
  EXPECT_DOUBLE_EQ(cell.read_time(60e-15, 0.4, 2), 60e-15 * 0.4 / 20e-6);
  EXPECT_EQ(read("large").sizes.at("wa"), 200e-9);
}

TEST_F(CellManifest, RowsAtRestAreTheReadPortWhereNothingElseIsSaid) {
  const Cell cell = read();
  EXPECT_EQ(cell.idle_one.call.subcircuit, "port");
  EXPECT_EQ(cell.idle_one.call.multiplicity, "");
  EXPECT_EQ(call_line("x1", cell.idle_one.call,
                      {{"bitline", "b"}, {"wordline", "0"}, {"stored", "vdd"}, {"ground", "0"}}, cell.sizes),
            "x1 b 0 vdd 0 port wa=1e-07\n");
}

TEST_F(CellManifest, MistakesNameTheFileTheLineAndTheRemedy) {
  EXPECT_THAT(error_with("netlist = \"mine.cir\"", "netlist = \"your.cir\""), HasSubstr("no file"));
  EXPECT_THAT(error_with("subcircuit = \"port\"", "subcircuit = \"prot\""),
              HasSubstr("cell.toml:7: active.subcircuit: 'prot' is no subcircuit; did you mean 'port'?"));
  EXPECT_THAT(error_with("\"stored\", \"ground\"]", "\"stored\"]"),
              HasSubstr("names 3 roles, but port has 4 ports"));
  EXPECT_THAT(error_with("\"stored\", \"ground\"]", "\"storde\", \"ground\"]"),
              HasSubstr("did you mean 'stored'?"));
  EXPECT_THAT(error_with("\"wordline\", \"stored\"", "\"ground\", \"stored\""),
              HasSubstr("no port is the wordline"));
  EXPECT_THAT(error_with("[\"ma\", \"md\"]", "[\"ma\", \"mq\"]"), HasSubstr("'mq' is no element of port"));
  EXPECT_THAT(error_with("wa = \"100 nm\"", "wa = \"100 nm\"\nwx = 1"),
              HasSubstr("no subcircuit here has such a parameter"));
  EXPECT_THAT(error_with("sizes = { w = \"2 um\" }", "sizes = { wp = \"2 um\" }"),
              HasSubstr("'wp' is no parameter of pull; did you mean 'w'?"));
  EXPECT_THAT(error_with("wa = 2e-7", "wq = 2e-7"), HasSubstr("is no size in [sizes]"));
  EXPECT_THAT(error_with("read_time = \"capacitance * swing", "read_time = \"capacitance * swang"),
              HasSubstr("swang"));
  EXPECT_THAT(error_with("\"wa * 1e-9\"", "\"0 * wa\""), HasSubstr("must be above 0"));
  EXPECT_THAT(error_with("[timing]", "[timings]"), HasSubstr("row_capacitance"));
  EXPECT_THAT(error_with("varies = [\"ma\", \"md\"]", "vary = [\"ma\"]"), HasSubstr("'varies'"));
  EXPECT_THAT(error_with("wa = \"100 nm\"", "wa = \"100 nm"), HasSubstr("not TOML"));
}

TEST_F(CellManifest, ABitIsStoredInOneWay) {
  EXPECT_THAT(error_with("\"stored\", \"ground\"]", "\"supply\", \"ground\"]"),
              HasSubstr("in one way how a bit is stored"));
  EXPECT_THAT(error_with("varies = [\"ma\", \"md\"]", "varies = [\"ma\"]\nstate = { x = \"stored\" }"),
              HasSubstr("in one way how a bit is stored"));
  EXPECT_THAT(
      error_with("\"stored\", \"ground\"]\nvaries = [\"ma\", \"md\"]",
                 "\"supply\", \"ground\"]\nvaries = [\"ma\"]\none = { la = 3e-8 }\nzero = { la = 9e-8 }"),
      HasSubstr("no error"));
}

TEST_F(CellManifest, ASizeMayNotTakeANameOfTheFormula) {
  std::string text(netlist);
  write("mine.cir", text.replace(text.find("la=30n"), 6, "la=30n sawl=1"));
  EXPECT_THAT(error_with("wa = \"100 nm\"", "wa = \"100 nm\"\nsawl = 2"),
              HasSubstr("a size is called 'sawl' too"));
}

TEST(ShippedCells, AreReadByName) {
  const Cell cell = shipped_cell("sram8t");
  const Cell least = shipped_cell("sram8t_min");
  EXPECT_EQ(cell.netlist, least.netlist);
  EXPECT_EQ(cell.sizes.at("wa"), 450e-9);
  EXPECT_EQ(least.sizes.at("wa"), 80e-9);
  EXPECT_EQ(least.name, "sram8t_min");
  ASSERT_TRUE(cell.whole.has_value());
  EXPECT_EQ(cell.whole->call.varies.size(), 8U);
}

std::string content(const fs::path& file) {
  std::ifstream in(file);
  return {(std::istreambuf_iterator<char>(in)), {}};
}

TEST(Manifests, EveryKeyIsExplainedInTheReadme) {
  const std::regex reads(R"re((?:text|texts|choice|has|file|section|text_or_number)\("(\w+)")re");
  const std::string readme = content(fs::path(FLARE_SOURCE_DIR) / "netlists/README.md");
  int keys = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(FLARE_SOURCE_DIR) / "studies/parts")) {
    const std::string text = content(entry.path());
    for (std::sregex_iterator at(text.begin(), text.end(), reads), end; at != end; ++at, ++keys)
      EXPECT_THAT(readme, HasSubstr((*at)[1].str())) << entry.path();
  }
  EXPECT_GT(keys, 15);
}

constexpr std::string_view clamp_netlist = R"(.subckt pair bl blb wl vss rp=6k tmr=1.5 state=0
ra bl a {rp}
rb blb b {rp*(1+tmr*state)}
ma a wl vss vss nfet w=1u l=1u
mb b wl vss vss nfet w=1u l=1u
.ends pair
.subckt hold bl s pre vr ci=100f tmr=0
ci s 0 {ci}
mc s vr bl 0 nfet w=1u l=1u
.ends hold
)";

constexpr std::string_view clamp_manifest = R"toml(netlist = "mine.cir"
read = "clamp"
level = "difference"
[sizes]
rp = "6 kOhm"
tmr = 1.5
[bounds]
tmr = { above = 0 }
[active]
subcircuit = "pair"
ports = ["bitline", "bitline_bar", "wordline", "ground"]
varies = ["ra", "rb"]
one = { state = 0 }
zero = { state = 1 }
[clamp]
subcircuit = "hold"
ports = ["bitline", "sense", "precharge", "read_voltage"]
read_voltage = "0.1 V"
develop = "200 ps"
sizes = { ci = "80 fF" }
[wire]
resistance = "0.5 Ohm"
[timing]
row_capacitance = "1e-16"
read_time = "ci * swing * rp / (sawl * read_voltage)"
)toml";

class ClampManifest : public CellManifest {
 protected:
  ClampManifest() {
    write("mine.cir", std::string(clamp_netlist));
    text_ = std::string(clamp_manifest);
    write("cell.toml", text_);
  }
};

TEST_F(ClampManifest, SaysHowACurrentIsRead) {
  const Cell cell = read();
  EXPECT_EQ(cell.read, ReadKind::clamp);
  EXPECT_TRUE(cell.differential);
  EXPECT_TRUE(cell.has_complement());
  EXPECT_EQ(cell.end.sizes.at("ci"), 80e-15);
  EXPECT_EQ(cell.read_voltage, 0.1);
  EXPECT_EQ(cell.wire_resistance, 0.5);
  EXPECT_DOUBLE_EQ(cell.read_time(0, 0.4, 2), 80e-15 * 0.4 * 6e3 / 0.2);
}

TEST_F(ClampManifest, MistakesNameTheFileTheLineAndTheRemedy) {
  EXPECT_THAT(error_with("tmr = 1.5", "tmr = 0"),
              HasSubstr("cell.toml:8: bounds.tmr: tmr is 0; it must lie above 0"));
  EXPECT_THAT(error_with("tmr = 1.5", "tmr = -0.5"), HasSubstr("it must lie above 0"));
  EXPECT_THAT(error_with("tmr = { above", "tmx = { above"), HasSubstr("is no size in [sizes]"));
  EXPECT_THAT(error_with("\"bitline_bar\", \"wordline\"", "\"supply\", \"wordline\""),
              HasSubstr("a difference needs rows with a port 'bitline_bar'"));
  EXPECT_THAT(error_with("[clamp]", "[precharge]"), HasSubstr("clamp"));
  EXPECT_THAT(error_with("\"sense\"", "\"supply\""), HasSubstr("no port is the sense"));
  EXPECT_THAT(error_with("read_voltage = \"0.1 V\"", "read_voltage = \"0 V\""), HasSubstr("above 0 V"));
  EXPECT_THAT(error_with("ci = \"80 fF\"", "ci = \"80 fF\", tmr = 1"),
              HasSubstr("a size is called 'tmr' too; give it another name"));
}

}  // namespace
}  // namespace flare::studies
