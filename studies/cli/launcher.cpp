#include "studies/cli/launcher.hpp"

#include <fmt/format.h>

#include <cstdlib>

namespace flare::studies {

Launch launch_of(const std::function<const char*(const char*)>& variable) {
  const auto number = [&](const char* name) {
    const char* text = variable(name);
    return text == nullptr ? 0 : std::atoi(text);
  };
  if (const int n = number("OMPI_COMM_WORLD_SIZE"); n > 0) return {n, "mpirun", true};
  const bool srun = variable("SLURM_STEP_ID") != nullptr && variable("SLURM_PROCID") != nullptr;
  if (const int n = number("SLURM_STEP_NUM_TASKS"); srun && n > 0) {
    const bool joins = variable("PMIX_NAMESPACE") != nullptr || variable("PMI_SIZE") != nullptr;
    return {n, "srun", joins};
  }
  if (const int n = number("PMI_SIZE"); n > 0) return {n, "mpirun", true};
  return {};
}

std::string misfit(const Launch& launch, int ranks, const std::string& library) {
  if (ranks == launch.processes) return {};
  const char* remedy = launch.by == "srun" ? "use srun --mpi=pmix (srun --mpi=list shows what this Slurm has)"
                                           : "use the mpirun of the MPI it was built with";
  return fmt::format(
      "{} started {} processes, but {} sees {} of them: they would all run the whole study; {}", launch.by,
      launch.processes, library.empty() ? "the MPI of this build" : library, ranks, remedy);
}

}  // namespace flare::studies
