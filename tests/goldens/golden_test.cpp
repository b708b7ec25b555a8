// Study in, tables out; manifest in, netlist out; and the netlists that are written give the study's own levels.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "engine/base/hdf5_io.hpp"
#include "studies/column/column.hpp"
#include "tests/goldens/golden.hpp"
#include "tests/netlists/ngspice_batch.hpp"
#include "tests/studies/program_fixture.hpp"

namespace flare::studies::testing {
namespace {

namespace fs = std::filesystem;

class Golden : public ProgramFixture {
 protected:
  void make(const std::string& study, const std::string& result) const {
    const Ended ended = run({"run", source(study), "-o", result});
    ASSERT_EQ(ended.status, 0) << ended.out;
  }
};

TEST_F(Golden, TablesOfAColumnStudy) {
  make("tests/goldens/column.toml", "column.h5");
  goldens::expect_golden("column.txt", goldens::tables_text(folder_ / "column.h5"));
}

TEST_F(Golden, TablesOfACircuitStudy) {
  make("tests/goldens/circuit.toml", "circuit.h5");
  goldens::expect_golden("circuit.txt", goldens::tables_text(folder_ / "circuit.h5"));
}

/// The column of a cell, with the paths that netlists/ and studies/ have in the tree.
std::string netlist_of(Cell cell, const std::string& card) {
  ColumnOptions options;
  options.cell = std::move(cell);
  options.cell.netlist = fs::relative(options.cell.netlist, FLARE_SOURCE_DIR);
  options.card = card;
  options.sawl = 2;
  options.on_cells = 1;
  options.rows = 16;
  options.unselected_ones = 0.5;
  return column_netlist(options);
}

TEST(GoldenNetlist, ColumnsOfCells) {
  for (const char* name : {"sram8t", "sram8t_min"}) {
    goldens::expect_golden(fmt::format("{}.cir", name),
                           netlist_of(shipped_cell(name), "netlists/cards/cmos28.lib"));
  }
  const fs::path manifest = fs::path(FLARE_SOURCE_DIR) / "studies/own_cell/cell/cell.toml";
  goldens::expect_golden("own_cell.cir", netlist_of(read_cell({manifest, "wide", "wide"}),
                                                    "studies/own_cell/kit/example65.lib"));
}

/// V, by on-cells, at the nominal corner.
std::vector<double> recorded_levels(const fs::path& result, const std::string& cell, int sawl) {
  const H5::H5File file = engine::open_result(result);
  const std::string points = fmt::format("/points/{}/sawl{}", cell, sawl);
  for (const std::string& corner : engine::members(file, points)) {
    if (corner.starts_with("tt_")) {
      return engine::read_table(file, points + "/" + corner + "/levels").numbers("nominal");
    }
  }
  return {};
}

// The same bits: what is written out is what was simulated.
TEST_F(Golden, WrittenNetlistsGiveTheRecordedLevelsUnderPlainNgspice) {
  for (const auto& [study, cell, most] : {std::tuple{"tests/goldens/column.toml", "sram8t_min", 2},
                                          {"studies/own_cell/own_cell.toml", "cell", 4}}) {
    const Ended ended = run(
        {"run", source(study), "-o", "r.h5", "--set", "estimator.method=fit", "--set", "estimator.runs=20"});
    ASSERT_EQ(ended.status, 0) << ended.out;
    ASSERT_EQ(run({"check", source(study), "--netlists", "netlists"}).status, 0);
    const std::vector<double> levels = recorded_levels(folder_ / "r.h5", cell, most);
    ASSERT_EQ(levels.size(), static_cast<std::size_t>(most) + 1);
    for (int k = 0; k <= most; ++k) {
      std::ifstream in(folder_ / fmt::format("netlists/{}_sawl{}_k{}.cir", cell, most, k));
      const std::string text((std::istreambuf_iterator<char>(in)), {});
      const auto measures = netlist_test::run_ngspice(text).measures;
      EXPECT_EQ(measures.at("level"), levels[static_cast<std::size_t>(k)]) << study << " k " << k;
    }
    fs::remove(folder_ / "r.h5");
    fs::remove_all(folder_ / "netlists");
  }
}

}  // namespace
}  // namespace flare::studies::testing
