// Nothing that is not the study's own is overwritten or deleted, outputs appear whole or not at all, and what cannot become
// a file is refused before anything runs.
#include <sys/resource.h>

#include "tests/studies/hostile/hostile_fixture.hpp"

namespace {

namespace fs = std::filesystem;
using flare::studies::testing::Ended;
using flare::studies::testing::HostileFixture;
using ::testing::HasSubstr;

class Outputs : public HostileFixture {};

TEST_F(Outputs, LinksPipesAndFoldersAreRefusedAtTheStart) {
  ASSERT_EQ(run_line("run s.toml -j 1 -o good.h5").status, 0);
  write("target.h5", "mine");
  fs::create_symlink("target.h5", folder_ / "link.h5");
  fs::create_directory(folder_ / "folder.h5");
  ASSERT_EQ(::mkfifo((folder_ / "pipe.h5").c_str(), 0600), 0);
  const std::vector<std::string> before = files();
  for (const auto& [name, words] :
       {std::pair{"link.h5", "is a link"}, {"folder.h5", "is a folder"}, {"pipe.h5", "is a pipe"}}) {
    for (const std::string& command :
         {std::string("run s.toml -o "), std::string("run s.toml --fresh -o "),
          std::string("replay good.h5 points/cell/27C/samples 3 -o "),
          "accuracy --model " + source("data/models/digits_vit") + " --dataset " +
              source("data/digits/digits.csv") + " --weight-arrays none --dynamic-arrays none -o "}) {
      SCOPED_TRACE(command + name);
      const Ended ended = run_line(command + name);
      EXPECT_EQ(ended.status, 2) << ended.out;
      EXPECT_THAT(ended.out, HasSubstr(words));
      EXPECT_EQ(files(), before);
    }
  }
  EXPECT_EQ(content("target.h5"), "mine");
}

TEST_F(Outputs, AJournalThatIsALinkOrSomebodysFileStays) {
  write("notes", "mine");
  fs::create_symlink("notes", folder_ / "o.h5.journal");
  EXPECT_EQ(run_line("run s.toml -j 1 -o o.h5").status, 2);
  EXPECT_EQ(run_line("run s.toml -j 1 -o o.h5 --fresh").status, 2);
  EXPECT_EQ(content("notes"), "mine");
  fs::remove(folder_ / "o.h5.journal");
  for (const std::string& text :
       {std::string("my notes"), std::string(4096, '\0'), std::string("\x20\0\0\0abcd", 8)}) {
    write("o.h5.journal", text);
    EXPECT_EQ(run_line("run s.toml -j 1 -o o.h5").status, 2);
    EXPECT_EQ(run_line("run s.toml -j 1 -o o.h5 --fresh").status, 2);
    EXPECT_EQ(content("o.h5.journal"), text);
  }
}

TEST_F(Outputs, FreshReplacesThisStudysResultOnly) {
  write("other.toml", study());
  ASSERT_EQ(run_line("run s.toml -j 1 -o o.h5").status, 0);
  const std::string before = content("o.h5");
  write("other.toml", study(30));
  const Ended other = run_line("run other.toml -j 1 -o o.h5 --fresh");
  EXPECT_EQ(other.status, 2) << other.out;
  EXPECT_THAT(other.out, HasSubstr("--fresh does not replace"));
  EXPECT_EQ(content("o.h5"), before);
  write("s.toml", study(30));  // edited: still its own
  EXPECT_EQ(run_line("run s.toml -j 1 -o o.h5 --fresh").status, 0);
  for (const std::string& text : {std::string("a letter"), std::string()}) {
    write("letter.h5", text);
    EXPECT_EQ(run_line("run s.toml -j 1 -o letter.h5 --fresh").status, 2);
    EXPECT_EQ(content("letter.h5"), text);
  }
}

TEST_F(Outputs, ARunningStudyIsLeftAlone) {
  write("s.toml", study(400'000));
  const pid_t child = start({"run", "s.toml", "-j", "1", "-o", "o.h5"});
  const fs::path journal = folder_ / "o.h5.journal";
  wait_until([&] { return fs::exists(journal) && fs::file_size(journal) > 4000; });
  for (const char* command : {"run s.toml -o o.h5", "run s.toml -o o.h5 --fresh"}) {
    const std::string program = std::string(FLARE_BINARY_DIR) + "/bin/flare " + command;
    const int status =
        std::system(("cd " + folder_.string() + " && " + program + " > second.txt 2>&1").c_str());
    EXPECT_EQ(WEXITSTATUS(status), 1);  // not "can go on": a batch system would queue it again for ever
    EXPECT_THAT(content("second.txt"), HasSubstr("another flare is running this study"));
  }
  ::kill(child, SIGTERM);
  EXPECT_EQ(wait_for(child).status, 3);
  EXPECT_TRUE(fs::exists(folder_ / "o.h5"));
  EXPECT_FALSE(fs::exists(journal));
}

TEST_F(Outputs, TheJournalDoesNotGrowByRestarts) {
  write("s.toml", study(400'000));
  const fs::path journal = folder_ / "o.h5.journal";
  std::uintmax_t runs = 0;
  for (int restart = 0; restart < 4; ++restart) {
    const pid_t child = start({"run", "s.toml", "-j", "1", "-o", "o.h5"});
    const std::uintmax_t before = fs::exists(journal) ? fs::file_size(journal) : 0;
    wait_until([&] { return fs::exists(journal) && fs::file_size(journal) > before + 8000; });
    ::kill(child, restart == 0 ? SIGTERM : SIGKILL);  // the first leaves its runs in o.h5
    wait_for(child);
    runs = fs::exists(journal) ? fs::file_size(journal) : 0;
  }
  const auto kept =
      flare::engine::read_table(flare::engine::open_result(folder_ / "o.h5"), "/runs/runs").rows();
  EXPECT_GT(kept, 50U);
  // A record is 51 bytes and a measure here; those of o.h5 are not among them.
  EXPECT_LT(runs, 3U * 40'000U);
  EXPECT_GT(runs, 3U * 8000U);
}

TEST_F(Outputs, TablesReplaceOnlyTheirOwn) {
  const std::string command = "accuracy --model " + source("data/models/digits_vit") + " --dataset " +
                              source("data/digits/digits.csv") +
                              " --weight-arrays none --dynamic-arrays none --examples 3 -o ";
  ASSERT_EQ(run_line("run s.toml -j 1 -o o.h5").status, 0);
  const std::string before = content("o.h5");
  EXPECT_EQ(run_line(command + "o.h5").status, 2);
  EXPECT_EQ(content("o.h5"), before);
  EXPECT_EQ(run_line("replay o.h5 points/cell/27C/samples 3 -o s.toml").status, 2);
  EXPECT_EQ(content("s.toml"), study());
  EXPECT_EQ(run_line("replay o.h5 points/cell/27C/samples 3 -o w.csv").status, 0);
  EXPECT_EQ(run_line("replay o.h5 points/cell/27C/samples 4 -o w.csv").status, 0);
}

TEST_F(Outputs, PagesFiguresAndTextsReplaceOnlyTheirOwn) {
  ASSERT_EQ(run_line("run s.toml -j 1 -o o.h5").status, 0);
  write("other.toml", "title = \"another\"\n" + study(30));
  ASSERT_EQ(run_line("run other.toml -j 1 -o other.h5").status, 0);
  // Twice each is well; where something else stands nothing at all is written.
  struct Writer {
    std::string command;
    std::string place;  // of what stands in the way
  };
  const std::string images =
      "sparsity " + source("data/models/digits_vit") + " " + source("data/digits/digits.csv") + " --images 2";
  const std::string column = "check " + source("studies/pick_sawl_quick.toml") + " --netlists netlists";
  const std::vector<Writer> writers{
      {"report o.h5 -o page", "page/index.html"},
      {"export o.h5 failures -o t.csv", "t.csv"},
      {"export o.h5 failures --json -o t.json", "t.json"},
      {"batch s.toml --parallel --tasks 2 -s job.sh", "job.sh"},
      {images + " --figures bars", "bars/boost.svg"},
      {column, ""},
  };
  for (const Writer& writer : writers) {
    SCOPED_TRACE(writer.command);
    for (int i = 0; i < 2; ++i) {
      const Ended ended = run_line(writer.command);
      ASSERT_EQ(ended.status, 0) << ended.out;
    }
    fs::path place = folder_ / writer.place;
    if (writer.place.empty()) place = fs::directory_iterator(folder_ / "netlists")->path();
    const fs::path within = place.parent_path() == folder_ ? fs::path() : place.parent_path();
    if (!within.empty()) {
      fs::remove_all(within);
      fs::create_directory(within);
    }
    std::ofstream(place, std::ios::trunc) << "mine";
    const Ended ended = run_line(writer.command);
    EXPECT_EQ(ended.status, 2) << ended.out;
    EXPECT_THAT(ended.out, HasSubstr("was not written by this command"));
    EXPECT_EQ(content(fs::relative(place, folder_)), "mine");
    if (!within.empty()) {
      EXPECT_EQ(std::distance(fs::directory_iterator(within), fs::directory_iterator()), 1);
    }
  }
  // The page of another study is somebody else's, too.
  fs::remove_all(folder_ / "page");
  ASSERT_EQ(run_line("report o.h5 -o page").status, 0);
  const std::string page = content("page/index.html");
  EXPECT_EQ(run_line("report other.h5 -o page").status, 2);
  EXPECT_EQ(content("page/index.html"), page);
}

TEST_F(Outputs, FilesBesideAResultThatAreSomebodyElsesStay) {
  write("notes", "mine");
  fs::create_symlink("notes", folder_ / "o.h5.status.new");
  write("o.h5.status", "my notes");
  ASSERT_EQ(run_line("run s.toml -j 1 -o o.h5").status, 0);
  EXPECT_EQ(content("notes"), "mine");
  EXPECT_EQ(content("o.h5.status"), "my notes");
  fs::create_symlink("notes", folder_ / "a.h5.answers");
  const Ended accuracy = run_line("accuracy --model " + source("data/models/digits_vit") + " --dataset " +
                                  source("data/digits/digits.csv") +
                                  " --weight-arrays none --dynamic-arrays none --examples 3 -o a.h5");
  EXPECT_EQ(accuracy.status, 2) << accuracy.out;
  EXPECT_EQ(content("notes"), "mine");
  EXPECT_TRUE(fs::is_symlink(folder_ / "a.h5.answers"));
}

TEST_F(Outputs, AFullDiskLeavesNoHalfWaveforms) {
  ASSERT_EQ(run_line("run s.toml -j 1 -o o.h5").status, 0);
  const Ended ended = run_with(
      [] {
        std::signal(SIGXFSZ, SIG_IGN);
        const rlimit small{10, 10};
        ::setrlimit(RLIMIT_FSIZE, &small);
      },
      {"replay", "o.h5", "points/cell/27C/samples", "3", "-o", "w.csv"});
  EXPECT_NE(ended.status, 0);
  EXPECT_FALSE(fs::exists(folder_ / "w.csv"));
  EXPECT_FALSE(fs::exists(folder_ / "w.csv.part"));
}

TEST_F(Outputs, ARefusedCommandLeavesNothing) {
  const std::vector<std::string> before = files();
  write("cell.cir", flare::studies::testing::cell("i1 0 o 1m\nr1 o a 1k\nx1 a 0 nowhere"));
  EXPECT_EQ(run_line("run s.toml -o o.h5").status, 2);
  write("cell.cir",
        flare::studies::testing::cell("i1 0 o 1m\nr1 o a 1k\nr2 a 0 1k\nb1 x 0 v=nosuchfunction(v(a))"));
  EXPECT_EQ(run_line("run s.toml -o o.h5").status, 2);
  EXPECT_EQ(run_line("run s.toml -o o.h5 --set estimator.method=auto --set estimator.budget=60").status, 2);
  EXPECT_EQ(files(), before);
}

}  // namespace
