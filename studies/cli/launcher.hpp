// The program under mpirun or srun: several processes of one job. `flare` links no MPI: where it was started together
// with others it hands over to `flare_mpi`, the same program with ranks.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/workers/worker_link.hpp"
#include "studies/model/shared_answers.hpp"

namespace flare::studies {

/// What a launcher says of the job in the environment.
struct Launch {
  int processes = 1;
  std::string by;     // "mpirun", "srun"; empty: nobody
  bool joins = true;  // false: a launcher that offers this MPI nothing by which ranks find one another
};

/// `variable`: its value, or null. Open MPI's mpirun, others that speak PMI, and srun are known.
Launch launch_of(const std::function<const char*(const char*)>& variable);

/// Why the ranks that MPI sees are not those that were launched, with the remedy; empty: they are.
std::string misfit(const Launch& launch, int ranks, const std::string& library);

/// The other processes of this one's job.
class Ranks {
 public:
  virtual ~Ranks() = default;
  /// Of this process; `asked`: what the user wants each to have, 0: what its share of the machine gives.
  virtual int workers(int asked) const = 0;
  virtual std::unique_ptr<engine::RemoteWorkers> remote(int asked) = 0;
  /// Processes on the other ranks that answer examples; of what remote() gave, and as long as that lives.
  virtual std::vector<SharedAnswers::Helper> helpers() = 0;
  virtual bool exchange() = 0;
};

/// What comes before the command line is read.
struct Started {
  std::optional<int> status;  // of a process that has nothing else to do
  std::unique_ptr<Ranks> ranks;
};
/// start_alone.cpp (flare) or start_ranks.cpp (flare_mpi). Throws StudyError where launcher and build do not fit.
Started start(int argc, char** argv);

}  // namespace flare::studies
