#include "tests/fuzz/contained.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <stdexcept>

namespace flare::testing {

namespace {

// s, of processor time; past it the child is ended: for the look that comes first what the program gives it.
constexpr time_t longest_look = 2;
constexpr time_t longest_read = 20;
constexpr long inputs_a_child = 20'000;  // what the library leaks goes with it

/// What a child has come to, where its parent sees it.
struct Place {
  long input = 0;  // under way
  bool looking = true;
};

class SharedPlace {
 public:
  SharedPlace()
      : place_(static_cast<Place*>(
            ::mmap(nullptr, sizeof(Place), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
    if (place_ == MAP_FAILED) throw std::runtime_error("no memory to share with a child");
  }
  ~SharedPlace() { ::munmap(place_, sizeof(Place)); }
  SharedPlace(const SharedPlace&) = delete;
  SharedPlace& operator=(const SharedPlace&) = delete;

  volatile Place& operator*() const { return *place_; }

 private:
  Place* place_;
};

[[noreturn]] void read_as_child(const FuzzTarget& target, InputStream inputs, long first, long last,
                                const std::filesystem::path& scratch, volatile Place& place) {
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  const itimerval look_limit{{0, 0}, {longest_look, 0}};
  const itimerval read_limit{{0, 0}, {longest_read, 0}};
  for (long i = first; i < last; ++i) {
    const std::string input = inputs.next();
    place.input = i;
    place.looking = true;
    ::setitimer(ITIMER_PROF, &look_limit, nullptr);
    if (!target.look(input, scratch)) continue;
    ::setitimer(ITIMER_PROF, &read_limit, nullptr);
    place.looking = false;
    try {
      target.read(input, scratch);
    } catch (const std::exception& e) {
      fmt::print(stderr, "{}\n", e.what());
      ::_exit(1);
    }
  }
  ::_exit(0);
}

}  // namespace

Contained read_contained(const FuzzTarget& target, InputStream inputs, long count,
                         const std::filesystem::path& scratch) {
  Contained found;
  const SharedPlace shared;
  for (long first = 0; first < count;) {
    const long last = std::min(count, first + inputs_a_child);
    const pid_t child = ::fork();
    if (child == 0) read_as_child(target, inputs, first, last, scratch, *shared);
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child)
      throw std::runtime_error("a child cannot be started or waited for");
    const bool done = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    const long next = done ? last : (*shared).input + 1;
    std::string input;
    for (; first < next; ++first) input = inputs.next();
    if (done) continue;
    if (WIFSIGNALED(status) && (*shared).looking) {
      ++found.crashed_looks;
      continue;
    }
    found.finding = next - 1;
    found.input = std::move(input);
    found.how = WIFSIGNALED(status) ? fmt::format("signal {}", WTERMSIG(status)) : "an exception";
    break;
  }
  return found;
}

}  // namespace flare::testing
