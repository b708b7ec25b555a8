// Replica references and timing in the netlist, with their own mismatch, against what a study composes of them.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>

#include "engine/store/run_store.hpp"
#include "engine/workers/worker_pool.hpp"
#include "studies/column/column_references.hpp"
#include "studies/column/column_timing.hpp"
#include "studies/run/study_testbench.hpp"
#include "tests/studies/mismatch_fixture.hpp"

namespace flare::studies {
namespace {

class Replicas : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    engine::WorkerPoolOptions options;
    options.workers = 2;
    pool_ = std::make_unique<engine::WorkerPool>(options);
  }
  static void TearDownTestSuite() { pool_.reset(); }

  static inline std::unique_ptr<engine::WorkerPool> pool_;
  Study study_ = mismatch_study();
  engine::RunStore store_;

  ColumnOptions column(int k) const {
    ColumnOptions options;
    options.cell = shipped_cell("sram8t");
    options.card = netlists_folder() / "cards/cmos28.lib";
    options.on_cells = k;
    options.wordline_off = 188e-12;
    return options;
  }

  struct Moved {
    double nominal = 0.0;
    double own = 0.0, replicas = 0.0;  // standard deviations to first order
  };
  // Of the first measure: what the column's own devices do to it, and what those of replicas do.
  Moved moved(engine::Testbench bench, const std::vector<std::string>& elements) {
    const LoadedCircuit loaded = load_circuit(*pool_, study_, bench.deck, bench.options, elements);
    add_variation(study_, loaded, elements, bench);
    const auto d = static_cast<Eigen::Index>(bench.dimension());
    engine::Matrix points = engine::Matrix::Zero(d + 1, d);
    points.bottomRows(d).setIdentity();
    const auto made = std::make_shared<const engine::Testbench>(bench);
    const engine::RunRequest request{bench.name, 0, made, points};
    const auto runs = engine::run_all(*pool_, store_, {&request, 1})[0];
    Moved result;
    result.nominal = runs[0].measures.at(0);
    for (Eigen::Index v = 0; v < d; ++v) {
      const std::string& name = bench.variables[static_cast<std::size_t>(v)].name;
      const double by = runs[static_cast<std::size_t>(v) + 1].measures.at(0) - result.nominal;
      double& sum = name.find("xupper") != std::string::npos || name.find("xlower") != std::string::npos
                        ? result.replicas
                        : result.own;
      sum = std::hypot(sum, by);
    }
    return result;
  }
  double level_sigma(int k) { return moved(column_testbench(column(k)), varying_elements(column(k))).own; }
};

// Reference: the mean of N replicas at k and N at k - 1. One pair takes 8.25 sigma to 6.79.
TEST_F(Replicas, ReferencesSpreadAsComposed) {
  const LevelSpread spread{level_sigma(0), level_sigma(8), 0.0};
  ConverterStudy converter;
  converter.reference = shipped_reference("replica");
  study_.column = ColumnStudy{};
  for (const int average : {1, 2}) {
    converter.average = average;
    const Moved found = moved(replica_testbench(column(8), *converter.reference, average),
                              replica_elements(column(8), average));
    const double composed = reference_sigmas(study_, spread, 8, converter).at(7);
    EXPECT_NEAR(found.replicas, composed, 0.03 * composed) << average;
    EXPECT_NEAR(found.own, spread.full_scale, 0.01 * spread.full_scale) << average;
    EXPECT_NEAR(found.nominal, -26e-3, 1.5e-3) << average;  // half a step
    if (average > 1) continue;
    const double lost = std::hypot(found.own, found.replicas) / found.own;
    EXPECT_NEAR(lost, 8.25 / 6.79, 0.03);
    RecordProperty("sigma_lost_permille", static_cast<int>(std::lround(1e3 * (lost - 1.0))));
  }
}

// A word line closed by a replica of eight rows: the full-scale level against calculated references spreads as much again.
TEST_F(Replicas, TimingSpreadsAsComposed) {
  const TimingRun timing = timing_run(column(8), 0.4);
  engine::Testbench bench = column_testbench(timing.options);
  engine::Measure& crossing = bench.measures.front();
  crossing.kind = engine::MeasureKind::crossing;
  crossing.level = timing.level;
  crossing.edge = engine::Edge::fall;
  const double pulse = moved(bench, varying_elements(timing.options)).own;
  ColumnOptions longer = column(8);
  longer.wordline_off += 5e-12;
  const Moved here = moved(column_testbench(column(8)), varying_elements(column(8)));
  const Moved later = moved(column_testbench(longer), varying_elements(longer));
  const double simulated = std::fabs(later.nominal - here.nominal) / 5e-12 * pulse;
  // Not quite what the level itself spreads: the replica has no part in the falling edge of the pulse.
  EXPECT_LT(simulated, here.own);
  EXPECT_GT(simulated, 0.8 * here.own);
  const LevelSpread spread{0.0, here.own, simulated};
  study_.column = ColumnStudy{};
  study_.column->timing_rows = 32;
  EXPECT_NEAR(reference_sigmas(study_, spread, 8, ConverterStudy{}).at(7), 0.5 * simulated, 1e-12);
  // References that are read with the same pulse take all of it but half a step.
  ConverterStudy replicas;
  replicas.reference = shipped_reference("replica");
  replicas.average = 1 << 20;
  EXPECT_NEAR(reference_sigmas(study_, spread, 8, replicas).at(7), 0.5 * simulated / 16.0,
              0.01 * simulated / 16.0);
  RecordProperty("timing_permille", static_cast<int>(std::lround(1e3 * simulated / here.own)));
  fmt::print("a replica's pulse moves the level by {:.4f} of its own sigma\n", simulated / here.own);
}

TEST_F(Replicas, IdealReferencesAndTimingHaveNoSpread) {
  study_.column = ColumnStudy{};
  EXPECT_TRUE(reference_sigmas(study_, {1e-3, 3e-3, 3e-3}, 8, ConverterStudy{}).empty());
  EXPECT_FALSE(has_replicas(study_));
}

// A column that is read through a clamp has replicas with clamps; a cell of two bitlines has none here.
TEST_F(Replicas, OfAClampedColumnLieMidway) {
  ColumnOptions options = column(4);
  options.cell = shipped_cell("sram6t");
  options.sawl = 4;
  options.wordline_off = 90e-12;
  EXPECT_THROW(replica_testbench(options, shipped_reference("replica"), 1), std::invalid_argument);
  options.cell = shipped_cell("mram_1t");
  options.wordline_off = 700e-12;
  const auto level = [&](int k) {
    options.on_cells = k;
    return moved(column_testbench(options), varying_elements(options)).nominal;
  };
  const double step = level(4) - level(3);
  options.on_cells = 4;
  const double distance =
      moved(replica_testbench(options, shipped_reference("replica"), 1), replica_elements(options, 1))
          .nominal;
  EXPECT_NEAR(distance, 0.5 * step, 0.03 * std::fabs(step));
}

}  // namespace
}  // namespace flare::studies
