// Converters on simulators of their own: places, runs and the mismatch of the shipped studies.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <cmath>

#include "engine/workers/worker_pool.hpp"
#include "studies/converter/comparator_study.hpp"
#include "tests/studies/mismatch_fixture.hpp"

namespace flare::studies {

struct ProcessCorner {
  const char* section;
  double supply, temperature;
};
inline constexpr ProcessCorner nominal_corner{"tt", 0.9, 27.0};
inline constexpr ProcessCorner cold_corner{"ss", 0.81, -40.0};

inline ConverterDrive drive_at(const ProcessCorner& corner) {
  ConverterDrive drive;
  drive.card = netlists_folder() / "cards/cmos28.lib";
  drive.section = corner.section;
  drive.supply = corner.supply;
  drive.temperature = corner.temperature;
  return drive;
}

inline ComparatorPlace place_of(const std::string& converter, double common_mode,
                                const ProcessCorner& corner = nominal_corner) {
  return {{shipped_converter(converter), drive_at(corner), common_mode},
          converter + std::to_string(common_mode) + corner.section,
          "dies"};
}

class ConverterCircuits : public ::testing::Test {
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
  MakeAllRuns make_ = [this](const std::vector<engine::RunRequest>& requests) {
    return engine::run_all(*pool_, store_, requests);
  };
  ComparatorRuns runs_{study_, *pool_, make_};
};

/// Root mean square around the mean.
inline double spread(const std::vector<double>& values) {
  double mean = 0.0;
  for (const double v : values) mean += v / static_cast<double>(values.size());
  double square = 0.0;
  for (const double v : values) square += (v - mean) * (v - mean);
  return std::sqrt(square / static_cast<double>(values.size() - 1));
}

}  // namespace flare::studies
