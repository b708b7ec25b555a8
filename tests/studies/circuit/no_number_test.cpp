// What a study says where it has no number, or only a limit. A source within +-10 mV of 0 against 10.5 mV: it
// cannot fail.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "engine/base/hdf5_io.hpp"
#include "tests/studies/program_fixture.hpp"

namespace {

using ::testing::HasSubstr;
using ::testing::Not;

using flare::studies::testing::Ended;

class NoNumber : public flare::studies::testing::ProgramFixture {
 protected:
  void SetUp() override {
    ProgramFixture::SetUp();
    std::ofstream(folder_ / "cell.cir") << "a source within its tolerance\nv1 a 0 0\nr1 a 0 1k\n.end\n";
    std::ofstream(folder_ / "study.toml")
        << "[circuit]\nnetlist = \"cell.cir\"\nanalysis = \"operating_point\"\n"
           "[[measure]]\nname = \"v\"\nvector = \"v(a)\"\n"
           "[failing]\nmeasure = \"v\"\nabove = \"10.5 mV\"\n"
           "[[variation]]\nparameter = \"dc\"\ndevices = \"v1\"\nsigma = \"0.01\"\nlaw = \"uniform\"\n"
           "[corners]\nprocess = [\"tt\"]\nsupply = [\"0.9 V\"]\ntemperature = [\"27 degC\"]\n"
           "[estimator]\nbudget = 1500\nruns = 50\n";
  }

  flare::engine::Table failures() const {
    return flare::engine::read_table(flare::engine::open_result(folder_ / "out.h5"), "/failures");
  }
};

TEST_F(NoNumber, WhatCannotFailIsABoundAndDone) {
  const Ended ended = run_line("run study.toml -o out.h5 -j 1");
  EXPECT_EQ(ended.status, 0) << ended.out;
  EXPECT_THAT(ended.out, HasSubstr("plain runs failed"));
  const flare::engine::Table table = failures();
  EXPECT_EQ(table.texts("status")[0], "bound");
  EXPECT_LT(table.numbers("p")[0], 3.0 / 400.0);
  EXPECT_GT(table.numbers("p")[0], 2.9 / 1500.0);
  EXPECT_EQ(table.numbers("p_high")[0], table.numbers("p")[0]);
  EXPECT_EQ(table.numbers("p_low")[0], 0.0);
}

TEST_F(NoNumber, ARefusalIsADashAStatusAndARemedy) {
  const Ended ended = run_line("run study.toml -o out.h5 -j 1 --set estimator.method=scaled_sigma");
  EXPECT_EQ(ended.status, 1) << ended.out;
  EXPECT_THAT(ended.out, HasSubstr("flare: no answer: every estimate was refused"));
  EXPECT_THAT(ended.out, HasSubstr("set [estimator] method = \"auto\""));
  EXPECT_THAT(ended.out, HasSubstr("\u2013"));
  EXPECT_THAT(ended.out, Not(HasSubstr("-37.5")));
  const flare::engine::Table table = failures();
  EXPECT_EQ(table.texts("status")[0], "refused");
  for (const char* column : {"p", "p_low", "p_high", "sigma"})
    EXPECT_TRUE(std::isnan(table.numbers(column)[0])) << column;
  // The finished result says the same again.
  EXPECT_EQ(run_line("run study.toml -o out.h5 -j 1 --set estimator.method=scaled_sigma").status, 1);
}

}  // namespace
