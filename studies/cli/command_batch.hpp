// `flare batch`: a study as jobs of a batch system.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "studies/cli/batch_script.hpp"

namespace flare::studies {

struct BatchCommand {
  std::filesystem::path study;
  std::filesystem::path out;     // of the study; empty: the study's name with .h5, in the current folder
  std::filesystem::path script;  // empty: the terminal; with `submit` OUT.parts/batch.sh
  std::vector<std::string> overrides;
  BatchSystem system = BatchSystem::slurm;
  int tasks = 0;
  int cores = 1;
  int merge_cores = 0;  // 0: as cores
  int megabytes = 200;
  std::string time;
  bool submit = false;
};

/// Writes the script; submits it where that is asked for. Throws StudyError for a study that cannot be shared out so.
int batch_command(const BatchCommand& command);

}  // namespace flare::studies
