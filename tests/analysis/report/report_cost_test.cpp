// /cost written and read back, and as the report shows it.
#include "analysis/results/cost_table.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>

#include "analysis/report/report_cost.hpp"

namespace flare::analysis {
namespace {

CostResult small_result() {
  CostResult r;
  r.architecture = "[architecture]\n";
  r.model = "small";
  r.origin = "closed form";
  r.counting = "SAWL 8";
  r.tokens = 2;
  r.sequences = 1;
  r.summary = {{"energy per token", "J", {1e-6, 2e-6, 4e-6}}, {"area", "m^2", {1e-6, 2e-6, 3e-6}}};
  r.layers = {{0, "fused", 10, {1e-6, 2e-6, 3e-6}, {1e-6, 2e-6, 4e-6}, 1},
              {1, "fused", 10, {1e-6, 2e-6, 3e-6}, {1e-6, 2e-6, 4e-6}, 1}};
  r.components = {{"dynamic", "bitline", "key", "dynamic", {1e-6, 1e-6, 1e-6}},
                  {"dynamic", "bitline", "query", "dynamic", {0, 2e-6, 5e-6}},
                  {"dynamic", "converter", "key", "dynamic", {0, 1e-6, 2e-6}}};
  r.area = {{"dynamic", "cells", 1000, {1e-6, 2e-6, 3e-6}, "logits", 4},
            {"dynamic", "converter", 10, {1e-6, 2e-6, 3e-6}, "logits", 4},
            {"memory", "buffer", 5, {1e-6, 1e-6, 1e-6}}};
  r.parameters = {{"dram", {4e-12, 8e-12, 20e-12}, "J", "cited", "a source", true}};
  r.baselines = {{"digital", "attention", "published", {}, {1e-6, 2e-6, 3e-6}, "28 nm", "a source"}};
  r.conclusions = {{"stands", true, true, true}, {"turns", true, false, false}};
  r.workload = {{0, "key", 1, 2, 3, 4, 5, 6, 7}};
  r.workload_layers = {{0, 1, 2, 3, 4, 5, 6, 7, 8}};
  r.levels = {{0, "key", 0, 30}, {0, "key", 1, 5}, {1, "key", 0, 10}, {1, "key", 1, 5}};
  r.notes = {"a note"};
  return r;
}

TEST(CostTable, ThereAndBack) {
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("flare_cost_table_" + std::to_string(::getpid()) + ".h5");
  {
    H5::H5File file(path.string(), H5F_ACC_TRUNC);
    EXPECT_TRUE(read_cost(file).empty());
    write_cost(file, small_result());
    write_read_energy(file, "/points/cell/sawl1/tt", {{0, 1e-15, 2e-15, 0}, {1, 3e-15, 4e-15, 0.1}});
  }
  const H5::H5File file = engine::open_result(path);
  const CostResult r = read_cost(file);
  EXPECT_EQ(r.components.at(1).energy.high, 5e-6);
  EXPECT_EQ(r.layers.at(1).layer, 1);
  EXPECT_TRUE(r.parameters.at(0).changed);
  EXPECT_TRUE(r.conclusions.at(1).flips());
  EXPECT_EQ(r.workload.at(0).stage_cycles, 7);
  EXPECT_EQ(r.workload_layers.at(0).macs, 8);
  EXPECT_EQ(r.levels.at(2).reads, 10);
  EXPECT_EQ(r.area.at(1).product, "logits");
  EXPECT_EQ(r.area.at(1).arrays, 4);
  EXPECT_EQ(r.notes, std::vector<std::string>{"a note"});
  EXPECT_EQ(read_read_energy(file, "/points/cell/sawl1/tt").at(1).swing, 0.1);
  EXPECT_TRUE(read_read_energy(file, "/points/cell/sawl2/tt").empty());
  std::filesystem::remove(path);
}

TEST(CostReport, SumsComponentsTellsLayersOnceAndMarksFlips) {
  std::ostringstream out;
  print_cost(small_result(), out);
  const std::string text = out.str();
  EXPECT_NE(text.find("75.0 %"), std::string::npos) << text;  // bitline, both products: 3 of 4 uJ
  EXPECT_NE(text.find("0..1"), std::string::npos) << text;
  EXPECT_EQ(text.find("FLIPS"), text.rfind("FLIPS")) << text;
  EXPECT_NE(text.find("1 cited; 1 are not the defaults"), std::string::npos) << text;
  EXPECT_NE(text.find("80.0  20.0"), std::string::npos) << text;  // 40 of 50 reads without on-cells
  EXPECT_NE(text.find("0.5 mm2  1 mm2    1.5 mm2  4 mm2"), std::string::npos)
      << text;  // a quarter of both parts
  EXPECT_TRUE(cost_tables({}).empty());
}

}  // namespace
}  // namespace flare::analysis
