// Gain cells and converters on simulators of their own.
#pragma once

#include <gtest/gtest.h>

#include <map>

#include "engine/workers/worker_pool.hpp"
#include "studies/gain_cell/gain_cell_runs.hpp"
#include "tests/studies/converter/converter_fixture.hpp"

namespace flare::studies {

inline GainCell shipped_gain_cell(const std::string& name) {
  return read_gain_cell_part(own_part("cell", name));
}

inline CellDrive cell_drive(double temperature = 27.0) {
  return {netlists_folder() / "cards/cmos28.lib", "tt", 0.9, temperature};
}

inline std::vector<double> eight_levels() {
  std::vector<double> levels;
  levels.reserve(8);
  for (int k = 0; k < 8; ++k) levels.push_back(0.9 * k / 7);
  return levels;
}

inline CellBench bench_of(const std::string& cell, double temperature = 27.0) {
  return {shipped_gain_cell(cell), cell_drive(temperature), eight_levels(), 0.45};
}

class GainCellCircuits : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    engine::WorkerPoolOptions options;
    options.workers = 1;
    pool_ = std::make_unique<engine::WorkerPool>(options);
  }
  static void TearDownTestSuite() { pool_.reset(); }

  /// One run without variation.
  static std::map<std::string, double> once(const engine::Testbench& bench) {
    return by_name(bench, results(bench, engine::Matrix(1, 0)).front());
  }
  static std::vector<engine::RunResult> results(const engine::Testbench& bench,
                                                const engine::Matrix& points) {
    std::vector<engine::RunResult> all(static_cast<std::size_t>(points.rows()));
    const engine::Job job{std::make_shared<const engine::Testbench>(bench), points};
    pool_->evaluate({&job, 1},
                    [&](std::size_t, std::size_t row, const engine::RunResult& r) { all[row] = r; });
    for (const engine::RunResult& r : all) EXPECT_EQ(r.outcome, engine::Outcome::ok) << r.message;
    return all;
  }
  static std::map<std::string, double> by_name(const engine::Testbench& bench, const engine::RunResult& run) {
    std::map<std::string, double> values;
    for (std::size_t m = 0; m < bench.measures.size(); ++m)
      values[bench.measures[m].name] = run.measures.at(m);
    return values;
  }
  static double at(const std::map<std::string, double>& values, const std::string& name, int k) {
    return values.at(fmt::format("{}{}", name, k));
  }

  static inline std::unique_ptr<engine::WorkerPool> pool_;
};

}  // namespace flare::studies
