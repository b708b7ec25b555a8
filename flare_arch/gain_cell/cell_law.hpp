// What one gain cell gives: a current that depends on the stored voltage, and a stored voltage that leaks.
//
// A cell stores one of a few levels, v = l / (levels - 1) * 0.9 V, and is read by a pulse. y = v - 0.45 V is the
// distance from the voltage at which a symmetric pair gives no current. Leroux et al., Nat. Comput. Sci. 5, 813 (2025):
// f(y) = sum_i g_i y^i, and y decays with the age of its token.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/base/gain_cell_tables.hpp"
#include "flare_arch/base/matrix.hpp"

namespace flare::arch {

/// Stored voltages of a cell.
struct StoredLevels {
  int levels = 8;        // 2..8
  double top = 0.9;      // V, of the highest level; the lowest is 0 V
  double middle = 0.45;  // V, where leakage ends and the laws have their origin

  /// Volts from the middle.
  double distance(int level) const { return top * level / (levels - 1) - middle; }
};

/// A at a full pulse over y in V.
struct CellLaw {
  std::string name;
  std::function<double(double)> current;
};

/// sum_i g_i y^i, A / V^i.
using engine::Cubic;
/// Least squares through the published I-V table at the full read voltage.
constexpr Cubic paper_polynomial = {0.52136361e-6, 13.61226063e-6, -2.62044562e-6, 46.05483778e-6};
/// A / V: the mean slope of that cell, for a cell without curvature.
constexpr double linear_slope = 19.3e-6;

CellLaw polynomial_law(std::string name, const Cubic& g);
inline CellLaw paper_law() { return polynomial_law("paper", paper_polynomial); }
inline CellLaw linear_law() { return polynomial_law("linear", {0, linear_slope, 0, 0}); }
/// Other curvatures of the same range: 19.3 uA (h(y) - h(0)) / (h(0.45) - h(-0.45)) with h = y^3 "cubic", y^5 "quintic",
/// 1 / (1 + e^-10y) "sigmoid", e^3y "exponential". Throws std::invalid_argument for another name.
CellLaw shaped_law(const std::string& shape);
std::vector<std::string> law_shapes();
/// Straight lines between (volts from the middle, A), ascending.
CellLaw tabulated_law(std::string name, std::vector<double> distances, std::vector<double> currents);

/// Volts from the middle that are left of a level, `age` tokens after it was written.
using Retention = std::function<double(int level, int age)>;

/// y exp(-decay age).
Retention exponential_retention(const StoredLevels& stored, double decay);
/// Straight lines in time from the written voltage over `voltages` (times x levels, V as measured) at `times` (s,
/// ascending); `token_time` s from token to token.
Retention tabulated_retention(const StoredLevels& stored, const std::vector<double>& times,
                              const MatrixD& voltages, double token_time);

/// Currents of every level at every age: ages x levels, A. Throws std::invalid_argument, with the remedy, for a law that
/// is not monotone over the stored range (two levels would give one current) or not finite.
MatrixD level_currents(const CellLaw& law, const StoredLevels& stored, const Retention& retention, int ages);

}  // namespace flare::arch
