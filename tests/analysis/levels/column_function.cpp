#include "tests/analysis/levels/column_function.hpp"

#include <boost/random/normal_distribution.hpp>
#include <cmath>

#include "analysis/tails/tail.hpp"
#include "engine/base/random_stream.hpp"

namespace flare::analysis::testing {

double ColumnFunction::level(double current_sum) const {
  // dV/dI falls linearly from 1 to 1 - compression over the column's sum.
  const double bend = cells > 1 ? compression / (2.0 * (cells - 1)) : 0.0;
  return 0.9 - step * (current_sum - bend * current_sum * current_sum);
}

double ColumnFunction::level_at(const Eigen::Ref<const engine::Vector>& x) const {
  double sum = 0.0;
  for (Eigen::Index c = 0; c < cells; ++c) {
    sum += std::pow(1.0 + sigma_vt / overdrive * x[2 * c], alpha) * (1.0 + sigma_beta * x[2 * c + 1]);
  }
  return level(sum);
}

std::vector<double> ColumnFunction::sample(std::uint64_t seed, std::uint64_t first, std::size_t runs) const {
  return sample(seed, first, runs, 0, nullptr);
}

std::vector<double> ColumnFunction::sample(std::uint64_t seed, std::uint64_t first, std::size_t runs,
                                           int idle, engine::Matrix* points) const {
  std::vector<double> levels(runs);
  const Eigen::Index dimension = 2 * cells + idle;
  if (points != nullptr) points->resize(static_cast<Eigen::Index>(runs), dimension);
  Eigen::RowVectorXd x(dimension);
  for (std::size_t i = 0; i < runs; ++i) {
    engine::RandomStream stream(seed, "column_function", first + i);
    boost::random::normal_distribution<double> normal;
    for (Eigen::Index j = 0; j < (points == nullptr ? 2 * cells : dimension); ++j) x[j] = normal(stream);
    levels[i] = level_at(x.transpose());
    if (points != nullptr) points->row(static_cast<Eigen::Index>(i)) = x;
  }
  return levels;
}

double ColumnFunction::current_sum_at(double t) const {
  double low = 0.0;
  double high = 3.0 * cells;
  for (int i = 0; i < 100; ++i) {
    const double middle = 0.5 * (low + high);
    (level(middle) > t ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

ColumnFunction::SumLaw ColumnFunction::sum_law() const {
  // Mass of one cell's current per bin over +-11 sigma: differences of the normal law taken in its near tail,
  // averaged over the current factor by the trapezoidal rule (spectrally accurate for a normal weight).
  const double relative = sigma_vt / overdrive;
  const double width = std::hypot(relative * alpha, sigma_beta) / 60.0;
  constexpr int half = 11 * 60;
  std::vector<double> cell(2 * half + 1, 0.0);
  const double spacing = sigma_beta > 0.0 ? 0.25 : 1.0;
  const int factors = sigma_beta > 0.0 ? 36 : 0;
  for (int f = -factors; f <= factors; ++f) {
    const double weight = factors > 0 ? spacing * normal_density(spacing * f) : 1.0;
    const double factor = 1.0 + sigma_beta * spacing * f;
    const auto z_of = [&](double current) {
      return (std::pow(std::fmax(current / factor, 1e-9), 1.0 / alpha) - 1.0) / relative;
    };
    for (int i = -half; i <= half; ++i) {
      const double a = z_of(1.0 + (i - 0.5) * width);
      const double b = z_of(1.0 + (i + 0.5) * width);
      cell[static_cast<std::size_t>(i + half)] +=
          weight * (a > 0.0 ? normal_tail(a) - normal_tail(b) : normal_tail(-b) - normal_tail(-a));
    }
  }
  SumLaw law{1.0 - (half + 0.5) * width, width, cell};
  for (int c = 1; c < cells; ++c) {
    std::vector<double> next(law.density.size() + cell.size() - 1, 0.0);
    for (std::size_t i = 0; i < law.density.size(); ++i) {
      for (std::size_t j = 0; j < cell.size(); ++j) next[i + j] += law.density[i] * cell[j];
    }
    law.density = next;
    law.low += 1.0 - half * width;  // bins add centre to centre
  }
  return law;
}

double ColumnFunction::exact_below(double t) const {
  const double root = current_sum_at(t);  // the level falls with the sum: below t where the sum exceeds it
  const SumLaw law = sum_law();
  double p = 0.0;
  for (std::size_t i = law.density.size(); i-- > 0;) {
    const double above = (law.low + law.width * static_cast<double>(i + 1) - root) / law.width;
    if (above <= 0.0) break;
    p += std::fmin(above, 1.0) * law.density[i];
  }
  return p;
}

double ColumnFunction::exact_above(double t) const {
  const double root = current_sum_at(t);
  const SumLaw law = sum_law();
  double p = 0.0;
  for (std::size_t i = 0; i < law.density.size(); ++i) {
    const double below = (root - law.low - law.width * static_cast<double>(i)) / law.width;
    if (below <= 0.0) break;
    p += std::fmin(below, 1.0) * law.density[i];
  }
  return p;
}

}  // namespace flare::analysis::testing
