// What adaptation brings back, over seeds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/studies/model/perplexity_program.hpp"

namespace flare::studies {
namespace {

using testing::Perplexity;

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double v : values) sum += v;
  return sum / static_cast<double>(values.size());
}

double deviation(const std::vector<double>& values) {
  double squares = 0;
  for (const double v : values) squares += std::pow(v - mean(values), 2);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

/// Every seed has its own text and batch; the README has the figures.
TEST_F(Perplexity, OverFiveSeedsThePapersCellComesBackAndTheExponentialDoesNot) {
  const auto recovered = [&](const std::string& cells) {
    const testing::Ended ended =
        perplexity("--attention cell --characters 20000 --recovery 5 -o r.h5 --adapt-text " +
                   source("data/text/shakespeare_train.txt") + " --cells " + cells);
    EXPECT_EQ(ended.status, 0) << ended.out;
    return engine::read_table(engine::open_result(folder_ / "r.h5"), "/perplexity_recovery")
        .numbers("recovered");
  };
  const std::vector<double> paper = recovered("paper"), exponential = recovered("shape:exponential");
  ASSERT_EQ(paper.size(), 5U);
  for (const double share : paper) EXPECT_GT(share, 0.5);
  EXPECT_LT(deviation(paper), 0.1);
  for (const double share : exponential) EXPECT_LT(share, *std::min_element(paper.begin(), paper.end()));
}

}  // namespace
}  // namespace flare::studies
