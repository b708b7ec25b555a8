// Rare-event estimates against plain Monte Carlo, where it can still reach: data/checks/plain_monte_carlo.csv holds
// what plain runs said, and the commands that made them.
#include <gtest/gtest.h>

#include <boost/math/distributions/beta.hpp>
#include <cmath>
#include <sstream>

#include "analysis/tails/tail.hpp"
#include "engine/base/hdf5_io.hpp"
#include "tests/studies/program_fixture.hpp"

namespace {

using flare::analysis::sigma_of_probability;
using flare::studies::testing::Ended;

struct PlainTail {
  std::string study;
  std::string table;
  std::string tail;  // "2 down", or a corner
  double runs = 0.0;
  double failures = 0.0;
};

std::vector<PlainTail> plain_tails(const std::string& file) {
  std::vector<PlainTail> tails;
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);  // heads
  while (std::getline(in, line)) {
    std::istringstream fields(line);
    PlainTail tail;
    std::string runs;
    std::string failures;
    std::getline(fields, tail.study, ',');
    std::getline(fields, tail.table, ',');
    std::getline(fields, tail.tail, ',');
    std::getline(fields, runs, ',');
    std::getline(fields, failures, ',');
    tail.runs = std::stod(runs);
    tail.failures = std::stod(failures);
    tails.push_back(tail);
  }
  return tails;
}

class PlainMonteCarlo : public flare::studies::testing::ProgramFixture {
 protected:
  /// sigma, its 95 % half-width and the status of every tail, by name.
  struct Estimate {
    double sigma = 0.0;
    double half_width = 0.0;
    std::string status;
  };
  Estimate estimate_of(const PlainTail& tail) const {
    const H5::H5File file = flare::engine::open_result(folder_ / (tail.study + ".h5"));
    const flare::engine::Table table = flare::engine::read_table(file, tail.table);
    for (std::size_t i = 0; i < table.rows(); ++i) {
      const std::string name =
          table.has("corner") ? table.texts("corner")[i]
                              : std::to_string(table.integers("k")[i]) + " " + table.texts("direction")[i];
      if (name != tail.tail) continue;
      const double low = sigma_of_probability(table.numbers("p_high")[i]);
      const double high = sigma_of_probability(table.numbers("p_low")[i]);
      return {table.numbers("sigma")[i], 0.5 * (high - low), table.texts("status")[i]};
    }
    ADD_FAILURE() << tail.table << " has no " << tail.tail;
    return {};
  }
};

TEST_F(PlainMonteCarlo, AgreesWithTheRareEventEstimates) {
  const std::vector<PlainTail> tails = plain_tails(source("data/checks/plain_monte_carlo.csv"));
  ASSERT_GE(tails.size(), 4u);
  for (const std::string study : {"level_3_sigma", "column_3_sigma"}) {
    const Ended ended =
        run_line("run " + source("studies/checks/" + study + ".toml") + " -o " + study + ".h5");
    ASSERT_EQ(ended.status, 0) << ended.out;
  }
  for (const PlainTail& plain : tails) {
    SCOPED_TRACE(plain.study + " " + plain.tail);
    ASSERT_GE(plain.runs, 100000.0);
    const Estimate estimate = estimate_of(plain);
    EXPECT_EQ(estimate.status, "estimated");
    EXPECT_LE(estimate.half_width, 0.1);
    // Clopper-Pearson at 0.1 % false alarms a side, wider by as much of the estimate's own error: fewer than one
    // alarm in a hundred over all tails, were everything right.
    using Beta = boost::math::beta_distribution<>;
    const double error = 3.1 / 1.96 * estimate.half_width;
    const double high = boost::math::quantile(
        boost::math::complement(Beta(plain.failures + 1.0, plain.runs - plain.failures), 0.001));
    EXPECT_GE(estimate.sigma + error, sigma_of_probability(high));
    if (plain.failures == 0.0) continue;
    const double low = boost::math::quantile(Beta(plain.failures, plain.runs - plain.failures + 1.0), 0.001);
    EXPECT_LE(estimate.sigma - error, sigma_of_probability(low));
  }
}

}  // namespace
