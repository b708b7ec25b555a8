// The program as a person meets it: commands, exit statuses, interruption, shards, bad input. Each case runs
// the built program on a small study.
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

using flare::studies::testing::Ended;

class Program : public flare::studies::testing::ProgramFixture {
 protected:
  void SetUp() override {
    ProgramFixture::SetUp();
    study_ = folder_ / "small.toml";
    std::ofstream(study_) << study_text();
  }

  static std::string study_text() {
    return "title = \"small\"\nseed = 5\n[technology]\ncards = \"" + std::string(FLARE_SOURCE_DIR) +
           "/netlists/cards/cmos28.lib\"\n"
           "[column]\ncell = \"sram8t\"\nsawl = [2]\nswing = \"0.4 V\"\n"
           "[[variation]]\nparameter = \"vth\"\npelgrom = \"1.3 mV um\"\n"
           "[[variation]]\nparameter = \"beta\"\npelgrom = \"0.7 % um\"\n"
           "[corners]\nprocess = [\"tt\", \"ss\"]\nsupply = [\"0.9 V\"]\ntemperature = [\"27 degC\"]\nfull = "
           "1\n"
           "[[converter]]\nname = \"flash\"\noffset_sigma = \"0.03 step\"\n"
           "[estimator]\nmethod = \"fit\"\nruns = 150\n";
  }

  /// Everything that decides the answer: verdict, levels and every sample, bit for bit.
  std::string numbers_of(const fs::path& file) const {
    const H5::H5File h5 = flare::engine::open_result(file);
    std::string all;
    const auto add = [&](const std::string& path) {
      const flare::engine::Table table = flare::engine::read_table(h5, path);
      for (const auto& column : table.columns) {
        std::visit(
            [&](const auto& values) {
              for (const auto& v : values) {
                if constexpr (std::is_same_v<std::decay_t<decltype(v)>, std::string>) {
                  all += v + ";";
                } else {
                  all.append(reinterpret_cast<const char*>(&v), sizeof v);
                }
              }
            },
            column.values);
      }
    };
    add("/verdict");
    add("/screening");
    for (const std::string& corner : flare::engine::members(h5, "/points/sram8t/sawl2")) {
      const std::string point = "/points/sram8t/sawl2/" + corner;
      add(point + "/levels");
      add(point + "/tails");
      for (const std::string& k : flare::engine::members(h5, point + "/samples")) {
        const flare::engine::Matrix m = flare::engine::read_matrix(h5, point + "/samples/" + k + "/measures");
        all.append(reinterpret_cast<const char*>(m.data()),
                   sizeof(double) * static_cast<std::size_t>(m.size()));
      }
    }
    return all;
  }

  fs::path study_;
};

TEST_F(Program, HelpIsThereForEveryCommand) {
  EXPECT_EQ(run({"--help"}).status, 0);
  for (const std::string command :
       {"run", "check", "keys", "merge", "batch", "status", "report", "replay", "accuracy", "sparsity",
        "cost", "paper", "perplexity", "export", "compare", "corner", "size"}) {
    const Ended help = run({command, "--help"});
    EXPECT_EQ(help.status, 0) << command;
    EXPECT_THAT(help.out, HasSubstr("Usage")) << command;
    const std::size_t example = help.out.find("Example");
    ASSERT_NE(example, std::string::npos) << command;
    EXPECT_THAT(help.out.substr(example), HasSubstr("flare " + command + " ")) << "an example of its own";
  }
  EXPECT_EQ(run({"rnu"}).status, 2);
  EXPECT_EQ(run({}).status, 2);
}

TEST_F(Program, WorkersAndInterruptionsDoNotChangeABit) {
  ASSERT_EQ(run({"run", "small.toml", "-o", "one.h5", "-j", "1"}).status, 0);
  ASSERT_EQ(run({"run", "small.toml", "-o", "two.h5", "-j", "2"}).status, 0);
  EXPECT_EQ(numbers_of(folder_ / "one.h5"), numbers_of(folder_ / "two.h5"));

  // Killed with no warning, a little later each time, until it gets through.
  int kills = 0;
  for (int wait = 150;; wait += 150) {
    const pid_t child = start({"run", "small.toml", "-o", "killed.h5"});
    std::this_thread::sleep_for(std::chrono::milliseconds(wait));
    if (fs::exists(folder_ / "killed.h5")) {
      ::waitpid(child, nullptr, 0);
      break;
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ++kills;
  }
  EXPECT_GT(kills, 0);
  EXPECT_EQ(run({"run", "small.toml", "-o", "killed.h5"}).status, 0);
  EXPECT_EQ(numbers_of(folder_ / "one.h5"), numbers_of(folder_ / "killed.h5"));
  EXPECT_FALSE(fs::exists(folder_ / "killed.h5.journal"));
}

TEST_F(Program, CtrlCKeepsWhatIsFinishedAndTheSameCommandGoesOn) {
  ASSERT_EQ(run({"run", "small.toml", "-o", "whole.h5"}).status, 0);
  const pid_t child = start({"run", "small.toml", "-o", "stopped.h5", "--set", "estimator.runs=200000"});
  // Until it is well under way.
  const fs::path journal = folder_ / "stopped.h5.journal";
  while (!fs::exists(journal) || fs::file_size(journal) < 20'000) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  const auto before = std::chrono::steady_clock::now();
  ::kill(child, SIGINT);
  const Ended ended = wait_for(child);
  EXPECT_LT(std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count(), 2.0);
  EXPECT_EQ(ended.status, 3) << ended.out;
  EXPECT_THAT(ended.out, HasSubstr("goes on"));
  const H5::H5File file = flare::engine::open_result(folder_ / "stopped.h5");
  EXPECT_EQ(flare::engine::read_integer(file, "/", "complete"), 0);
  EXPECT_GT(flare::engine::read_table(file, "/runs/runs").rows(), 10U);
}

TEST_F(Program, ShardsJoinToTheSameNumbers) {
  ASSERT_EQ(run({"run", "small.toml", "-o", "whole.h5"}).status, 0);
  ASSERT_EQ(run({"run", "small.toml", "-o", "a.h5", "--shard", "1/2"}).status, 0);
  ASSERT_EQ(run({"run", "small.toml", "-o", "b.h5", "--shard", "2/2"}).status, 0);
  const Ended merged = run({"merge", "joined.h5", "a.h5", "b.h5"});
  ASSERT_EQ(merged.status, 0) << merged.out;
  EXPECT_EQ(numbers_of(folder_ / "whole.h5"), numbers_of(folder_ / "joined.h5"));
  EXPECT_EQ(run({"merge", "bad.h5", "whole.h5"}).status, 2);
}

TEST_F(Program, DieWideVariablesAreSampledTogetherWithMismatch) {
  const auto sigma = [&](const char* out) {
    const Ended ended = run({"run", "small.toml", "-o", out, "--set", "estimator.method=auto", "--set",
                             "corners.process=[\"tt\"]"});
    EXPECT_EQ(ended.status, 0) << ended.out;
    const H5::H5File file = flare::engine::open_result(folder_ / out);
    const flare::engine::Table verdict = flare::engine::read_table(file, "/verdict");
    EXPECT_EQ(verdict.texts("status").front(), "estimated");
    return verdict.numbers("sigma").front();
  };
  const double mismatch = sigma("mismatch.h5");
  std::ofstream(study_, std::ios::app)
      << "[[variation]]\nparameter = \"vth\"\nscope = \"die\"\nsigma = \"12 mV\"\n"
         "[[die]]\nsource = \"vdd\"\nsigma = \"8 mV\"\n"
         "[[die]]\ntemperature = true\nsigma = \"12 K\"\n";
  const double with_die = sigma("die.h5");
  // References follow the corner, not the die: what moves all cells together is an error.
  EXPECT_LT(with_die, mismatch - 2.0);
  EXPECT_GT(with_die, 1.0);
  const H5::H5File file = flare::engine::open_result(folder_ / "die.h5");
  const flare::engine::Table carriers =
      flare::engine::read_table(file, "/points/sram8t/sawl2/tt_0.90V_27C/carriers/flash");
  double die = 0.0;
  for (std::size_t i = 0; i < carriers.rows(); ++i) {
    const bool full_scale = carriers.integers("k")[i] == 2;
    if (full_scale && carriers.texts("variable")[i].ends_with("_die")) die += carriers.numbers("share")[i];
  }
  EXPECT_GT(die, 0.5);
  EXPECT_LT(die, 1.0);
}

TEST_F(Program, WhatAutoAddsIsTheSameForWhoeverMergesShards) {
  const auto estimate = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "run");
    arguments.insert(arguments.end(),
                     {"small.toml", "--set", "corners.full=auto", "--set", "estimator.runs=60", "--set",
                      "corners.supply=[\"0.88 V\",\"0.9 V\",\"0.92 V\"]"});
    const Ended ended = run(arguments);
    EXPECT_EQ(ended.status, 0) << ended.out;
  };
  estimate({"-o", "whole.h5"});
  estimate({"-o", "a.h5", "--shard", "1/2"});
  estimate({"-o", "b.h5", "--shard", "2/2"});
  const Ended merged = run({"merge", "joined.h5", "a.h5", "b.h5"});
  ASSERT_EQ(merged.status, 0) << merged.out;
  EXPECT_EQ(numbers_of(folder_ / "whole.h5"), numbers_of(folder_ / "joined.h5"));
  // The fits' scatter is far above what sets the corners apart: the two shards together did not have enough.
  const H5::H5File file = flare::engine::open_result(folder_ / "joined.h5");
  const flare::engine::Table verdict = flare::engine::read_table(file, "/verdict");
  EXPECT_EQ(verdict.integers("corners").front(), 6);
  EXPECT_GT(verdict.integers("corners_full").front(), 3);
  EXPECT_LE(verdict.numbers("p_screened_worse").front(), 0.05);
  EXPECT_THAT(flare::engine::read_text(file, "/verdict", "pick"), HasSubstr("at every corner"));
}

TEST_F(Program, ScreeningHasARowForEveryConverter) {
  std::ofstream(study_, std::ios::app) << "[[converter]]\nname = \"coarse\"\nkind = \"enob\"\nenob = 3.0\n";
  ASSERT_EQ(run({"run", "small.toml", "-o", "out.h5"}).status, 0);
  const H5::H5File file = flare::engine::open_result(folder_ / "out.h5");
  const flare::engine::Table screening = flare::engine::read_table(file, "/screening");
  ASSERT_EQ(screening.rows(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(screening.texts("adc")[i], i % 2 == 0 ? "flash" : "coarse");
    EXPECT_EQ(screening.integers("full")[i] == 1, std::isfinite(screening.numbers("estimated")[i]));
  }
  // A converter's noise of 3 / (8 sqrt 12) step beside 0.03: the screened sigma of one cannot be the other's.
  EXPECT_GT(screening.numbers("sigma")[0], 1.2 * screening.numbers("sigma")[1]);
  EXPECT_EQ(flare::engine::read_texts(file, "/screening", "adc"),
            (std::vector<std::string>{"flash", "coarse"}));
  EXPECT_EQ(flare::engine::read_numbers(file, "/screening", "corners_estimated").size(), 2U);
}

TEST_F(Program, ReferencesThatFollowTheDieLeaveOnlyMismatch) {
  const auto sigma = [&](const char* out, const char* tracking) {
    const Ended ended = run({"run", "small.toml", "-o", out, "--set", "estimator.method=auto", "--set",
                             "estimator.accuracy=\"0.2 sigma\"", "--set", "corners.process=[\"tt\"]", "--set",
                             std::string("column.tracking=") + tracking});
    EXPECT_EQ(ended.status, 0) << ended.out;
    const H5::H5File file = flare::engine::open_result(folder_ / out);
    const flare::engine::Table verdict = flare::engine::read_table(file, "/verdict");
    EXPECT_EQ(verdict.texts("status").front(), "estimated");
    return verdict.numbers("sigma").front();
  };
  const double mismatch = sigma("mismatch.h5", "die");
  {
    const H5::H5File file = flare::engine::open_result(folder_ / "mismatch.h5");
    EXPECT_FALSE(flare::engine::has_attribute(file, "/verdict", "tracking"));  // nothing varies die-wide
  }
  std::ofstream(study_, std::ios::app)
      << "[[variation]]\nparameter = \"vth\"\nscope = \"die\"\nsigma = \"15 mV\"\n";
  const double follows = sigma("die.h5", "die");
  const double stays = sigma("corner.h5", "corner");
  EXPECT_LT(stays, 0.5 * mismatch);
  EXPECT_NEAR(follows, mismatch, 0.03 * mismatch);  // slow dies have the same mismatch at a smaller overdrive
  EXPECT_LT(follows, mismatch);
  const H5::H5File die = flare::engine::open_result(folder_ / "die.h5");
  EXPECT_EQ(flare::engine::read_text(die, "/verdict", "tracking"), "references and timing follow each die");
  const H5::H5File corner = flare::engine::open_result(folder_ / "corner.h5");
  EXPECT_EQ(flare::engine::read_text(corner, "/verdict", "tracking"),
            "references and timing follow the corner, not the die");
  EXPECT_THAT(run({"report", "corner.h5"}).out, HasSubstr("follow the corner, not the die"));

  const Ended replay =
      run({"replay", "die.h5", "points/sram8t/sawl2/tt_0.90V_27C/tail_samples/k2", "7", "-o", "w.csv"});
  EXPECT_EQ(replay.status, 0) << replay.out;
  EXPECT_THAT(replay.out, HasSubstr("(the same)"));
}

// Without mismatch a column is a reference of its own die: whatever the die does, its level is that of the corner.
TEST_F(Program, WithoutMismatchEveryDieReadsItsReferences) {
  std::ofstream(study_) << study_text().replace(
      study_text().find("[[variation]]"), study_text().find("[corners]") - study_text().find("[[variation]]"),
      "[[variation]]\nparameter = \"vth\"\nscope = \"die\"\nsigma = \"15 mV\"\n"
      "[[die]]\nsource = \"vdd\"\nsigma = \"10 mV\"\n[[die]]\ntemperature = true\nsigma = \"10 K\"\n");
  for (const char* timing : {"tracking", "fixed"}) {
    SCOPED_TRACE(timing);
    const Ended ended = run({"run", "small.toml", "-o", "out.h5", "--fresh", "--set", "column.tracking=die",
                             "--set", "estimator.runs=20", "--set", std::string("column.timing=") + timing});
    // All samples of a level are equal, so no law can be fitted to them: refused, and said.
    ASSERT_EQ(ended.status, 1) << ended.out;
    const H5::H5File file = flare::engine::open_result(folder_ / "out.h5");
    const auto measures = [&](int k) {
      return flare::engine::read_matrix(
          file, "/points/sram8t/sawl2/tt_0.90V_27C/samples/k" + std::to_string(k) + "/measures");
    };
    // The first and the last level keep their distance to the one threshold they have; one between two thresholds
    // keeps its place among them, up to how little the levels' spacing changes along the bitline (a step is 0.2 V).
    for (const int k : {0, 1, 2}) {
      const flare::engine::Matrix level = measures(k);
      ASSERT_EQ(level.rows(), 20);
      ASSERT_EQ(level.cols(), 3);
      const double most = (level.col(0).array() - level(0, 0)).abs().maxCoeff();
      EXPECT_LT(most, k == 1 ? 1e-3 : 1e-9) << k;
      EXPECT_GT(level.col(1).maxCoeff() - level.col(1).minCoeff(), 0.02) << k;  // 10 mV of supply alone
    }
    const flare::engine::Matrix k1 = measures(1);
    const double pulses = k1.col(2).maxCoeff() / k1.col(2).minCoeff();
    EXPECT_EQ(pulses > 1.02, std::string(timing) == "tracking");
  }
}

TEST_F(Program, RareEventTailsDoNotDependOnWhoRanWhat) {
  const auto estimate = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "run");
    arguments.insert(arguments.end(),
                     {"small.toml", "--set", "estimator.method=auto", "--set", "column.sawl=[1,2]"});
    const Ended ended = run(arguments);
    EXPECT_EQ(ended.status, 0) << ended.out;
  };
  estimate({"-o", "whole.h5", "-j", "1"});
  for (const char* shard : {"1", "2", "3"}) {
    estimate({"-o", std::string(shard) + ".h5", "--shard", std::string(shard) + "/3"});
  }
  const Ended merged = run({"merge", "joined.h5", "1.h5", "2.h5", "3.h5"});
  ASSERT_EQ(merged.status, 0) << merged.out;
  EXPECT_EQ(numbers_of(folder_ / "whole.h5"), numbers_of(folder_ / "joined.h5"));
  const H5::H5File file = flare::engine::open_result(folder_ / "joined.h5");
  const flare::engine::Table verdict = flare::engine::read_table(file, "/verdict");
  EXPECT_THAT(verdict.texts("status"), ::testing::Each("estimated"));
}

TEST_F(Program, BadInputIsOneLineAndStatusTwo) {
  const auto refused = [&](const std::vector<std::string>& arguments, const std::string& word) {
    const Ended ended = run(arguments);
    EXPECT_EQ(ended.status, 2) << ended.out;
    EXPECT_THAT(ended.out, HasSubstr(word));
    EXPECT_EQ(std::count(ended.out.begin(), ended.out.end(), '\n'), 1) << ended.out;
  };
  refused({"check", "missing.toml"}, "missing.toml");
  refused({"check", "small.toml", "--set", "column.swing=\"0.4 A\""}, "column.swing");
  refused({"check", "small.toml", "--set", "corners.process=[\"tt\",\"xx\"]"}, "xx");
  refused({"run", "small.toml", "-o", "nowhere/out.h5"}, "nowhere");
  refused({"check", "small.toml", "--set", "corners.full=all"}, "corners.full: must be \"auto\" or how many");
  refused({"check", "small.toml", "--set", "column.tracking=wafer"},
          "column.tracking: 'wafer' is not one of");
  refused({"report", "missing.h5"}, "missing.h5");
  std::ofstream(folder_ / "text.h5") << "not HDF5";
  refused({"report", "text.h5"}, "text.h5");
  refused({"run", "small.toml", "-o", "text.h5"}, "text.h5");
  std::ofstream(study_, std::ios::app)
      << "[[variation]]\ndevices = \"x0.mz\"\nparameter = \"vth\"\nsigma = \"1 mV\"\n";
  refused({"check", "small.toml"}, "small.toml:27: variation[2].devices");
  refused({"check", "small.toml"}, "did you mean 'x0.ma'");
}

TEST_F(Program, AResultIsNotOverwrittenByAnotherStudy) {
  ASSERT_EQ(run({"run", "small.toml", "-o", "out.h5", "--set", "estimator.runs=30"}).status, 0);
  EXPECT_EQ(run({"run", "small.toml", "-o", "out.h5", "--set", "estimator.runs=40"}).status, 2);
  const Ended again = run({"run", "small.toml", "-o", "out.h5", "--set", "estimator.runs=30"});
  EXPECT_EQ(again.status, 0);
  EXPECT_THAT(again.out, HasSubstr("already"));
  EXPECT_EQ(run({"run", "small.toml", "-o", "out.h5", "--fresh", "--set", "estimator.runs=40"}).status, 0);
}

TEST_F(Program, DieWideVariablesWidenTheLevelsTheReferencesDoNotFollow) {
  const auto sigma = [&](const char* file) {
    const H5::H5File h5 = flare::engine::open_result(folder_ / file);
    return flare::engine::read_table(h5, "/points/sram8t/sawl2/tt_0.90V_27C/levels").numbers("sigma").back();
  };
  ASSERT_EQ(run({"run", "small.toml", "-o", "mismatch.h5"}).status, 0);
  std::ofstream(study_, std::ios::app)
      << "[[variation]]\nparameter = \"vth\"\nscope = \"die\"\nsigma = \"10 mV\"\n"
         "[[die]]\nsource = \"vdd\"\nsigma = \"5 mV\"\n[[die]]\ntemperature = true\nsigma = \"5 K\"\n";
  const Ended ended = run({"run", "small.toml", "-o", "die.h5"});
  ASSERT_EQ(ended.status, 0) << ended.out;
  EXPECT_GT(sigma("die.h5"), 1.5 * sigma("mismatch.h5"));
}

TEST_F(Program, ASampleReplaysToTheSameBits) {
  ASSERT_EQ(run({"run", "small.toml", "-o", "out.h5", "--set", "estimator.runs=30"}).status, 0);
  const Ended replay =
      run({"replay", "out.h5", "points/sram8t/sawl2/tt_0.90V_27C/samples/k2", "7", "-o", "w.csv"});
  EXPECT_EQ(replay.status, 0) << replay.out;
  EXPECT_THAT(replay.out, HasSubstr("(the same)"));
  EXPECT_GT(fs::file_size(folder_ / "w.csv"), 1000U);
  EXPECT_EQ(run({"replay", "out.h5", "points/none", "7"}).status, 2);
  EXPECT_EQ(run({"replay", "out.h5", "points/sram8t/sawl2/tt_0.90V_27C/samples/k2", "700"}).status, 2);
}

TEST_F(Program, IdentityFollowsContentNotPlace) {
  const fs::path sources(FLARE_SOURCE_DIR);
  const auto identity = [&](const fs::path& study, const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments{"check", study.string(), "--identity"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Ended check = run(arguments);
    EXPECT_EQ(check.status, 0) << check.out;
    EXPECT_THAT(check.out, ::testing::MatchesRegex("[0-9a-f]+\n"));
    return check.out;
  };
  const fs::path moved = folder_ / "studies" / "read_current.toml";
  fs::create_directories(moved.parent_path());
  fs::copy_file(sources / "studies" / "read_current.toml", moved);
  fs::copy(sources / "netlists", folder_ / "netlists", fs::copy_options::recursive);
  const std::string here = identity(moved);
  EXPECT_EQ(here.size(), 17U);
  EXPECT_EQ(here, identity(sources / "studies" / "read_current.toml"));
  EXPECT_NE(here, identity(moved, {"--set", "seed=2"}));
  std::ofstream(folder_ / "netlists" / "cards" / "cmos28_models.lib", std::ios::app) << "* another card\n";
  EXPECT_NE(here, identity(moved));
}

TEST_F(Program, CheckAnswersInUnderASecond) {
  const auto before = std::chrono::steady_clock::now();
  const Ended check = run({"check", std::string(FLARE_SOURCE_DIR) + "/studies/pick_sawl.toml"});
  EXPECT_EQ(check.status, 0) << check.out;
  EXPECT_THAT(check.out, HasSubstr("66 variables"));
  RecordProperty(
      "seconds",
      std::to_string(std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count()));
}

}  // namespace
