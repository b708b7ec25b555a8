// flare size of a column against a brute-force grid: the two widths of a read stack at SAWL 2.
//
// Sigma at the points of a grid, from a sweep, is close to a power of the widths: a cubic of their logarithms, by least squares
// through its logarithm, says where the least area lies at which it holds the target.
#include <gmock/gmock.h>

#include <Eigen/QR>
#include <cmath>
#include <sstream>
#include <string>

#include "tests/studies/circuit_fixture.hpp"

namespace flare::studies::testing {
namespace {

constexpr double target = 9.0;  // the least widths hold 7.5
constexpr double length = 0.1;  // um, of both transistors
// nm: the grid around where the target is held.
constexpr double least_wa = 150.0, most_wa = 260.0, least_wd = 100.0, most_wd = 180.0;

const std::string study =
    "seed = 5\ntarget = \"9 sigma\"\n[technology]\ncards = \"" FLARE_SOURCE_DIR
    "/netlists/cards/cmos28.lib\"\n[column]\nsawl = [2]\n[column.sizes]\nla = \"100 nm\"\nld = \"100 nm\"\n"
    "[[variation]]\nparameter = \"vth\"\npelgrom = \"1.3 mV um\"\n"
    "[corners]\nprocess = [\"tt\"]\nsupply = [\"0.9 V\"]\ntemperature = [\"27 degC\"]\n"
    "[[converter]]\nname = \"flash\"\nkind = \"ideal\"\noffset_sigma = \"0.03 step\"\n"
    "[estimator]\naccuracy = \"0.05 sigma\"\nruns = 60\nbudget = 3000\n";

/// Terms of a cubic in the logarithms of both widths.
Eigen::RowVectorXd terms(double wa, double wd) {
  const double x = std::log(wa / 200.0), y = std::log(wd / 200.0);
  return (Eigen::RowVectorXd(10) << 1, x, y, x * x, x * y, y * y, x * x * x, x * x * y, x * y * y, y * y * y)
      .finished();
}

double sigma_at(const Eigen::VectorXd& surface, double wa, double wd) {
  return std::exp(terms(wa, wd).dot(surface));
}

class SizedColumn : public CircuitFixture {
 protected:
  /// Coefficients of ln sigma over the widths.
  Eigen::VectorXd grid() const {
    const auto range = [](const char* key, double from, double to) {
      return fmt::format(
          "[[sweep]]\nkey = \"column.sizes.{}\"\nfrom = \"{} nm\"\nto = \"{} nm\"\npoints = 5\nspacing = "
          "\"log\"\n",
          key, from, to);
    };
    write("grid.toml", study + range("wa", least_wa, most_wa) + range("wd", least_wd, most_wd));
    const Ended ended = run({"run", "grid.toml", "-o", "grid.h5"});
    EXPECT_EQ(ended.status, 0) << ended.out;
    const H5::H5File file = engine::open_result(folder_ / "grid.h5");
    const engine::Table points = engine::read_table(file, "/sweep/points");
    const engine::Table answers = engine::read_table(file, "/sweep/answers");
    Eigen::MatrixXd a(static_cast<Eigen::Index>(answers.rows()), 10);
    Eigen::VectorXd sigma(a.rows());
    for (Eigen::Index i = 0; i < a.rows(); ++i) {
      const auto row = static_cast<std::size_t>(i);
      const auto point = static_cast<std::size_t>(answers.integers("point")[row]);
      a.row(i) = terms(points.numbers("column.sizes.wa")[point], points.numbers("column.sizes.wd")[point]);
      sigma(i) = answers.numbers("sigma")[row];
    }
    const Eigen::VectorXd logarithms = sigma.array().log();
    const Eigen::VectorXd coefficients = a.colPivHouseholderQr().solve(logarithms);
    EXPECT_LT(
        ((a * coefficients).array().exp().matrix() - sigma).norm() / std::sqrt(static_cast<double>(a.rows())),
        0.03)
        << "the surface is not what the grid says";
    return coefficients;
  }
};

TEST_F(SizedColumn, FindsTheLeastAreaOfAGrid) {
  write("s.toml", study);
  const Ended ended = run({"size", "s.toml", "--vary", "column.sizes.wa=100 nm..400 nm", "--vary",
                           "column.sizes.wd=100 nm..400 nm"});
  ASSERT_EQ(ended.status, 0) << ended.out;
  std::istringstream row(ended.out.substr(ended.out.find("  best ")));
  std::string word;
  double wa = 0, wd = 0, area = 0;
  row >> word >> wa >> wd >> area;
  EXPECT_NEAR(area, 1e-3 * length * (wa + wd), 1e-3 * area);
  const Eigen::VectorXd surface = grid();
  double best = 1e9;
  for (double a = least_wa; a <= most_wa; a *= 1.005) {
    for (double d = least_wd; d <= most_wd; d *= 1.005) {
      if (sigma_at(surface, a, d) >= target) best = std::min(best, 1e-3 * length * (a + d));
    }
  }
  RecordProperty("found",
                 fmt::format("{:.0f} and {:.0f} nm, {:.4f} um2; grid {:.4f} um2", wa, wd, area, best));
  EXPECT_GT(sigma_at(surface, wa, wd), target - 0.05) << ended.out;
  // What is paid for the interval is half a width of sigma, 2 % of area.
  EXPECT_LT(area, 1.06 * best) << ended.out;
  EXPECT_GT(area, 0.97 * best) << ended.out;
}

}  // namespace
}  // namespace flare::studies::testing
