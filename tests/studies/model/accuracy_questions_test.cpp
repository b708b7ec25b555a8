// `flare accuracy` on questions that take many evaluations: what a killed run leaves, where errors hurt, how many do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "engine/base/hdf5_io.hpp"
#include "tests/studies/program_fixture.hpp"

namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class AccuracyQuestions : public flare::studies::testing::ProgramFixture {
 protected:
  static std::string digits(const std::string& more) {
    return "accuracy --model " + source("data/models/digits_vit") + " --dataset " +
           source("data/digits/digits.csv") +
           " --weight-arrays synthetic:sawl=8,cells=3%,offsets=3%,noise=2% --dynamic-arrays "
           "synthetic:sawl=8,rate=1e-3 " +
           more;
  }
  std::vector<std::string> words(const std::string& line) const {
    std::istringstream in(line);
    return {std::istream_iterator<std::string>(in), {}};
  }
  flare::engine::Table table(const std::string& file, const std::string& name) const {
    return flare::engine::read_table(flare::engine::open_result(folder_ / file), name);
  }
};

TEST_F(AccuracyQuestions, AKilledRunGoesOnAndNothingChanges) {
  const std::string dies = "--modes die --repeats 30 --examples 40 -o ";
  ASSERT_EQ(run_line(digits(dies + "whole.h5")).status, 0);
  EXPECT_FALSE(fs::exists(folder_ / "whole.h5.answers"));
  const pid_t child = start(words(digits(dies + "killed.h5")));
  const fs::path journal = folder_ / "killed.h5.answers";
  // Until some dies are finished; a run that ends before needs no killing and fails below.
  for (int i = 0; i < 6000 && (!fs::exists(journal) || fs::file_size(journal) < 20'000); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  ::kill(child, SIGKILL);
  EXPECT_EQ(wait_for(child).status, 128 + SIGKILL);
  ASSERT_FALSE(fs::exists(folder_ / "killed.h5"));
  const auto kept = fs::file_size(journal);
  EXPECT_GE(kept, 20'000U);
  ASSERT_EQ(run_line(digits(dies + "killed.h5")).status, 0);
  EXPECT_FALSE(fs::exists(journal));
  for (const char* name : {"/accuracy", "/answers", "/array_counters"}) {
    const flare::engine::Table a = table("whole.h5", name), b = table("killed.h5", name);
    ASSERT_EQ(a.rows(), b.rows());
    for (const char* column : {"accuracy_mean", "drop_high", "answer", "logit_error", "conversions"})
      if (a.has(column)) {
        EXPECT_TRUE(std::string(column) == "answer" || std::string(column) == "conversions"
                        ? a.integers(column) == b.integers(column)
                        : a.numbers(column) == b.numbers(column))
            << name << " " << column;
      }
  }
  const flare::engine::Table rows = table("whole.h5", "/accuracy");
  EXPECT_EQ(rows.integers("repeats")[2], 30);
  EXPECT_GE(rows.numbers("yield_high")[2], rows.numbers("yield_low")[2]);
}

TEST_F(AccuracyQuestions, MapAndSweep) {
  const auto ended =
      run_line(digits("--examples 20 --repeats 1 --map --sweep 1e-4 1e-3 3e-2 --figures figures -o out.h5"));
  ASSERT_EQ(ended.status, 0) << ended.out;
  const flare::engine::Table map = table("out.h5", "/accuracy_map"),
                             sweep = table("out.h5", "/accuracy_sweep");
  EXPECT_EQ(map.rows(), 4U * 6U);
  EXPECT_EQ(map.texts("operand")[0], "query");
  for (std::size_t i = 0; i < map.rows(); ++i) EXPECT_GE(map.numbers("p_adjusted")[i], map.numbers("p")[i]);
  ASSERT_EQ(sweep.rows(), 3U);
  // More errors, further from floating point.
  EXPECT_LT(sweep.numbers("logit_error")[0], sweep.numbers("logit_error")[1]);
  EXPECT_LT(sweep.numbers("logit_error")[1], sweep.numbers("logit_error")[2]);
  EXPECT_GT(sweep.numbers("drop")[2], 0.2);
  EXPECT_LT(sweep.numbers("p_adjusted")[2], 0.05);
  for (const char* figure : {"figures/accuracy_map.svg", "figures/accuracy_sweep.svg"}) {
    std::ifstream in(folder_ / figure);
    const std::string svg((std::istreambuf_iterator<char>(in)), {});
    EXPECT_THAT(svg, HasSubstr("</svg>")) << figure;
  }
}

TEST_F(AccuracyQuestions, ADropWithinNoiseIsCalledSo) {
  const auto ended = run_line(digits("--examples 50 --repeats 1 -o out.h5"));
  ASSERT_EQ(ended.status, 0) << ended.out;
  EXPECT_THAT(ended.out, HasSubstr("no difference seen"));
  EXPECT_THAT(ended.out, HasSubstr("would have been"));
  EXPECT_THAT(ended.out, HasSubstr("accuracy allows no SAWL"));  // 50 examples cannot rule out a drop of 1 %
  const flare::engine::Table rows = table("out.h5", "/accuracy");
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    EXPECT_LE(rows.numbers("low")[i], rows.numbers("accuracy_mean")[i]);
    EXPECT_GE(rows.numbers("high")[i], rows.numbers("accuracy_mean")[i]);
  }
}

TEST_F(AccuracyQuestions, AStudyNamesArraysThatErrInTheirOwnWayAndPicksForAccuracy) {
  std::ofstream(folder_ / "small.toml")
      << "title = \"small\"\nseed = 5\n[technology]\ncards = \"" FLARE_SOURCE_DIR
         "/netlists/cards/cmos28.lib\"\n[column]\ncell = \"sram8t\"\nsawl = [2, 4]\nswing = \"0.4 V\"\n"
         "[[variation]]\nparameter = \"vth\"\npelgrom = \"1.3 mV um\"\n"
         "[corners]\nprocess = [\"tt\"]\nsupply = [\"0.9 V\"]\ntemperature = [\"27 degC\"]\nfull = 1\n"
         "[[converter]]\nname = \"fine\"\nkind = \"enob\"\nenob = 6\n"
         "[[converter]]\nname = \"coarse\"\nkind = \"enob\"\nenob = 5\n"
         "[estimator]\nmethod = \"fit\"\nruns = 60\n"
         "[accuracy]\nmodel = \"" FLARE_SOURCE_DIR "/data/models/digits_vit\"\ndataset = \"" FLARE_SOURCE_DIR
         "/data/digits/digits.csv\"\nexamples = 20\nrepeats = 1\nallowed_drop = 0.5\n"
         "converters = [\"fine\", \"coarse\"]\nweight_arrays = \"none\"\n";
  const auto ended = run_line("run small.toml -o out.h5");
  ASSERT_EQ(ended.status, 0) << ended.out;
  EXPECT_THAT(ended.out, HasSubstr("accuracy allows SAWL 4"));
  EXPECT_THAT(ended.out, HasSubstr("5.00 effective bits (coarse) are the least"));
  const flare::engine::Table rows = table("out.h5", "/accuracy");
  ASSERT_EQ(rows.rows(), 2U + 4U);
  EXPECT_EQ(rows.texts("adc")[2], "fine");
  EXPECT_EQ(rows.integers("sawl")[2], 2);
  EXPECT_FALSE(fs::exists(folder_ / "out.h5.answers"));
}

TEST_F(AccuracyQuestions, AJournalThatIsNoneIsNotTouched) {
  std::ofstream(folder_ / "out.h5.answers") << "somebody's notes, not ours";
  const auto ended = run_line(digits("--examples 2 -o out.h5"));
  EXPECT_EQ(ended.status, 2) << ended.out;
  EXPECT_THAT(ended.out, HasSubstr("out.h5.answers: is no journal of answers"));
}

TEST_F(AccuracyQuestions, AMetricThatTheModelHasNotIsRefused) {
  const auto ended = run_line(digits("--examples 2 --metric f1"));
  EXPECT_EQ(ended.status, 2) << ended.out;
  EXPECT_THAT(ended.out, HasSubstr("f1 is of two classes, the model has 10"));
}

}  // namespace
