// Many specs, limits that are asked for and other targets, on outputs whose laws are known: v(a) = 1 V + 50 mV z and
// v(b) = 2 V + 100 mV z', z and z' independent.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "tests/studies/circuit_fixture.hpp"

namespace flare::studies::testing {
namespace {

constexpr const char* two_measures =
    "seed = 3\n[circuit]\nnetlist = \"cell.cir\"\nanalysis = \"operating_point\"\n[[measure]]\nname = "
    "\"a\"\nvector = "
    "\"v(a)\"\n[[measure]]\nname = \"b\"\nvector = \"v(b)\"\n[[die]]\nsource = \"va\"\nsigma = \"50 "
    "mV\"\n[[die]]\nsource = "
    "\"vb\"\nsigma = \"100 mV\"\n[estimator]\nruns = 60\n";

std::string spec(const std::string& lines) { return "[[spec]]\n" + lines; }

class Specs : public CircuitFixture {
 protected:
  void SetUp() override {
    CircuitFixture::SetUp();
    write("cell.cir", cell("va a 0 1\nra a 0 1k\nvb b 0 2\nrb b 0 1k"));
  }

  engine::Table table(const std::string& path) const {
    return engine::read_table(engine::open_result(folder_ / "o.h5"), path);
  }
  /// What `flare check` says of the runs: least, likely, most.
  std::vector<std::size_t> said_runs() const {
    const std::string out = run({"check", "s.toml"}).out;
    std::size_t least = 0, likely = 0, most = 0;
    const std::size_t at = out.find("runs      at least");
    EXPECT_NE(at, std::string::npos) << out;
    if (at != std::string::npos)
      std::sscanf(out.c_str() + at, "runs at least %zu, likely %zu, at most %zu", &least, &likely, &most);
    return {least, likely, most};
  }
  std::size_t tail_runs() const { return table("/points/cell/netlist/tail_samples/runs").rows(); }
  /// Row `row` of /specs holds `exact` sigma, its interval widened from 95 % to 99.8 %.
  void expect_sigma(std::size_t row, double exact) const {
    const engine::Table specs = table("/specs");
    const double sigma = specs.numbers("sigma")[row];
    EXPECT_EQ(specs.texts("status")[row], "estimated");
    EXPECT_GT(sigma + 1.6 * (specs.numbers("sigma_high")[row] - sigma), exact) << row;
    EXPECT_LT(sigma - 1.6 * (sigma - specs.numbers("sigma_low")[row]), exact) << row;
  }
};

TEST_F(Specs, OneSetOfRunsAnswersAllAndOneLimits) {
  const std::string low = spec("name = \"low\"\nmeasure = \"a\"\nmin = \"0.7 V\"\n");
  const std::string high = spec("name = \"high\"\nmeasure = \"a\"\nmax = \"1.25 V\"\n");
  const std::string other = spec("measure = \"b\"\nmin = \"1.45 V\"\nmax = \"2.7 V\"\n");
  study_runs(two_measures + low + high + other);
  expect_sigma(0, 6.0);
  expect_sigma(1, 5.0);
  expect_sigma(2, 5.5);  // below alone: above adds one part in 10,000
  const engine::Table specs = table("/specs");
  EXPECT_EQ(specs.integers("limiting"), (std::vector<std::int64_t>{0, 1, 0}));
  EXPECT_EQ(specs.texts("spec")[2], "b");
  EXPECT_EQ(table("/failures").texts("spec"), (std::vector<std::string>{"low", "high", "b"}));
  const std::size_t shared = tail_runs();
  std::size_t apart = 0;
  for (const std::string& alone : {low, high, other}) {
    study_runs(two_measures + alone);
    apart += tail_runs();
  }
  EXPECT_LT(shared, apart);
}

// What check says before a run: no fewer runs are made, and no more; the likely number is of the right size.
TEST_F(Specs, RunsAreForeseen) {
  const std::string low = spec("name = \"low\"\nmeasure = \"a\"\nmin = \"0.7 V\"\n");
  const std::string other = spec("measure = \"b\"\nmin = \"1.45 V\"\nmax = \"2.7 V\"\n");
  const std::string asked = spec("name = \"asked\"\nmeasure = \"a\"\nlimit = \"?\"\nside = \"min\"\n");
  for (const std::string& specs : {low, low + other, low + asked}) {
    study_runs(two_measures + specs);
    const std::vector<std::size_t> said = said_runs();
    const std::size_t made = 60 + tail_runs();
    EXPECT_LE(said[0], made);
    EXPECT_GE(said[2], made);
    EXPECT_LT(said[1], 4 * made);
    EXPECT_GT(4 * said[1], made);
  }
  // A run on a terminal begins with it.
  const std::string typed = (folder_ / "typed.txt").string();
  ASSERT_EQ(
      std::system(fmt::format("cd {} && script -qec '{}/bin/flare run s.toml -o t.h5 -j 1' {} > /dev/null",
                              folder_.string(), FLARE_BINARY_DIR, typed)
                      .c_str()),
      0);
  std::ifstream in(typed);
  const std::string told((std::istreambuf_iterator<char>(in)), {});
  EXPECT_NE(told.find("note: runs      at least 60"), std::string::npos) << told;
  EXPECT_NE(told.find("minutes"), std::string::npos) << told;
}

// a + b = 3 V + 50 mV z + 100 mV z': the most probable failing point lies along the gradient.
TEST_F(Specs, TheBlameIsTheGradients) {
  study_runs(two_measures + spec("measure = \"a + b\"\nmax = \"3.6 V\"\n"));
  expect_sigma(0, 0.6 / std::hypot(0.05, 0.1));
  const engine::Table carriers = table("/points/cell/netlist/carriers");
  ASSERT_EQ(carriers.rows(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    const bool first = carriers.texts("variable")[i] == "va_die";
    EXPECT_NEAR(carriers.numbers("share")[i], first ? 0.2 : 0.8, 0.02);
    EXPECT_NEAR(carriers.numbers("coordinate")[i], (first ? 0.05 : 0.1) * 0.6 / (0.05 * 0.05 + 0.1 * 0.1),
                0.2);
  }
}

TEST_F(Specs, TheTargetIsTheStudys) {
  const std::string at_four = spec("measure = \"a\"\nmin = \"0.78 V\"\n");  // 4.4 sigma
  ASSERT_EQ(run_study(two_measures + at_four).status, 0);
  EXPECT_EQ(table("/specs").integers("passes")[0], 0);
  const Ended ended = run_study("target = \"4 sigma\"\n" + std::string(two_measures) + at_four);
  EXPECT_THAT(ended.out, ::testing::HasSubstr("a holds 4 sigma: 4.4"));
  EXPECT_EQ(table("/specs").integers("passes")[0], 1);
  EXPECT_EQ(engine::read_text(engine::open_result(folder_ / "o.h5"), "/specs", "target_text"), "4 sigma");
}

// 1 - (1 - p)^(64 * 128) = 10 % for a macro of 128 columns of 64 such circuits each.
TEST_F(Specs, TheTargetMayBeAYieldOfMacros) {
  study_runs("target = \"90 % of macros\"\n" + std::string(two_measures) +
             spec("measure = \"a\"\nmin = \"0.77 V\"\n") + "[macro]\ncolumns = 128\nrows = 64\n");
  const double allowed = -std::expm1(std::log(0.9) / (64 * 128));
  EXPECT_NEAR(table("/specs").numbers("p_target")[0], allowed, 1e-6 * allowed);
  EXPECT_EQ(table("/specs").integers("passes")[0], 1) << "4.6 sigma is 2e-6";
}

// Which limit holds 6 sigma? Exactly 1 V - 6 * 50 mV, and 2 V + 6 * 100 mV; and at the limit the estimate is 6 sigma.
TEST_F(Specs, AskedLimitsAreTheQuantiles) {
  study_runs(two_measures + spec("name = \"least\"\nmeasure = \"a\"\nlimit = \"?\"\nside = \"min\"\n") +
             spec("name = \"most\"\nmeasure = \"b\"\nlimit = \"?\"\nside = \"max\"\n"));
  const engine::Table limits = table("/limits");
  const std::vector<double> exact{0.7, 2.6};
  for (std::size_t i = 0; i < 2; ++i) {
    const double limit = limits.numbers("limit")[i];
    EXPECT_EQ(limits.texts("status")[i], "estimated");
    EXPECT_GT(limit + 1.6 * (limits.numbers("limit_high")[i] - limit), exact[i]);
    EXPECT_LT(limit - 1.6 * (limit - limits.numbers("limit_low")[i]), exact[i]);
    EXPECT_LT(limits.numbers("limit_high")[i] - limits.numbers("limit_low")[i], i == 0 ? 0.02 : 0.04);
  }
  EXPECT_FALSE(engine::exists(engine::open_result(folder_ / "o.h5"), "/specs"));
  const double found = limits.numbers("limit")[0];
  const double low = limits.numbers("limit_low")[0];
  const double high = limits.numbers("limit_high")[0];
  // By hand: a little inside of the interval it holds more than 6 sigma, a little outside less.
  for (const auto& [limit, more] : {std::pair{2.0 * low - found, true}, {2.0 * high - found, false}}) {
    study_runs(two_measures + spec(fmt::format("measure = \"a\"\nmin = \"{:.6f} V\"\n", limit)));
    EXPECT_EQ(table("/specs").numbers("sigma")[0] > 6.0, more) << limit;
  }
}

TEST_F(Specs, AFitGivesALimitThatIsExtrapolated) {
  study_runs(two_measures + spec("measure = \"a\"\nlimit = \"?\"\nside = \"min\"\n"),
             "--set estimator.method=fit --set estimator.runs=4000");
  const engine::Table limits = table("/limits");
  EXPECT_EQ(limits.texts("status")[0], "extrapolated");
  EXPECT_LT(limits.numbers("limit_low")[0], 0.7);
  EXPECT_GT(limits.numbers("limit_high")[0], 0.7);
}

TEST_F(Specs, WhatMakesNoSenseIsSaidByCheck) {
  using ::testing::HasSubstr;
  const std::string study = two_measures;
  EXPECT_THAT(refusal(study + spec("min = \"1 V\"\nmax = \"0.5 V\"\n")),
              HasSubstr("spec[0].min: 1 V must be less"));
  EXPECT_THAT(refusal("target = \"99 % of macros\"\n" + study + spec("min = \"0.5 V\"\n")),
              HasSubstr("needs [macro]"));
  EXPECT_THAT(refusal("target = \"60 sigma\"\n" + study + spec("min = \"0.5 V\"\n")),
              HasSubstr("between 0.5 and 37 sigma"));
  EXPECT_THAT(refusal("target = \"120 % of macros\"\n" + study + spec("min = \"0.5 V\"\n") +
                      "[macro]\ncolumns = 2\n"),
              HasSubstr("between 0 and 100 %"));
  EXPECT_THAT(refusal(study + spec("limit = \"?\"\nside = \"min\"\n") + "method = \"x\"\n"),
              HasSubstr("unknown key"));
  write("s.toml", study + spec("limit = \"?\"\nside = \"min\"\n"));
  const Ended counted = run_line("check s.toml --set estimator.method=monte_carlo");
  EXPECT_EQ(counted.status, 2);
  EXPECT_THAT(counted.out, HasSubstr("asks for a limit, which counting"));
}

}  // namespace
}  // namespace flare::studies::testing
