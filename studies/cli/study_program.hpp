// What `run` and `merge` share: a study simulated into its result file, and the answer printed.
#pragma once

#include <filesystem>
#include <stop_token>

#include "studies/cli/launcher.hpp"
#include "studies/run/result_file.hpp"
#include "studies/run/study_run.hpp"

namespace flare::studies {

/// Simulates what the store does not hold and writes the result file. The exit status: done, or unfinished after a stop
/// or where the machine did not let simulators run. `ranks`: the other processes of the job; null: there are none.
int run_study(const Study& study, ResultFile& result, int workers, Ranks* ranks, const Shard& shard,
              const std::stop_token& stop);

/// Prints the report; the status of a study that has an answer, or of one of which every estimate was refused.
int print_result(const std::filesystem::path& path);

/// A study that came out of a result file may run commands of its netlist only where the user says so on the command
/// line. Throws StudyError that names `result`.
void refuse_commands_of(const Study& study, const std::filesystem::path& result, bool allowed);

}  // namespace flare::studies
