// Architectures as TOML: there and back, and what is refused.
#include "studies/cost/architecture_file.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "studies/cost/cost_sweep.hpp"
#include "studies/cost/published.hpp"

namespace flare::studies {
namespace {

const std::filesystem::path source_folder = FLARE_SOURCE_DIR;

std::string refusal(const std::string& text) {
  try {
    parse_architecture(text, "a.toml");
  } catch (const StudyError& e) {
    return e.what();
  }
  return "taken";
}

TEST(ArchitectureFile, ThereAndBack) {
  arch::Architecture a;
  a.name = "other";
  a.copies = 4;
  a.sharing = arch::Sharing::split;
  a.clock = arch::Clock::spice;
  a.weights.word_lines = 512;
  a.weights.full_parallelism = false;
  a.dynamic.converter.law = arch::ConverterLaw::zigzag;
  a.dynamic.sawl = 2;
  a.dynamic.read_shape = {0, 0.51, 1};
  a.dynamic.wordline_shape = {0.9, 1, 1.1};
  const std::string text = architecture_text(a);
  EXPECT_EQ(architecture_text(parse_architecture(text, "a.toml")), text);
}

TEST(ArchitectureFile, TheShippedFileHasEveryDefault) {
  std::ifstream in(source_folder / "studies/cost/flare.toml");
  std::stringstream text;
  text << in.rdbuf();
  EXPECT_EQ(text.str(), architecture_text(arch::Architecture{})) << "renew it with flare cost --defaults";
}

TEST(ArchitectureFile, AReadShapeHasAValueForEveryNumberOfOnCells) {
  EXPECT_EQ(
      refusal("[arrays.dynamic]\nsawl = 2\nread_shape = [0, 1]\n"),
      "a.toml: arrays.dynamic.read_shape: has 2 values, SAWL 2 needs 3; give as many, or none for a line");
  EXPECT_NE(refusal("[arrays.dynamic]\nsawl = 1\nread_shape = [0, \"much\"]\n").find("is no number"),
            std::string::npos);
  EXPECT_NE(refusal("[arrays.dynamic]\nread_shape = \"curve\"\n").find("is neither \"line\" nor a list"),
            std::string::npos);
  EXPECT_NE(refusal("[arrays.dynamic]\nsawl = 1\nread_shape = [0, 11]\n").find("must be 0 to 10"),
            std::string::npos);
}

TEST(ArchitectureFile, ThePapersFileIsRead) {
  const arch::Architecture a = read_architecture(source_folder / "studies/cost/paper.toml");
  EXPECT_EQ(a.copies, 8);
  EXPECT_EQ(a.kv_bits, 8);
  EXPECT_EQ(a.clock, arch::Clock::paper);
}

TEST(ArchitectureFile, AnOverrideNeedsASource) {
  EXPECT_EQ(refusal("[parameters.dram]\nvalue = \"6 pJ\"\n"),
            "a.toml:1: parameters.dram: a number of your own needs a source: say with source = \"...\" where "
            "it comes from");
  EXPECT_EQ(refusal("[parameters.dram]\nhigh = \"60 pJ\"\n"),
            "a.toml:1: parameters.dram: a number of your own needs a source: say with source = \"...\" where "
            "it comes from");
  const arch::Architecture a =
      parse_architecture("[parameters.dram]\nvalue = \"6 pJ\"\nsource = \"my own\"\n", "a.toml");
  EXPECT_DOUBLE_EQ(a.parameters.get("dram").value, 6e-12);
  EXPECT_DOUBLE_EQ(a.parameters.get("dram").high, 6e-12);
  EXPECT_EQ(a.parameters.get("dram").source, "my own");
}

TEST(ArchitectureFile, OneLineEach) {
  EXPECT_NE(refusal("[parameters.dram]\nvalue = \"6 pF\"\nsource = \"x\"\n")
                .find("a.toml:2: parameters.dram.value: "),
            std::string::npos);
  EXPECT_NE(refusal("[parameters.drum]\nvalue = \"6 pJ\"\n").find("did you mean 'dram'"), std::string::npos);
  EXPECT_NE(refusal("[architecture]\ncopies = \"DC17\"\n")
                .find("a.toml:2: architecture.copies: 'DC17' is not one of"),
            std::string::npos);
  EXPECT_NE(refusal("[architecture]\nclock = \"fast\"\n").find("'fast' is not one of paper, spice"),
            std::string::npos);
  EXPECT_NE(refusal("[parameters.dram]\nlow = \"9 pJ\"\nsource = \"x\"\n").find("must rise in this order"),
            std::string::npos);
}

TEST(CostAxis, KeyAndValues) {
  const CostAxis axis = parse_axis("arrays.dynamic.sawl=2,4");
  EXPECT_EQ(axis.key, "arrays.dynamic.sawl");
  EXPECT_EQ(axis.values, (std::vector<std::string>{"2", "4"}));
  for (const char* bad : {"sawl", "=2", "sawl=", "sawl=2,,3"})
    EXPECT_THROW(parse_axis(bad), StudyError) << bad;
}

TEST(Published, EveryFigureHasWhatABarMustSay) {
  const std::filesystem::path folder = source_folder / "data/cost";
  for (const GpuFigure& g : read_gpus(folder)) {
    EXPECT_FALSE(g.source.empty()) << g.device;
    EXPECT_TRUE(g.kind == "measured" || g.kind == "peak") << g.device;
    if (g.tokens_per_second() > 0) {
      EXPECT_GT(g.tokens, 0) << g.device;
      EXPECT_GT(g.batch, 0) << g.device;
      EXPECT_GT(g.watt, 0) << g.device;
    }
  }
  EXPECT_EQ(read_macros(folder).size(), 8u);
  for (const MacroFigure& m : read_macros(folder)) {
    EXPECT_FALSE(m.source.empty() || m.own_source.empty()) << m.name;
    EXPECT_GT(m.published(), 0) << m.name;
  }
  EXPECT_LT(read_digital(folder).low, read_digital(folder).high);
}

}  // namespace
}  // namespace flare::studies
