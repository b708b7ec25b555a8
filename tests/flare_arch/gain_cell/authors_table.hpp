// The authors' currents at the full read voltage as they are printed, six digits, and their polynomial of them.
#pragma once

#include <gtest/gtest.h>

#include <Eigen/QR>
#include <array>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "flare_arch/gain_cell/cell_law.hpp"

namespace flare::arch {

/// uA over V from the middle, and what printing can have moved each current by.
struct AuthorsTable {
  std::vector<double> distance, current, half_digit;
};

inline AuthorsTable authors_table() {
  std::ifstream in(std::string(FLARE_SOURCE_DIR) + "/tests/flare_arch/golden/gain_cell_authors_iv.csv");
  AuthorsTable table;
  std::string line;
  std::getline(in, line);
  for (std::array<double, 3> r{}; std::getline(in, line);) {
    EXPECT_EQ(std::sscanf(line.c_str(), "%lf,%lf,%lf", &r[0], &r[1], &r[2]), 3) << line;
    EXPECT_DOUBLE_EQ(r[1], 0.9);
    table.distance.push_back(r[0] - 0.45);
    table.current.push_back(r[2]);
    table.half_digit.push_back(0.5 * std::pow(10, std::floor(std::log10(std::abs(r[2]))) - 5));
  }
  EXPECT_EQ(table.current.size(), 50U);
  return table;
}

/// 4 x rows: times currents, it is the least-squares cubic through them.
inline Eigen::MatrixXd refit_matrix(const AuthorsTable& table) {
  const auto n = static_cast<Eigen::Index>(table.distance.size());
  Eigen::MatrixXd powers(n, 4);
  for (Eigen::Index r = 0; r < n; ++r)
    for (int i = 0; i < 4; ++i) powers(r, i) = std::pow(table.distance[static_cast<std::size_t>(r)], i);
  return powers.completeOrthogonalDecomposition().pseudoInverse();
}

inline Eigen::Map<const Eigen::VectorXd> as_vector(const std::vector<double>& values) {
  return {values.data(), static_cast<Eigen::Index>(values.size())};
}

/// By how much printing can have moved each coefficient of the refit: sum over rows of |refit matrix| times half a last digit.
inline Eigen::Vector4d refit_bound(const AuthorsTable& table) {
  return refit_matrix(table).cwiseAbs() * as_vector(table.half_digit);
}

/// uA / V^i.
inline Eigen::Vector4d authors_polynomial() {
  Eigen::Vector4d g;
  for (Eigen::Index k = 0; k < 4; ++k) g[k] = paper_polynomial[static_cast<std::size_t>(k)] * 1e6;
  return g;
}

}  // namespace flare::arch
