// What `flare merge` takes and what it refuses, and that it overwrites nothing: every refusal leaves the folder as it was.
#include "tests/studies/hostile/hostile_fixture.hpp"

namespace {

namespace fs = std::filesystem;
using flare::studies::testing::Ended;
using flare::studies::testing::HostileFixture;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class Merge : public HostileFixture {
 protected:
  void SetUp() override {
    HostileFixture::SetUp();
    for (const char* shard : {"1", "2"}) {
      const Ended made = run_line(std::string("run s.toml -j 1 -o ") + shard + ".h5 --shard " + shard + "/2");
      ASSERT_EQ(made.status, 0) << made.out;
    }
  }

  /// Refused with this status and these words, and nothing in the folder is other than before.
  void refused(const std::string& arguments, int status, const std::string& words) const {
    SCOPED_TRACE(arguments);
    const std::vector<std::string> before = files();
    std::vector<std::string> contents;
    for (const std::string& name : before) contents.push_back(content(name));
    const Ended ended = run_line(arguments);
    EXPECT_EQ(ended.status, status) << ended.out;
    EXPECT_THAT(ended.out, HasSubstr(words));
    ASSERT_EQ(files(), before);
    for (std::size_t i = 0; i < before.size(); ++i) EXPECT_EQ(content(before[i]), contents[i]) << before[i];
  }
  /// Writes one number of a dataset again.
  void alter(const std::string& file, const std::string& dataset) const {
    H5::H5File h5((folder_ / file).string(), H5F_ACC_RDWR);
    flare::engine::Matrix values = flare::engine::read_matrix(h5, dataset);
    values(3, 0) += 1e-3;
    h5.openDataSet(dataset).write(values.data(), H5::PredType::NATIVE_DOUBLE);
  }
  void set_text(const std::string& file, const std::string& name, const std::string& text) const {
    H5::H5File h5((folder_ / file).string(), H5F_ACC_RDWR);
    flare::engine::write_attribute(h5, "/", name, text);
  }
};

TEST_F(Merge, EqualsTheWholeRun) {
  ASSERT_EQ(run_line("run s.toml -j 1 -o whole.h5").status, 0);
  const Ended merged = run_line("merge m.h5 1.h5 2.h5 2.h5 -j 1");  // a part given twice is one
  ASSERT_EQ(merged.status, 0) << merged.out;
  EXPECT_EQ(numbers("m.h5"), numbers("whole.h5"));
  EXPECT_EQ(files(), (std::vector<std::string>{"1.h5", "2.h5", "cell.cir", "m.h5", "s.toml", "whole.h5"}));
}

TEST_F(Merge, MissingPartsAreNamedAndRunOnlyIfAsked) {
  refused("merge m.h5 1.h5", 3, "shard 2/2 is missing");
  refused("merge m.h5 2.h5", 3, "shard 1/2 is missing");
  ASSERT_EQ(run_line("run s.toml -j 1 -o whole.h5").status, 0);
  const Ended merged = run_line("merge m.h5 1.h5 --complete -j 1");
  ASSERT_EQ(merged.status, 0) << merged.out;
  EXPECT_EQ(numbers("m.h5"), numbers("whole.h5"));
}

TEST_F(Merge, AStoppedPartIsNotAWholeOne) {
  write("s.toml", study(400'000));
  const pid_t child = start({"run", "s.toml", "-j", "1", "-o", "long.h5", "--shard", "1/2"});
  wait_until([&] {
    return fs::exists(folder_ / "long.h5.journal") && fs::file_size(folder_ / "long.h5.journal") > 4000;
  });
  ::kill(child, SIGTERM);
  ASSERT_EQ(wait_for(child).status, 3);
  refused("merge m.h5 long.h5", 3, "long.h5 (shard 1/2) was stopped before its end; shard 2/2 is missing");
  set_text("long.h5", "mathematics", "0123456789abcdef");
  refused("run s.toml -j 1 -o long.h5 --shard 1/2", 2,
          "long.h5: was begun on a machine whose mathematics library");
}

TEST_F(Merge, PartsThatDoNotBelongTogetherAreRefused) {
  ASSERT_EQ(run_line("run s.toml -j 1 -o third.h5 --shard 3/3").status, 0);
  ASSERT_EQ(run_line("run s.toml -j 1 -o other.h5 --shard 2/2 --set seed=4").status, 0);
  ASSERT_EQ(run_line("run s.toml -j 1 -o whole.h5").status, 0);
  refused("merge m.h5 1.h5 third.h5", 2, "third.h5: is shard 3/3");
  refused("merge m.h5 1.h5 other.h5", 2, "other.h5: is a part of another study");
  refused("merge m.h5 1.h5 whole.h5", 2, "whole.h5: is a finished result");
  fs::copy_file(folder_ / "2.h5", folder_ / "old.h5");
  set_text("old.h5", "ngspice_version", "38");
  refused("merge m.h5 1.h5 old.h5", 2, "old.h5: was made by flare");
  fs::copy_file(folder_ / "2.h5", folder_ / "elsewhere.h5");
  set_text("elsewhere.h5", "mathematics", "0123456789abcdef");
  refused("merge m.h5 1.h5 elsewhere.h5", 2, "mathematics library");
}

TEST_F(Merge, RunsThatAreTakenInAreHeldToTheSame) {
  const std::string command = "run s.toml -j 1 -o m.h5 --with ";
  ASSERT_EQ(run_line("run s.toml -j 1 -o other.h5 --shard 2/2 --set seed=4").status, 0);
  ASSERT_EQ(run_line("run s.toml -j 1 -o whole.h5").status, 0);
  for (const auto& [name, attribute, value] : {std::tuple{"old.h5", "ngspice_version", "38"},
                                               {"older.h5", "flare_version", "0.0.1"},
                                               {"elsewhere.h5", "mathematics", "0123456789abcdef"},
                                               {"strange.h5", "format", "else/1"}}) {
    fs::copy_file(folder_ / "2.h5", folder_ / name);
    set_text(name, attribute, value);
  }
  fs::copy_file(folder_ / "2.h5", folder_ / "altered.h5");
  alter("altered.h5", "/runs/measures");
  refused(command + "other.h5", 2, "other.h5: is a part of another study");
  refused(command + "whole.h5", 2, "whole.h5: is a finished result");
  refused(command + "1.h5 old.h5", 2, "old.h5: was made by flare");
  refused(command + "1.h5 older.h5", 2, "older.h5: was made by flare");
  refused(command + "elsewhere.h5", 2, "mathematics library");
  refused(command + "strange.h5", 2, "strange.h5: is not a part of a study");
  refused(command + "altered.h5", 2, "altered.h5: /runs is not what was written there");
  const Ended ended = run_line(command + "1.h5 2.h5");
  ASSERT_EQ(ended.status, 0) << ended.out;
  EXPECT_EQ(numbers("m.h5"), numbers("whole.h5"));
  write("cell.cir", flare::studies::testing::cell("i1 0 o 1m\nr1 o a 2k\nr2 a 0 1k"));
  refused("run s.toml -j 1 -o n.h5 --with 1.h5", 2, "cell.cir has changed");
}

TEST_F(Merge, WhatIsNotSharedOutIsRefused) {
  refused("run s.toml -o m.h5 --stage screening", 2, "only a study of a column");
  refused("run s.toml -o m.h5 --stage rest --shard 1/2", 2, "only levels of a column");
  refused("run " + source("studies/pick_sawl_quick.toml") + " -o m.h5 --stage rest --shard 1/2", 2,
          "needs all parts of the study");
  refused("run " + source("studies/pick_sawl_quick.toml") + " -o m.h5 --stage rest --shard 1/2 --with 1.h5",
          2, "is a part of another study");
  refused("run s.toml -o m.h5 --shard 5/5", 2, "at most 4 items");
  refused("run " + source("studies/gain_cell_quick.toml") + " -o m.h5 --stage screening", 2,
          "only a study of a column");
}

TEST_F(Merge, AlteredRunsAreRefused) {
  fs::copy_file(folder_ / "2.h5", folder_ / "altered.h5");
  alter("altered.h5", "/runs/measures");
  refused("merge m.h5 1.h5 altered.h5", 2, "altered.h5: /runs is not what was written there");
}

TEST_F(Merge, PartsOfFilesThatHaveChangedAreRefused) {
  write("cell.cir", flare::studies::testing::cell("i1 0 o 1m\nr1 o a 2k\nr2 a 0 1k"));
  refused("merge m.h5 1.h5 2.h5", 2, "cell.cir has changed");
}

TEST_F(Merge, OverwritesNeitherPartsNorAnythingElse) {
  refused("merge 1.h5 2.h5", 2, "1.h5: is shard 1/2, which would be overwritten");
  refused("merge 1.h5 1.h5 2.h5", 2, "1.h5: is a part itself");
  ASSERT_EQ(run_line("run s.toml -j 1 -o other.h5 --set seed=4").status, 0);
  refused("merge other.h5 1.h5 2.h5", 2, "other.h5: holds the result of another study");
  write("mine.h5", "not a result");
  refused("merge mine.h5 1.h5 2.h5", 2, "mine.h5");
  write("m.h5.journal", "my own notes");
  refused("merge m.h5 1.h5 2.h5", 2, "m.h5.journal: is not a journal");
}

TEST_F(Merge, AStoppedMergeGoesOn) {
  // Nothing but the stop differs: a merge that completes a part, stopped and called again.
  write("s.toml", study(20'000));
  ASSERT_EQ(run_line("run s.toml -o 1.h5 --shard 1/4 --fresh").status, 0);
  const std::vector<std::string> command{"merge", "m.h5", "1.h5", "--complete"};
  const pid_t child = start(command);
  wait_until(
      [&] { return fs::exists(folder_ / "m.h5.journal") && fs::file_size(folder_ / "m.h5.journal") > 4000; });
  ::kill(child, SIGTERM);
  const Ended stopped = wait_for(child);
  ASSERT_EQ(stopped.status, 3) << stopped.out;
  const auto kept = static_cast<std::size_t>(
      flare::engine::read_table(flare::engine::open_result(folder_ / "m.h5"), "/runs/runs").rows());
  EXPECT_GT(kept, 20'000U);
  const Ended again = run(command);
  ASSERT_EQ(again.status, 0) << again.out;
  EXPECT_THAT(again.out, HasSubstr(std::to_string(kept) + " of them kept from before"));
}

TEST_F(Merge, AMovedStudyIsFoundWhereTheUserSays) {
  fs::create_directory(folder_ / "moved");
  for (const char* file : {"s.toml", "cell.cir"}) fs::rename(folder_ / file, folder_ / "moved" / file);
  refused("merge m.h5 1.h5 2.h5", 2, "say where it is with --study");
  EXPECT_EQ(run_line("merge m.h5 1.h5 2.h5 --study moved/s.toml").status, 0);
}

TEST_F(Merge, CommandsOfAPartsNetlistRunOnlyIfAllowed) {
  write("cell.cir",
        flare::studies::testing::cell("i1 0 o 1m\nr1 o a 1k\nr2 a 0 1k\n.control\nset x=1\n.endc"));
  write("s.toml", "commands = \"run\"\n" + study(20));
  ASSERT_EQ(run_line("run s.toml -o all.h5 --shard 1/1 -j 1").status, 0) << run_line("run s.toml").out;
  for (const char* shard : {"1", "2"})
    ASSERT_EQ(
        run_line(std::string("run s.toml --fresh -j 1 -o ") + shard + ".h5 --shard " + shard + "/2").status,
        0);
  refused("merge m.h5 1.h5 2.h5", 2, "--allow-commands");
  refused("replay all.h5 points/cell/0C/samples 3 -o w.csv", 2, "--allow-commands");
  EXPECT_EQ(run_line("merge m.h5 1.h5 2.h5 --allow-commands").status, 0);
}

}  // namespace
