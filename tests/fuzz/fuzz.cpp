// flare_fuzz TARGET INPUTS [SEED [FIRST]]: reads so many mutated inputs, from the FIRST of the seed on. A crash, a hang of a minute or an exception that no
// user would see as a refusal ends it with the input kept as TARGET.crash in the current folder.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "tests/fuzz/contained.hpp"
#include "tests/fuzz/mutation.hpp"
#include "tests/fuzz/targets.hpp"

namespace {

namespace fs = std::filesystem;

constexpr unsigned longest_read = 60;  // s, of the clock

// What a signal handler can reach.
struct Finding {
  const std::string* input = nullptr;
  std::string file;
};
Finding finding;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

void keep_input() {
  const int out = ::open(finding.file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (out < 0 || finding.input == nullptr) return;
  [[maybe_unused]] const ssize_t n = ::write(out, finding.input->data(), finding.input->size());
  ::close(out);
}

void on_signal(int signal) {
  keep_input();
  std::signal(signal, SIG_DFL);
  ::raise(signal);
}

/// Reads in this process; true where nothing was found.
bool read_all(const flare::testing::FuzzTarget& target, flare::testing::InputStream inputs, long count,
              const fs::path& scratch) {
  for (const int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGALRM}) std::signal(signal, on_signal);
  for (long i = 0; i < count; ++i) {
    const std::string input = inputs.next();
    finding.input = &input;
    ::alarm(longest_read);
    try {
      target.read(input, scratch);
    } catch (const std::exception& e) {
      keep_input();
      fmt::print(stderr, "input {}: {}\n", i, e.what());
      return false;
    }
  }
  ::alarm(0);
  return true;
}

/// The same where a first look may crash, in children.
bool read_in_children(const flare::testing::FuzzTarget& target, const flare::testing::InputStream& inputs,
                      long count, const fs::path& scratch) {
  const flare::testing::Contained found = flare::testing::read_contained(target, inputs, count, scratch);
  if (!found.finding) {
    fmt::print("{}: the look that comes first crashed on {} of them\n", target.name, found.crashed_looks);
    return true;
  }
  finding.input = &found.input;
  keep_input();
  fmt::print(stderr, "input {}: {}\n", *found.finding, found.how);
  return false;
}

constexpr const char* scratch_name = "flare_fuzz_";

/// Folders of earlier ones that were killed: their names end in the number of a process that is no more.
void clear_leftovers(const fs::path& root) {
  for (const auto& entry : fs::directory_iterator(root)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(scratch_name)) continue;
    const pid_t owner = std::atoi(name.c_str() + name.rfind('_') + 1);
    if (owner <= 0 || ::kill(owner, 0) == 0 || errno != ESRCH) continue;
    std::error_code ignored;
    fs::remove_all(entry.path(), ignored);
  }
}

int fuzz(const flare::testing::FuzzTarget& target, long inputs, std::uint64_t seed, long first) {
  const fs::path root = fs::exists("/dev/shm") ? fs::path("/dev/shm") : fs::temp_directory_path();
  clear_leftovers(root);
  const fs::path scratch = root / fmt::format("{}{}_{}", scratch_name, target.name, ::getpid());
  fs::create_directories(scratch);
  const std::vector<std::string> corpus = target.corpus(FLARE_SOURCE_DIR, scratch);
  if (corpus.empty()) {
    fmt::print(stderr, "no inputs to start from\n");
    return 1;
  }
  finding.file = target.name + ".crash";
  const long all = first > 0 ? inputs : inputs + static_cast<long>(corpus.size());
  flare::testing::InputStream stream(corpus, seed);
  for (long i = 0; i < first; ++i) stream.next();
  const bool fine =
      target.look ? read_in_children(target, stream, all, scratch) : read_all(target, stream, all, scratch);
  fs::remove_all(scratch);
  if (!fine) {
    fmt::print(stderr, "of seed {}; kept as {}\n", seed, finding.file);
    return 1;
  }
  fmt::print("{}: {} inputs\n", target.name, inputs);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<flare::testing::FuzzTarget> targets = flare::testing::fuzz_targets();
  const auto named = [&](const char* name) {
    return std::find_if(targets.begin(), targets.end(), [&](const auto& t) { return t.name == name; });
  };
  if (argc < 3 || argc > 5 || named(argv[1]) == targets.end()) {
    std::string names;
    for (const auto& target : targets) names += " " + target.name;
    fmt::print(stderr, "flare_fuzz TARGET INPUTS [SEED [FIRST]]; targets:{}\n", names);
    return 2;
  }
  return fuzz(*named(argv[1]), std::atol(argv[2]), argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1,
              argc > 4 ? std::atol(argv[4]) : 0);
}
