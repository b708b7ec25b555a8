// Job scripts for batch systems: shards, and what joins them.
#pragma once

#include <string>
#include <vector>

namespace flare::studies {

enum class BatchSystem { slurm, parallel, lsf, sge, condor };

/// What a script runs. Words are quoted where they need it.
struct BatchJob {
  std::string program;               // absolute
  std::string study;                 // absolute
  std::vector<std::string> options;  // of `flare run` besides: --set KEY=VALUE
  std::string out;                   // absolute; parts and logs stand beside it, in OUT.parts
  int tasks = 1;
  int screens = 0;      // shares of a column's screening, which comes first; 0: there is none
  int rests = 0;        // shares of what all parts come to ask for, which comes last; 0: the merge runs it
  int cores = 1;        // a task
  int merge_cores = 0;  // of the merge; 0: as many as a task has (GNU parallel: as the machine has)
  int megabytes = 200;  // a core
  std::string time;     // the batch system's limit for one task; empty: its default
};

/// A bash script (HTCondor: a submit description). That of Slurm submits itself: a task stops in time for its limit,
/// and one that was stopped is requeued and goes on; merging follows where all tasks are done.
std::string batch_script(BatchSystem system, const BatchJob& job);

/// The word as bash takes it literally.
std::string shell_quoted(const std::string& word);

}  // namespace flare::studies
