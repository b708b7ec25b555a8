// Sweeps of a study whose answers are closed forms, and what --set reaches.
#include <gmock/gmock.h>

#include <cmath>

#include "tests/studies/circuit_fixture.hpp"

namespace flare::studies::testing {
namespace {

using ::testing::HasSubstr;

/// v(a) = level + sigma z must not fall below 0.7 V.
const std::string base = "seed = 2\n" + operating_point("v(a)", "\"0.7 V\"") +
                         "[[die]]\nsource = \"v1\"\nsigma = \"50 mV\"\n[estimator]\nruns = 60\n";

class Sweeps : public CircuitFixture {
 protected:
  void SetUp() override {
    CircuitFixture::SetUp();
    write("cell.cir", cell(".param level=1\nv1 a 0 {level}\nr1 a 0 1k"));
  }
  engine::Table table(const std::string& path) const {
    return engine::read_table(engine::open_result(folder_ / "o.h5"), path);
  }
};

TEST_F(Sweeps, EveryPointIsAStudyOfItsOwn) {
  study_runs(base +
             "[[sweep]]\nkey = \"die[v1].sigma\"\nvalues = [\"50 mV\", \"60 mV\"]\n[[sweep]]\nkey = "
             "\"technology.parameters.level\"\nfrom = 1.0\nto = 1.1\npoints = 2\n");
  const engine::Table points = table("/sweep/points");
  EXPECT_EQ(points.numbers("die[v1].sigma"), (std::vector<double>{50, 50, 60, 60}));
  const engine::Table answers = table("/sweep/answers");
  ASSERT_EQ(answers.rows(), 4u);
  for (std::size_t i = 0; i < 4; ++i) {
    const double level = points.numbers("technology.parameters.level")[i];
    const double exact = (level - 0.7) / (1e-3 * points.numbers("die[v1].sigma")[i]);
    const double sigma = answers.numbers("sigma")[i];
    EXPECT_GT(sigma + 1.6 * (answers.numbers("sigma_high")[i] - sigma), exact) << i;
    EXPECT_LT(sigma - 1.6 * (sigma - answers.numbers("sigma_low")[i]), exact) << i;
    EXPECT_EQ(answers.integers("passes")[i], answers.numbers("sigma_low")[i] >= 6.0 ? 1 : 0);
  }
}

TEST_F(Sweeps, APointHasTheBitsOfTheStudyAlone) {
  study_runs(base + "[[sweep]]\nkey = \"technology.parameters.level\"\nvalues = [1.0, 1.05]\n");
  const std::vector<double> within = table("/sweep/results/1/failures").numbers("p");
  study_runs(base, "--set technology.parameters.level=1.05");
  EXPECT_EQ(table("/failures").numbers("p"), within);
}

TEST_F(Sweeps, WhatPointsHaveInCommonIsRunOnce) {
  const Ended ended = run_study(base + "[[sweep]]\nkey = \"target\"\nvalues = [\"4 sigma\", \"5 sigma\"]\n");
  ASSERT_EQ(ended.status, 0) << ended.out;
  EXPECT_THAT(ended.out, HasSubstr("60 runs, 60 of them kept from before"));
  const engine::Table answers = table("/sweep/answers");
  EXPECT_EQ(answers.numbers("p")[0], answers.numbers("p")[1]);
  EXPECT_NE(answers.numbers("p_target")[0], answers.numbers("p_target")[1]);
}

TEST_F(Sweeps, WhatCannotBeSweptIsSaidByCheck) {
  const auto sweep = [&](const std::string& lines) { return refusal(base + "[[sweep]]\n" + lines); };
  EXPECT_THAT(sweep("key = \"estimator.runz\"\nvalues = [1]\n"),
              HasSubstr("sweep[0]: at estimator.runz = 1"));
  EXPECT_THAT(sweep("key = \"estimator.runz\"\nvalues = [1]\n"), HasSubstr("did you mean 'runs'?"));
  EXPECT_THAT(sweep("key = \"estimator.runs\"\nfrom = 1\nto = 9000\npoints = 10000\n"),
              HasSubstr("sweep[0].points"));
  EXPECT_THAT(sweep("key = \"estimator.runs\"\nfrom = 100\nto = 900\npoints = 500\n[[sweep]]\nkey = "
                    "\"estimator.budget\"\nfrom = 1000\nto = 9000\npoints = 20\n"),
              HasSubstr("10000 points or more; at most 1000"));
  EXPECT_THAT(sweep("key = \"die[v2].sigma\"\nvalues = [\"1 mV\"]\n"),
              HasSubstr("there is no 'v2' among v1"));
  EXPECT_THAT(sweep("key = \"target\"\nvalues = []\n"), HasSubstr("a list of one value or more"));
  EXPECT_THAT(sweep("key = \"die[v1].sigma\"\nfrom = \"1 mV\"\nto = \"2 V\"\npoints = 2\n"),
              HasSubstr("write both in one"));
  EXPECT_THAT(
      sweep(
          "key = \"target\"\nvalues = [\"4 sigma\"]\n[[sweep]]\nkey = \"target\"\nvalues = [\"5 sigma\"]\n"),
      HasSubstr("is swept twice"));
}

TEST_F(Sweeps, SetReachesIntoArraysOfTables) {
  for (const std::string key : {"die[0].sigma", "die[v1].sigma", "die.v1.sigma"}) {
    study_runs(base, "--set " + key + "=5% --set estimator.method=monte_carlo");
    EXPECT_NEAR(samples("netlist").measures(0, 0), 1.0 + 0.05 * samples("netlist").z(0, 0), 1e-6) << key;
  }
  write("s.toml", base);
  const Ended none = run_line("check s.toml --set die[3].sigma=1");
  EXPECT_EQ(none.status, 2);
  EXPECT_THAT(none.out, HasSubstr("there is no '3' among v1"));
}

}  // namespace
}  // namespace flare::studies::testing
