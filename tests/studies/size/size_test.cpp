// flare size against a grid of closed forms.
//
// Two resistors of 100 kOhm / w in series carry 10 uA: v = 1 V (1 / w1 + 1 / w2), normal with the spread of 5 % of each. It
// must stay below 1.3 V at 4 sigma.
#include <gmock/gmock.h>

#include <cmath>
#include <sstream>

#include "tests/studies/circuit_fixture.hpp"

namespace flare::studies::testing {
namespace {

double sigma_of(double w1, double w2) {
  return (1.3 - 1.0 / w1 - 1.0 / w2) / (0.05 * std::hypot(1.0 / w1, 1.0 / w2));
}

class Size : public CircuitFixture {};

TEST_F(Size, FindsTheCheapestOfAGrid) {
  write("cell.cir", cell(".param w1=2 w2=2\ni1 0 a 10u\nr1 a b {100k/w1}\nr2 b 0 {100k/w2}"));
  write("s.toml",
        "seed = 3\ntarget = \"4 sigma\"\n[circuit]\nnetlist = \"cell.cir\"\nanalysis = "
        "\"operating_point\"\n[[measure]]\nname = \"v\"\nvector = \"v(a)\"\n[[spec]]\nmax = \"1.3 V\"\n" +
            varies("r", "r?", "5 %") + "[estimator]\naccuracy = \"0.05 sigma\"\nruns = 60\n");
  const Ended ended = run({"size", "s.toml", "-j", "1", "--vary", "technology.parameters.w1=0.5..20",
                           "--vary", "technology.parameters.w2=0.5..20", "--cost", "w1 + 2*w2"});
  ASSERT_EQ(ended.status, 0) << ended.out;
  const std::size_t at = ended.out.find("  best ");
  ASSERT_NE(at, std::string::npos) << ended.out;
  std::istringstream row(ended.out.substr(at));
  std::string word;
  double w1 = 0, w2 = 0, cost = 0;
  row >> word >> w1 >> w2 >> cost;
  double best = 1e9;
  for (double a = 0.5; a < 20.0; a *= 1.01) {
    for (double b = 0.5; b < 20.0; b *= 1.01) {
      if (sigma_of(a, b) >= 4.0) best = std::min(best, a + 2.0 * b);
    }
  }
  EXPECT_NEAR(cost, w1 + 2.0 * w2, 0.01 * cost);
  EXPECT_GT(sigma_of(w1, w2), 3.97) << "the interval holds the target";
  // What is paid for the interval is half a width of sigma; the optimum is flat.
  EXPECT_LT(cost, 1.08 * best) << ended.out;
  EXPECT_GT(cost, 0.98 * best) << ended.out;
}

TEST_F(Size, WhatCannotBeSizedIsSaid) {
  write("cell.cir", cell("v1 a 0 1\nr1 a 0 1k"));
  write("s.toml", operating_point("v(a)", "\"0.7 V\"") + "[[die]]\nsource = \"v1\"\nsigma = \"50 mV\"\n");
  const auto said = [&](const std::string& vary) { return run({"size", "s.toml", "--vary", vary}); };
  EXPECT_EQ(said("x").status, 2);
  EXPECT_THAT(said("x").out, ::testing::HasSubstr("expected KEY=FROM..TO"));
  EXPECT_THAT(said("technology.parameters.w=2 um..1 um").out, ::testing::HasSubstr("must be below"));
}

}  // namespace
}  // namespace flare::studies::testing
