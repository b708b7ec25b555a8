#include "flare_arch/gain_cell/cell_law.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>

namespace flare::arch {
namespace {

using Shape = double (*)(double);

const std::map<std::string, Shape>& shapes() {
  static const std::map<std::string, Shape> all = {
      {"cubic", [](double y) { return y * y * y; }},
      {"quintic", [](double y) { return std::pow(y, 5); }},
      {"sigmoid", [](double y) { return 1 / (1 + std::exp(-10 * y)); }},
      {"exponential", [](double y) { return std::exp(3 * y); }}};
  return all;
}

/// Straight lines through (x, y), x ascending; level beyond the ends.
double interpolate(const std::vector<double>& x, const std::vector<double>& y, double at) {
  const auto above = std::upper_bound(x.begin(), x.end(), at);
  if (above == x.begin()) return y.front();
  if (above == x.end()) return y.back();
  const auto i = static_cast<std::size_t>(above - x.begin());
  return y[i - 1] + (y[i] - y[i - 1]) * (at - x[i - 1]) / (x[i] - x[i - 1]);
}

void check_monotone(const CellLaw& law, const StoredLevels& stored) {
  constexpr int steps = 450;
  const double low = stored.distance(0), high = stored.distance(stored.levels - 1);
  double before = law.current(low);
  const double slack = 1e-9 * std::abs(law.current(high) - before);  // of rounding
  for (int i = 1; i <= steps; ++i) {
    const double y = low + (high - low) * i / steps, now = law.current(y);
    if (!std::isfinite(now))
      throw std::invalid_argument(
          fmt::format("cell law '{}': the current at {:.3f} V is not finite", law.name, stored.middle + y));
    if (now < before - slack)
      throw std::invalid_argument(fmt::format(
          "cell law '{}' is not monotone: its current falls at {:.3f} V, within the stored 0 to {:g} V; fit "
          "the cell again over that range, or take the transfer table with --transfer",
          law.name, stored.middle + y, stored.top));
    before = now;
  }
  if (!(before > law.current(low)))
    throw std::invalid_argument(fmt::format("cell law '{}' is constant: no level differs", law.name));
}

}  // namespace

CellLaw polynomial_law(std::string name, const Cubic& g) {
  return {std::move(name), [g](double y) { return engine::cubic_value(g, y); }};
}

std::vector<std::string> law_shapes() {
  std::vector<std::string> names;
  names.reserve(shapes().size());
  for (const auto& [name, shape] : shapes()) names.push_back(name);
  return names;
}

CellLaw shaped_law(const std::string& shape) {
  const auto at = shapes().find(shape);
  if (at == shapes().end())
    throw std::invalid_argument(
        fmt::format("unknown cell law '{}'; known: {}", shape, fmt::join(law_shapes(), ", ")));
  const Shape h = at->second;
  const double scale = linear_slope / (h(0.45) - h(-0.45));
  return {shape, [h, scale](double y) { return scale * (h(y) - h(0)); }};
}

CellLaw tabulated_law(std::string name, std::vector<double> distances, std::vector<double> currents) {
  if (distances.size() < 2 || distances.size() != currents.size() ||
      !std::is_sorted(distances.begin(), distances.end(), std::less_equal<>()))
    throw std::invalid_argument("cell law: a table of two or more ascending voltages is expected");
  return {std::move(name),
          [x = std::move(distances), i = std::move(currents)](double y) { return interpolate(x, i, y); }};
}

Retention exponential_retention(const StoredLevels& stored, double decay) {
  if (!(decay >= 0) || !std::isfinite(decay))
    throw std::invalid_argument("cell: the decay per token must be 0 or more");
  return [=](int level, int age) { return stored.distance(level) * std::exp(-decay * age); };
}

Retention tabulated_retention(const StoredLevels& stored, const std::vector<double>& times,
                              const MatrixD& voltages, double token_time) {
  if (!(token_time > 0)) throw std::invalid_argument("cell: the time per token must be positive");
  if (times.empty() || !(times.front() > 0) ||
      !std::is_sorted(times.begin(), times.end(), std::less_equal<>()) ||
      voltages.rows() != static_cast<Eigen::Index>(times.size()) || voltages.cols() != stored.levels ||
      !voltages.allFinite())
    throw std::invalid_argument("cell: a retention table of ascending times, all levels each, is expected");
  std::vector<double> at = {0.0};
  at.insert(at.end(), times.begin(), times.end());
  return [=](int level, int age) {
    std::vector<double> y = {stored.distance(level)};
    y.reserve(at.size());
    for (Eigen::Index i = 0; i < voltages.rows(); ++i) y.push_back(voltages(i, level) - stored.middle);
    return interpolate(at, y, age * token_time);
  };
}

MatrixD level_currents(const CellLaw& law, const StoredLevels& stored, const Retention& retention, int ages) {
  if (stored.levels < 2 || stored.levels > 8 || ages < 1)
    throw std::invalid_argument("cell: 2 to 8 levels and a window of 1 or more tokens are expected");
  check_monotone(law, stored);
  MatrixD currents(ages, stored.levels);
  for (int age = 0; age < ages; ++age)
    for (int level = 0; level < stored.levels; ++level)
      currents(age, level) = law.current(retention(level, age));
  if (!currents.allFinite())
    throw std::invalid_argument(fmt::format("cell law '{}': a current is not finite", law.name));
  return currents;
}

}  // namespace flare::arch
