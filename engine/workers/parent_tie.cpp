#include "engine/workers/parent_tie.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <charconv>

namespace flare::engine {

bool tie_to_parent(std::string_view parent) {
  pid_t expected = 0;
  const auto parsed = std::from_chars(parent.data(), parent.data() + parent.size(), expected);
  if (parsed.ec != std::errc() || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return false;
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  return getppid() == expected;  // else it died before prctl
}

}  // namespace flare::engine
