// flare cost and flare paper as a user meets them: tables, files, bad input.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "analysis/results/cost_table.hpp"
#include "tests/studies/program_fixture.hpp"

namespace flare::studies {
namespace {

using testing::Ended;

class CostProgram : public testing::ProgramFixture {
 protected:
  std::string digits() const { return source("data/models/digits_vit"); }
  std::string data() const { return source("data/digits/digits.csv"); }
  std::string flare_toml() const { return source("studies/cost/flare.toml"); }

  Ended cost(std::vector<std::string> more) const {
    std::vector<std::string> all = {"cost"};
    all.insert(all.end(), more.begin(), more.end());
    return run(all);
  }
  void expect_refused(const std::vector<std::string>& arguments, const std::string& message) const {
    const Ended ended = cost(arguments);
    EXPECT_EQ(ended.status, 2) << ended.out;
    EXPECT_NE(ended.out.find(message), std::string::npos) << ended.out;
    EXPECT_EQ(std::count(ended.out.begin(), ended.out.end(), '\n'), 1) << ended.out;
  }
  analysis::CostResult result(const std::string& name) const {
    return analysis::read_cost(engine::open_result(folder_ / name));
  }
};

TEST_F(CostProgram, GoldenTablesOfTwoArchitectures) {
  for (const std::string name : {"flare", "paper"}) {
    const Ended ended = cost({"deit_tiny", "--architecture", source("studies/cost/" + name + ".toml")});
    EXPECT_EQ(ended.status, 0);
    std::ifstream in(source("tests/studies/cost/golden_" + name + ".txt"));
    std::stringstream golden;
    golden << in.rdbuf();
    EXPECT_EQ(ended.out, golden.str());
  }
}

TEST_F(CostProgram, CountedTablesAddUpAndAreUsedAgain) {
  const Ended first =
      cost({digits(), "--architecture", flare_toml(), "--dataset", data(), "--examples", "4", "-o", "a.h5"});
  ASSERT_EQ(first.status, 0) << first.out;
  const analysis::CostResult a = result("a.h5");
  EXPECT_NE(a.origin.find("4 sequences"), std::string::npos);
  double components = 0, layers = 0, area = 0;
  for (const auto& row : a.components) components += row.energy.nominal;
  for (const auto& row : a.layers) layers += row.energy.nominal;
  for (const auto& row : a.area) area += row.area.nominal;
  const auto summary = [&](const std::string& quantity) {
    for (const auto& row : a.summary)
      if (row.quantity == quantity) return row.value;
    return analysis::CostRange{};
  };
  EXPECT_NEAR(components, layers, 1e-12 * layers);
  EXPECT_NEAR(components / a.tokens, summary("energy per token").nominal, 1e-12 * components);
  EXPECT_NEAR(area, summary("area").nominal, 1e-12 * area);
  for (const auto& row : a.summary) {
    EXPECT_GT(row.value.nominal, 0) << row.quantity;
    if (row.unit == "J" || row.unit == "s" || row.unit == "m^2") {
      EXPECT_LE(row.value.low, row.value.nominal) << row.quantity;
      EXPECT_LE(row.value.nominal, row.value.high) << row.quantity;
    }
  }
  ASSERT_EQ(cost({digits(), "--architecture", flare_toml(), "--counts", "a.h5", "-o", "b.h5"}).status, 0);
  EXPECT_EQ(result("b.h5").summary.at(4).value.nominal, a.summary.at(4).value.nominal);
  expect_refused(
      {digits(), "--architecture", flare_toml(), "--counts", "a.h5", "--set", "arrays.dynamic.sawl=4"},
      "--counts: was counted for SAWL 8 and 8");
  const Ended report = run({"report", "a.h5"});
  EXPECT_EQ(report.status, 0) << report.out;
  EXPECT_NE(report.out.find("Energy of a token by component"), std::string::npos) << report.out;
}

TEST_F(CostProgram, BadInputIsOneLine) {
  expect_refused({"bert_base"}, "cost: needs a model and --architecture");
  expect_refused({"bert_bass", "--architecture", flare_toml()}, "bert_bass: no such model");
  expect_refused(
      {"bert_base", "--architecture", flare_toml(), "--set", "arrays.weights.word_lines=512"},
      "arrays.weights.word_lines: 512 word lines cannot hold the 768 rows of key at full parallelism");
  expect_refused({"bert_base", "--architecture", flare_toml(), "--set", "parameters.dram.value=\"6 pJ\"",
                  "--set", "parameters.dram.low=\"6 pJ\"", "--set", "parameters.dram.source=\"\""},
                 "needs a source");
  expect_refused({"bert_base", "--architecture", flare_toml(), "--set", "parameters.dram.value=\"6 pF\""},
                 "parameters.dram.value");
  expect_refused({"bert_base", "--architecture", flare_toml(), "--dataset", data()},
                 "--dataset: bert_base is a shape without weights");
  expect_refused({"bert_base", "--architecture", flare_toml(), "--study", "none.h5"},
                 "none.h5: no such file");
}

TEST_F(CostProgram, AResultWithoutEnergies) {
  ASSERT_EQ(cost({"deit_tiny", "--architecture", flare_toml(), "-o", "plain.h5"}).status, 0);
  expect_refused({"deit_tiny", "--architecture", flare_toml(), "--study", "plain.h5"},
                 "plain.h5: holds no energies of a column or of converters");
}

TEST_F(CostProgram, ASweepHasEveryPoint) {
  const Ended ended = cost({"deit_tiny", "--architecture", flare_toml(), "--sweep", "arrays.dynamic.sawl=4,8",
                            "--sweep", "architecture.copies=1,2,4", "-o", "s.h5"});
  ASSERT_EQ(ended.status, 0) << ended.out;
  const auto sweep = result("s.h5").sweep;
  ASSERT_EQ(sweep.size(), 6u);
  EXPECT_EQ(sweep[5].point, "arrays.dynamic.sawl=8, architecture.copies=4");
  EXPECT_GT(sweep[5].tokens_per_second.nominal, sweep[3].tokens_per_second.nominal);
}

/// A column of two rows, few samples, with [cost] on an architecture of SAWL 2.
constexpr const char* column_study = R"(
seed = 3
[technology]
cards = "SOURCE/netlists/cards/cmos28.lib"
[column]
sawl = [2]
[[variation]]
parameter = "vth"
pelgrom = "1.3 mV um"
[corners]
process = ["tt"]
supply = ["0.9 V"]
temperature = ["27 degC"]
[[converter]]
name = "flash"
kind = "ideal"
offset_sigma = "0.03 step"
[estimator]
method = "fit"
runs = 30
[cost]
architecture = "two.toml"
model = "SOURCE/data/models/digits_vit"
dataset = "SOURCE/data/digits/digits.csv"
examples = 2
)";

TEST_F(CostProgram, AStudyGivesTheEnergiesOfItsReads) {
  std::string text = column_study;
  for (std::size_t at = text.find("SOURCE"); at != std::string::npos; at = text.find("SOURCE"))
    text.replace(at, 6, FLARE_SOURCE_DIR);
  std::ofstream(folder_ / "study.toml") << text;
  std::ofstream(folder_ / "two.toml") << "[arrays.dynamic]\nsawl = 4\n";
  const Ended refused = run({"run", "study.toml", "-o", "r.h5", "-j", "1"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_NE(refused.out.find("two.toml: asks for SAWL 4, the study has 2"), std::string::npos) << refused.out;
  std::ofstream(folder_ / "two.toml") << "[arrays.dynamic]\nsawl = 2\n";
  const Ended ended = run({"run", "study.toml", "-o", "r.h5", "-j", "1"});
  ASSERT_EQ(ended.status, 0) << ended.out;
  const auto reads =
      analysis::read_read_energy(engine::open_result(folder_ / "r.h5"), "/points/sram8t/sawl2/tt_0.90V_27C");
  ASSERT_EQ(reads.size(), 3u);
  // The charge put back is that of one capacitance: 70 fF of 128 rows and a converter (netlists/README.md).
  for (const int k : {1, 2}) {
    const auto& read = reads[static_cast<std::size_t>(k)];
    EXPECT_NEAR((read.bitline - reads[0].bitline) / (0.9 * read.swing), 70e-15, 0.05 * 70e-15) << k;
  }
  const auto parameter = [](const analysis::CostResult& cost, const std::string& name) {
    for (const auto& row : cost.parameters)
      if (row.name == name) return row;
    return analysis::CostParameterRow{};
  };
  const analysis::CostParameterRow bitline = parameter(result("r.h5"), "sram_bitline");
  EXPECT_EQ(bitline.kind, "spice");
  EXPECT_NEAR(bitline.value.nominal, (reads[2].bitline - reads[0].bitline) / 2, 1e-20);
  // What bitlines take in all is what reads of that many on-cells take.
  const analysis::CostResult own = result("r.h5");
  double counted = 0, told = 0, lines = 0, told_lines = 0;
  for (const auto& row : own.levels)
    if (row.product == "logits") {
      counted += row.reads * reads[static_cast<std::size_t>(row.k)].bitline;
      lines += row.reads * reads[static_cast<std::size_t>(row.k)].word_lines;
    }
  for (const auto& row : own.components)
    if (row.product == "logits") {
      told += row.component == "bitline" ? row.energy.nominal : 0;
      told_lines += row.component == "word lines" ? row.energy.nominal : 0;
    }
  EXPECT_NEAR(told, counted, 1e-9 * counted);
  EXPECT_NEAR(told_lines, lines, 1e-9 * lines);
  // The comparator at the size whose offset the error model used: 0.03 step of half the swing.
  const Ended costed = cost({"deit_tiny", "--architecture", "two.toml", "--study", "r.h5"});
  EXPECT_NE(costed.out.find("comparators are costed at an offset of"), std::string::npos) << costed.out;
}

TEST_F(CostProgram, ThePublishedMacrosAsTheyWereLastPredicted) {
  ASSERT_EQ(run({"paper", "silicon", "-o", "out"}).status, 0);
  const auto text = [](const std::filesystem::path& path) {
    std::ifstream in(path);
    return std::string((std::istreambuf_iterator<char>(in)), {});
  };
  EXPECT_EQ(text(folder_ / "out/silicon.csv"), text(source("data/cost/silicon.csv")));
}

TEST_F(CostProgram, AModelAndImagesOfOnesOwn) {
  const std::filesystem::path golden = source("tests/flare_arch/golden"), images = folder_ / "images";
  for (const auto& [label, file] : {std::pair{"0", "photo.jpg"}, {"1", "grey.png"}}) {
    std::filesystem::create_directories(images / label);
    std::filesystem::copy_file(golden / "images" / file, images / label / file);
  }
  const std::vector<std::string> own = {"--model", golden / "families/timm", "--dataset", images};
  std::vector<std::string> page = {"paper", "fig15"};
  page.insert(page.end(), own.begin(), own.end());
  const Ended paper = run(page);
  EXPECT_EQ(paper.status, 0) << paper.out;
  EXPECT_NE(paper.out.find("of 2 examples of images"), std::string::npos) << paper.out;
  const Ended counted = cost({own[1], "--architecture", flare_toml(), "--dataset", images});
  EXPECT_NE(counted.out.find("counted on images, 2 sequences"), std::string::npos) << counted.out;
}

TEST_F(CostProgram, PagesOfThePaper) {
  const Ended pages = run(
      {"paper", "table1", "slip", "fig14", "fig17", "fig18", "silicon", "latency", "tornado", "-o", "out"});
  ASSERT_EQ(pages.status, 0) << pages.out;
  EXPECT_NE(pages.out.find("524288 cycles at 10 ns are 5.24 ms"), std::string::npos) << pages.out;
  EXPECT_NE(pages.out.find("not public"), std::string::npos);
  EXPECT_NE(pages.out.find("A100 40G INT8, batch 128, length 384, estimate"), std::string::npos);
  EXPECT_EQ(run({"paper", "fig15"}).status, 2);
  const Ended typo = run({"paper", "fig71"});
  EXPECT_EQ(typo.status, 2);
  EXPECT_NE(typo.out.find("did you mean"), std::string::npos) << typo.out;
}

}  // namespace
}  // namespace flare::studies
