// flare_fuzz TARGET INPUTS [SEED]: reads so many mutated inputs. A crash, a hang of a minute or an exception that no
// user would see as a refusal ends it with the input kept as TARGET.crash in the current folder.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>

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

int fuzz(const flare::testing::FuzzTarget& target, long inputs, std::uint64_t seed) {
  const fs::path root = fs::exists("/dev/shm") ? fs::path("/dev/shm") : fs::temp_directory_path();
  const fs::path scratch = root / fmt::format("flare_fuzz_{}_{}", target.name, ::getpid());
  fs::create_directories(scratch);
  std::vector<std::string> corpus = target.corpus(FLARE_SOURCE_DIR, scratch);
  if (corpus.empty()) {
    fmt::print(stderr, "no inputs to start from\n");
    return 1;
  }
  int status = 0;
  // The corpus as it stands first: what was found before.
  const std::vector<std::string> known = corpus;
  flare::testing::Mutator mutator(std::move(corpus), seed);
  finding.file = target.name + ".crash";
  for (const int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGALRM}) std::signal(signal, on_signal);
  for (long i = 0; i < inputs + static_cast<long>(known.size()); ++i) {
    const bool first = static_cast<std::size_t>(i) < known.size();
    const std::string input = first ? known[static_cast<std::size_t>(i)] : mutator.next();
    finding.input = &input;
    ::alarm(longest_read);
    try {
      target.read(input, scratch);
    } catch (const std::exception& e) {
      keep_input();
      fmt::print(stderr, "input {} of seed {}: {}\n", i, seed, e.what());
      status = 1;
      break;
    }
  }
  ::alarm(0);
  fs::remove_all(scratch);
  if (status == 0) fmt::print("{}: {} inputs\n", target.name, inputs);
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<flare::testing::FuzzTarget> targets = flare::testing::fuzz_targets();
  const auto named = [&](const char* name) {
    return std::find_if(targets.begin(), targets.end(), [&](const auto& t) { return t.name == name; });
  };
  if (argc < 3 || named(argv[1]) == targets.end()) {
    fmt::print(stderr, "flare_fuzz TARGET INPUTS [SEED]\n");
    return 2;
  }
  return fuzz(*named(argv[1]), std::atol(argv[2]), argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1);
}
