// A process holds one simulator, so its tests share it, as a worker's testbenches do.
#pragma once

#include <gtest/gtest.h>

#include <Eigen/Core>
#include <random>
#include <string>
#include <vector>

#include "engine/simulate/ngspice.hpp"

namespace flare::engine::testing {

inline NgspiceSimulator& simulator() {
  static NgspiceSimulator only;
  return only;
}

/// One vector's value at the operating point of what is loaded.
inline double operating_point(const std::string& vector) {
  Waveforms waveforms;
  const std::vector<std::string> vectors{vector};
  EXPECT_TRUE(simulator().run("op", 0.0, vectors, &waveforms)) << simulator().messages();
  return waveforms.values.at(0).at(0);
}

/// Standard-normal coordinates of a run.
inline Eigen::RowVectorXd random_point(Eigen::Index dimension, unsigned seed) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<double> normal;
  Eigen::RowVectorXd x(dimension);
  for (double& value : x) value = normal(generator);
  return x;
}

}  // namespace flare::engine::testing
