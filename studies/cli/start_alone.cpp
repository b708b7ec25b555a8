// flare: links no MPI.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "engine/workers/worker_process.hpp"
#include "studies/cli/launcher.hpp"
#include "studies/study/study.hpp"

namespace flare::studies {

Started start(int, char** argv) {
  const Launch launch = launch_of([](const char* name) { return std::getenv(name); });
  if (launch.processes <= 1) return {};
  const std::filesystem::path program = engine::find_program("flare_mpi");
  if (!std::filesystem::exists(program)) {
    throw StudyError(
        fmt::format("{} started {} processes, but this flare was built without MPI: each would run the whole "
                    "study; build where "
                    "MPI is installed (Debian: libopenmpi-dev), or share the work out with --shard (flare "
                    "batch writes the script)",
                    launch.by, launch.processes));
  }
  if (!launch.joins) throw StudyError(misfit(launch, 1, ""));
  ::execv(program.c_str(), argv);
  throw StudyError(fmt::format("{}: cannot be started ({})", program.string(), std::strerror(errno)));
}

}  // namespace flare::studies
