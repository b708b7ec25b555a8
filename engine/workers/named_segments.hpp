// The files in /dev/shm through which ranks of one machine talk (Open MPI: vader_segment.*, sm_segment.*). Whoever kills mpirun
// would leave them there for ever. All ranks have them mapped once MPI has begun, and nobody needs their names any more.
#pragma once

#include <filesystem>
#include <vector>

namespace flare::engine {

class NamedSegments {
 public:
  /// Takes its name away from the file that this process, rank `rank` of its job, has mapped as its own; what is mapped
  /// stays. Once all ranks have begun.
  explicit NamedSegments(int rank);

  /// Puts an empty file where this rank's own was: MPI complains of one that it does not find at its end.
  void restore_own() const;

 private:
  std::vector<std::filesystem::path> own_;
};

}  // namespace flare::engine
