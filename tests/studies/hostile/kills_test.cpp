// Random kills of the program, of its workers, of ranks and of merges: whatever is killed when, the study ends in the same numbers,
// and nothing lies about.
#include <map>
#include <random>

#include "tests/studies/hostile/hostile_fixture.hpp"

namespace {

namespace fs = std::filesystem;
using flare::studies::testing::Ended;
using flare::studies::testing::HostileFixture;

class Kills : public HostileFixture {
 protected:
  /// Every table and matrix of a result, byte for byte, but for where its files lay.
  using Contents = std::map<std::string, std::string>;
  static void add(const H5::H5File& file, const std::string& path, Contents& all) {
    for (const std::string& name : flare::engine::members(file, path)) {
      if (path == "/" && name == "inputs")
        continue;  // places of files: a merge knows them by their whole paths
      const std::string below = path == "/" ? "/" + name : path + "/" + name;
      std::string& bytes = all[below];
      if (file.childObjType(below) == H5O_TYPE_GROUP) {
        add(file, below, all);
      } else if (file.openDataSet(below).getTypeClass() == H5T_COMPOUND) {
        add(flare::engine::read_table(file, below), bytes);
      } else {
        const flare::engine::Matrix m = flare::engine::read_matrix(file, below);
        bytes.append(reinterpret_cast<const char*>(m.data()),
                     sizeof(double) * static_cast<std::size_t>(m.size()));
      }
    }
  }
  static void add(const flare::engine::Table& table, std::string& all) {
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
  }
  Contents everything(const std::string& file) const {
    Contents all;
    add(flare::engine::open_result(folder_ / file), "/", all);
    return all;
  }
  /// Paths that only one of them has, or that differ.
  static std::vector<std::string> differences(const Contents& a, const Contents& b) {
    std::vector<std::string> paths;
    for (const auto& [path, bytes] : a) {
      const auto other = b.find(path);
      if (other == b.end() || other->second != bytes) paths.push_back(path);
    }
    for (const auto& [path, bytes] : b) {
      if (!a.contains(path)) paths.push_back(path);
    }
    return paths;
  }

  pid_t some_worker(pid_t parent) {
    std::vector<pid_t> workers;
    std::ifstream children(fmt::format("/proc/{0}/task/{0}/children", parent));
    for (pid_t id = 0; children >> id;) workers.push_back(id);
    return workers.empty() ? 0 : workers[random_() % workers.size()];
  }
  /// What was wrong can be looked at.
  void keep_folder() const {
    const fs::path kept = fs::temp_directory_path() / "flare_kills_failed";
    fs::copy(folder_, kept, fs::copy_options::recursive | fs::copy_options::overwrite_existing);
    ADD_FAILURE() << "kept in " << kept;
  }
  int some_time(int most) { return std::uniform_int_distribution<int>(0, most - 1)(random_); }
  static bool has_mpirun() { return *FLARE_MPIRUN != '\0'; }
  /// The program as a job of two ranks.
  pid_t start_ranks(const std::vector<std::string>& arguments) const {
    return start_with(
        [&arguments] {
          const std::string program = std::string(FLARE_BINARY_DIR) + "/bin/flare";
          std::vector<std::string> words{FLARE_MPIRUN, "--allow-run-as-root", "--oversubscribe", "-n", "2",
                                         program};
          words.insert(words.end(), arguments.begin(), arguments.end());
          std::vector<char*> argv;
          argv.reserve(words.size() + 1);
          for (std::string& word : words) argv.push_back(word.data());
          argv.push_back(nullptr);
          ::execv(FLARE_MPIRUN, argv.data());
        },
        {});
  }
  /// Whether a child of a process runs: one that has ended and was not waited for does not.
  static bool has_running_child(pid_t parent) {
    std::ifstream children(fmt::format("/proc/{0}/task/{0}/children", parent));
    for (pid_t id = 0; children >> id;) {
      std::ifstream file(fmt::format("/proc/{}/stat", id));
      const std::string status{std::istreambuf_iterator<char>(file), {}};
      const std::size_t name = status.rfind(')');  // then a blank and the state
      if (name != std::string::npos && name + 2 < status.size() && status[name + 2] != 'Z') return true;
    }
    return false;
  }
  /// mpirun has been seen to lock itself out at its very end, in pmix_rte_finalize() (Open MPI 4.1.4, PMIx 4.2.2), where a rank
  /// was killed, and so that it does not even wait for a rank that has ended: with no rank left it may be ended.
  Ended wait_for_job(pid_t job) {
    constexpr std::chrono::seconds patience{30};
    if (!ends_within(job, patience) && !has_running_child(job)) {
      ::kill(job, SIGKILL);
      ++locked_;
    }
    return wait_for(job, longest);
  }
  /// Kills a rank, a worker of one, or mpirun, until the job gets through. What mpirun then ends with is its own affair;
  /// ranks that lost it hold the study for a moment.
  void finish_ranks_under_kills(const std::vector<std::string>& arguments, int milliseconds) {
    for (int attempt = 0;; ++attempt) {
      ASSERT_LT(attempt, 400);
      const pid_t job = start_ranks(arguments);
      const int most = 700 + milliseconds + 60 * attempt;
      std::this_thread::sleep_for(std::chrono::milliseconds(some_time(most)));
      const pid_t rank = some_worker(job);
      const pid_t worker = rank > 0 && random_() % 3 == 0 ? some_worker(rank) : 0;
      const pid_t victim = worker > 0 ? worker : rank > 0 && random_() % 3 != 0 ? rank : job;
      if (::kill(victim, SIGKILL) == 0) ++kills_;
      const Ended ended = wait_for_job(job);
      if (HasFailure()) return;
      if (ended.status == 0) return;
      ASSERT_NE(ended.status, 2) << ended.out;
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
    }
  }
  /// Kills the program, or some of its workers and perhaps then the program, until it gets through.
  void finish_under_kills(const std::vector<std::string>& arguments, int milliseconds) {
    for (int attempt = 0;; ++attempt) {
      ASSERT_LT(attempt, 400);
      const pid_t child = start(arguments);
      const int events = 1 + static_cast<int>(random_() % 3);
      for (int event = 0; event < events; ++event) {
        const int most = milliseconds + 40 * attempt;
        std::this_thread::sleep_for(std::chrono::milliseconds(some_time(most)));
        const pid_t worker = random_() % 3 == 0 ? some_worker(child) : 0;
        const int signal = random_() % 4 == 0 ? SIGTERM : SIGKILL;
        if (::kill(worker > 0 ? worker : child, worker > 0 ? SIGKILL : signal) == 0) ++kills_;
        if (worker == 0) break;
      }
      const Ended ended = wait_for(child, longest);
      if (ended.status == 0 || HasFailure()) return;
      ASSERT_TRUE(ended.status == 3 || ended.status == 128 + SIGKILL || ended.status == 128 + SIGTERM)
          << ended.status << ended.out;
    }
  }
  void repeat(const std::string& text, int least_kills, int milliseconds) {
    write("k.toml", text);
    const Ended whole = run_line("run k.toml -j 2 -o whole.h5");
    ASSERT_EQ(whole.status, 0) << whole.out;
    const Contents expected = everything("whole.h5");
    for (int round = 0; kills_ < least_kills; ++round) {
      ASSERT_LT(round, least_kills);
      for (const char* name : {"o.h5", "a.h5", "b.h5"}) fs::remove(folder_ / name);
      if (round % 3 == 2 && has_mpirun()) {
        finish_ranks_under_kills({"run", "k.toml", "-j", "1", "-o", "o.h5"}, milliseconds);
      } else if (round % 3 != 1) {
        finish_under_kills({"run", "k.toml", "-j", "2", "-o", "o.h5"}, milliseconds);
      } else {
        finish_under_kills({"run", "k.toml", "-j", "2", "-o", "a.h5", "--shard", "1/2"}, milliseconds);
        finish_under_kills({"run", "k.toml", "-j", "2", "-o", "b.h5", "--shard", "2/2"}, milliseconds);
        finish_under_kills({"merge", "o.h5", "a.h5", "b.h5"}, milliseconds);
      }
      if (HasFailure()) return;
      EXPECT_EQ(differences(everything("o.h5"), expected), std::vector<std::string>()) << round;
      if (HasFailure()) return keep_folder();
      for (const std::string& name : files()) {
        EXPECT_FALSE(name.ends_with(".journal") || name.ends_with(".lock") || name.ends_with(".part"))
            << name;
      }
    }
    RecordProperty("kills", kills_);
    RecordProperty("mpirun_locked", locked_);
    std::printf("%d kills; mpirun locked itself %d times\n", kills_, locked_);
  }
  static std::string column() {
    return "[technology]\ncards = \"" + source("netlists/cards/cmos28.lib") +
           "\"\n[column]\ncell = \"sram8t\"\nsawl = [1]\nrows = 8\nswing = \"0.4 "
           "V\"\n[[variation]]\nparameter = "
           "\"vth\"\npelgrom = \"1.3 mV um\"\n[corners]\nprocess = [\"tt\", \"ss\"]\nsupply = [\"0.9 "
           "V\"]\ntemperature = [\"27 degC\"]\n[[converter]]\nname = \"flash\"\n[estimator]\nmethod = "
           "\"fit\"\nruns "
           "= 60\n";
  }

  static constexpr std::chrono::seconds longest{120};

  std::mt19937_64 random_{11};
  int kills_ = 0;
  int locked_ = 0;  // mpirun, with all ranks gone
};

TEST_F(Kills, Circuits) {
  repeat("seed = 3\n" + flare::studies::testing::operating_point("v(o)", "\"1.9 V\"") +
             flare::studies::testing::varies("r", "r*", "1 %") +
             "[corners]\ntemperature = [\"0 degC\", \"27 degC\"]\n[estimator]\naccuracy = \"0.2 "
             "sigma\"\nbudget = "
             "2000\nruns = 100\n",
         FLARE_KILLS, 400);
}

TEST_F(Kills, Columns) { repeat(column(), FLARE_KILLS, 900); }

TEST_F(Kills, OffATerminalThereIsALineEvery15Seconds) {
  write("long.toml", study(4'000'000));
  const pid_t child = start({"run", "long.toml", "-j", "1", "-o", "o.h5"});
  std::this_thread::sleep_for(std::chrono::seconds(50));
  ::kill(child, SIGTERM);
  const Ended ended = wait_for(child, longest);
  EXPECT_EQ(ended.status, 3) << ended.out;
  int lines = 0;
  for (std::size_t at = 0; (at = ended.out.find("  ETA ", at)) != std::string::npos; ++at) ++lines;
  EXPECT_TRUE(lines == 2 || lines == 3) << ended.out;
}

TEST_F(Kills, ColumnsWithTheirAccuracy) {
  repeat(column() + "[accuracy]\nmodel = \"" + source("data/models/digits_vit") + "\"\ndataset = \"" +
             source("data/digits/digits.csv") + "\"\nexamples = 20\nrepeats = 2\n",
         FLARE_KILLS, 900);
}

}  // namespace
