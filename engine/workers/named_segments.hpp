// The files in /dev/shm through which ranks of one machine talk (Open MPI: vader_segment.*, sm_segment.*). Whoever kills mpirun
// would leave them there for ever. All ranks have them mapped once MPI has begun, and nobody needs their names any more.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace flare::engine {

/// A folder of this process alone that Open MPI makes its segment in, for the moments at its beginning and its end when the
/// segment has a name. A kill in one of them leaves the folder, and whoever begins next on that machine clears it: its lock
/// is free once its process is gone. Where the user has said another folder, nothing is done.
class SegmentFolder {
 public:
  /// Clears what killed ones of this user left under `root`, makes the folder and tells MPI, which has not begun.
  explicit SegmentFolder(const std::filesystem::path& root = "/dev/shm");
  ~SegmentFolder();
  SegmentFolder(const SegmentFolder&) = delete;
  SegmentFolder& operator=(const SegmentFolder&) = delete;
  SegmentFolder(SegmentFolder&&) = delete;
  SegmentFolder& operator=(SegmentFolder&&) = delete;

  /// Empty: there is none, and MPI puts its segment where it likes.
  const std::filesystem::path& path() const { return path_; }
  /// MPI has begun, and its segment has no name any more: whatever comes until it ends leaves nothing.
  void remove();
  /// MPI is about to end: the folder is there again.
  void restore();

 private:
  bool hold();

  std::filesystem::path path_;
  int lock_ = -1;
  std::vector<std::string> told_;  // variables of the environment
};

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
