#include "studies/cli/command_batch.hpp"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "engine/base/text_output.hpp"
#include "studies/cli/commands.hpp"
#include "studies/cli/shard_option.hpp"
#include "studies/study/study.hpp"

namespace flare::studies {

namespace {

/// Some 5 % of a column study is asked again: as long for one core as a quarter of the levels for so many.
constexpr int worth_another_array = 5;

BatchJob job_of(const BatchCommand& command, const Study& study) {
  BatchJob job;
  job.program = std::filesystem::read_symlink("/proc/self/exe").string();
  job.study = std::filesystem::absolute(command.study).lexically_normal().string();
  for (const std::string& change : command.overrides) job.options.push_back("--set=" + change);
  std::filesystem::path out = command.out;
  if (out.empty()) out = command.study.stem().string() + ".h5";
  job.out = std::filesystem::absolute(out).lexically_normal().string();
  job.tasks = command.tasks;
  job.cores = command.cores;
  job.merge_cores = command.merge_cores;
  job.megabytes = command.megabytes;
  job.time = command.time;
  if (study.column) {
    job.screens = static_cast<int>(
        std::min(most_shards(study, ShardStage::screening), static_cast<std::size_t>(job.tasks)));
    if (job.tasks >= worth_another_array) job.rests = job.tasks;
  }
  return job;
}

/// The first two lines: the shell's, and the comment that names the batch system.
std::string script_mark(const std::string& script) {
  const std::string first = engine::first_line(script);
  return first + engine::first_line(script.substr(first.size()));
}

int submit(const std::filesystem::path& script) {
  const std::string name = script.string();
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child == 0) {
    ::execlp("bash", "bash", name.c_str(), nullptr);
    ::_exit(127);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    fmt::print(stderr, "flare: {}: was not submitted\n", name);
    return exit_failure;
  }
  return exit_done;
}

}  // namespace

int batch_command(const BatchCommand& command) {
  const Study study = read_study(command.study, command.overrides);
  check_shard(study, {command.tasks - 1, command.tasks});
  if (command.submit && command.system != BatchSystem::slurm)
    throw StudyError(
        "--submit: only scripts for Slurm submit themselves; write the script with -s and start it");
  const BatchJob job = job_of(command, study);
  const std::string script = batch_script(command.system, job);
  if (command.script.empty() && !command.submit) {
    fmt::print("{}", script);
    return exit_done;
  }
  const std::filesystem::path file =
      command.script.empty() ? std::filesystem::path(job.out + ".parts") / "batch.sh" : command.script;
  if (file.has_parent_path()) engine::make_output_folder(file.parent_path());
  engine::write_text({file, script, script_mark(script)});
  return command.submit ? submit(file) : exit_done;
}

}  // namespace flare::studies
