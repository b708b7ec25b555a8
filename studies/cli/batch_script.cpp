#include "studies/cli/batch_script.hpp"

#include <fmt/format.h>

namespace flare::studies {

namespace {

std::string run_words(const BatchJob& job) {
  std::string words = fmt::format("{} run {}", shell_quoted(job.program), shell_quoted(job.study));
  for (const std::string& option : job.options) words += fmt::format(" {}", shell_quoted(option));
  return words;
}

/// What is known to all scripts. `task` is the batch system's number of this task, from 1.
/// `all_cores`: of a merge, where it is not said.
std::string settings(const BatchJob& job, const std::string& task, const std::string& all_cores = "$cores") {
  std::string shares = job.screens > 0 ? fmt::format("screens={}\n", job.screens) : "";
  if (job.rests > 0) shares += fmt::format("rests={}\n", job.rests);
  const std::string merge = job.merge_cores > 0 ? std::to_string(job.merge_cores) : all_cores;
  return fmt::format(
      "tasks={}\n{}cores={}\nmerge_cores={}\nout={}\nparts=$out.parts\ntask={}\nmkdir -p \"$parts\"\n",
      job.tasks, shares, job.cores, merge, shell_quoted(job.out), task);
}

/// The stages as functions: screen, shard, rest, join; each takes what to put before the program.
std::string stages(const BatchJob& job) {
  const std::string run = run_words(job);
  std::string text;
  if (job.screens > 0) {
    text += fmt::format(
        "screen() {{ \"$@\" {} --stage screening --shard \"$task/$screens\" -j \"$cores\" -o "
        "\"$parts/screening_$task.h5\"; }}\n",
        run);
  }
  text += fmt::format(
      "shard() {{ \"$@\" {} --shard \"$task/$tasks\" -j \"$cores\"{} -o \"$parts/part_$task.h5\"; }}\n", run,
      job.screens > 0 ? " --with \"$parts\"/screening_*.h5" : "");
  const auto list = [](const char* name, const char* count) {
    return fmt::format("  for i in $(seq \"${}\"); do all+=(\"$parts/{}_$i.h5\"); done\n", count, name);
  };
  if (job.rests > 0) {
    text += fmt::format(
        "rest() {{\n  local all=() i\n{}  \"$@\" {} --stage rest --shard \"$task/$rests\" -j \"$cores\" "
        "--with "
        "\"${{all[@]}}\" -o \"$parts/rest_$task.h5\"\n}}\n",
        list("part", "tasks"), run);
  }
  text += fmt::format(
      "join() {{\n  local all=() i\n{}{}  \"$@\" {} merge \"$out\" \"${{all[@]}}\" -j \"$merge_cores\"\n}}\n",
      list("part", "tasks"), job.rests > 0 ? list("rest", "rests") : "", shell_quoted(job.program));
  return text;
}

/// Of the merge where it is not said: as many as all tasks have, or the largest node, asked for once, where jobs are submitted.
constexpr const char* slurm_merge_cores =
    "${SLURM_CPUS_PER_TASK:-$( (echo $((tasks * cores)); sinfo -h -o %c | tr -d + | sort -n | tail -1) | "
    "sort -n | head -1)}";

std::string slurm_script(const BatchJob& job) {
  std::string text = fmt::format(
      "#!/bin/bash\n"
      "# Submits itself: bash FILE. A task is told 120 s before its time is up, stops, and is requeued where "
      "it can go on.\n"
      "#SBATCH --job-name=flare\n#SBATCH --cpus-per-task={}\n#SBATCH --mem-per-cpu={}M\n"
      "#SBATCH --signal=B:TERM@120\n#SBATCH --requeue\n#SBATCH --open-mode=append\n",
      job.cores, job.megabytes);
  if (!job.time.empty()) text += fmt::format("#SBATCH --time={}\n", job.time);
  text += "set -u\n" + settings(job, "${SLURM_ARRAY_TASK_ID:-1}", slurm_merge_cores) + stages(job);
  text += R"(
# bash passes no signal on by itself; a wait that a signal ends is taken up again.
stoppable() {
  "$@" & local pid=$! rc
  trap 'kill -TERM "$pid" 2>/dev/null' TERM
  wait "$pid"; rc=$?
  while [ "$rc" -gt 128 ] && kill -0 "$pid" 2>/dev/null; do wait "$pid"; rc=$?; done
  return "$rc"
}

# 3: stopped before its end, and the same command goes on.
attempt() {
  "$1" stoppable; local rc=$?
  local me=${SLURM_ARRAY_JOB_ID:+${SLURM_ARRAY_JOB_ID}_$task}
  if [ "$rc" = 3 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 20 ]; then
    scontrol requeue "${me:-$SLURM_JOB_ID}" && sleep 60
  fi
  exit "$rc"
}

submit() { sbatch --parsable --output="$parts/$1_%a.log" "${@:2}" "$script" "$1"; }

if [ -n "${SLURM_JOB_ID:-}" ] && [ $# = 1 ]; then attempt "$1"; fi
script=$(readlink -f "$0")
)";
  if (job.screens > 0) {
    text +=
        "first=$(submit screen --array=1-$screens) || exit 1\n"
        "second=$(submit shard --array=1-$tasks --dependency=afterok:$first) || exit 1\n";
  } else {
    text += "second=$(submit shard --array=1-$tasks) || exit 1\n";
  }
  if (job.rests > 0)
    text += "second=$(submit rest --array=1-$rests --dependency=afterok:$second) || exit 1\n";
  text +=
      "last=$(sbatch --parsable --cpus-per-task=$merge_cores --output=\"$parts/join.log\" "
      "--dependency=afterok:$second \"$script\" join) "
      "|| exit 1\n"
      "echo \"job $last joins the parts into $out; flare status '$parts'/*.h5 says how far they are\"\n";
  return text;
}

std::string parallel_script(const BatchJob& job) {
  std::string text =
      "#!/bin/bash\n# GNU parallel, as many tasks at once as it finds cores; run it again after an "
      "interruption.\nset -eu\n";
  text += settings(job, "0", "$(nproc)") + stages(job);
  text += fmt::format("export tasks {}{}cores out parts\n", job.screens > 0 ? "screens " : "",
                      job.rests > 0 ? "rests " : "");
  const auto all = [&](const char* stage, const char* count) {
    return fmt::format(
        "one_{0}() {{ task=$1 {0} env; }}\nexport -f {0} one_{0}\n"
        "parallel --halt soon,fail=1 one_{0} ::: $(seq \"${1}\")\n",
        stage, count);
  };
  if (job.screens > 0) text += all("screen", "screens");
  text += all("shard", "tasks");
  if (job.rests > 0) text += all("rest", "rests");
  return text + "join env\n";
}

std::string lsf_script(const BatchJob& job) {
  std::string text =
      "#!/bin/bash\n# LSF. Not tested on one: a template. Submit: bash FILE. A task that exits with 3 is run "
      "again (-Q).\nset -u\n";
  text += settings(job, "${LSB_JOBINDEX:-1}") + stages(job);
  text +=
      "if [ -n \"${LSB_JOBINDEX:-}\" ] && [ $# = 1 ]; then \"$1\" exec; fi\nscript=$(readlink -f \"$0\")\n";
  const auto array = [&](const char* stage, const char* count, const char* after) {
    return fmt::format(
        "bsub -Q 3 -wa TERM -wt 2 -n \"$cores\" {2} -J \"flare_{0}[1-${1}]\" -o \"$parts/{0}_%I.log\" bash "
        "\"$script\" {0}\n",
        stage, count, after);
  };
  if (job.screens > 0) text += array("screen", "screens", "");
  text += array("shard", "tasks", job.screens > 0 ? "-w 'done(flare_screen)'" : "");
  if (job.rests > 0) text += array("rest", "rests", "-w 'done(flare_shard)'");
  return text + fmt::format(
                    "bsub -Q 3 -n \"$merge_cores\" -w 'done(flare_{})' -J 'flare_join[1]' -o "
                    "\"$parts/join.log\" bash \"$script\" join\n",
                    job.rests > 0 ? "rest" : "shard");
}

std::string sge_script(const BatchJob& job) {
  std::string text =
      "#!/bin/bash\n# SGE. Not tested on one: a template. Submit: bash FILE. A task that exits with 99 is "
      "run again.\nset -u\n";
  text += settings(job, "${SGE_TASK_ID:-1}") + stages(job);
  text +=
      "if [ -n \"${JOB_ID:-}\" ] && [ $# = 1 ]; then \"$1\" env; rc=$?; [ $rc = 3 ] && rc=99; exit $rc; fi\n"
      "script=$(readlink -f \"$0\")\n";
  if (job.screens > 0)
    text += "qsub -cwd -notify -r y -t 1-$screens -N flare_screen -j y -o \"$parts\" \"$script\" screen\n";
  text += fmt::format(
      "qsub -cwd -notify -r y -t 1-$tasks -N flare_shard{} -j y -o \"$parts\" \"$script\" shard\n",
      job.screens > 0 ? " -hold_jid flare_screen" : "");
  if (job.rests > 0)
    text +=
        "qsub -cwd -notify -r y -t 1-$rests -N flare_rest -hold_jid flare_shard -j y -o \"$parts\" "
        "\"$script\" rest\n";
  return text +
         fmt::format("qsub -cwd -r y -N flare_join -hold_jid flare_{} -j y -o \"$parts\" \"$script\" join\n",
                     job.rests > 0 ? "rest" : "shard");
}

/// Shards do their own screening here: stages one after the other need DAGMan.
std::string condor_description(const BatchJob& job) {
  std::string arguments = fmt::format("run {}", job.study);
  for (const std::string& option : job.options) arguments += fmt::format(" {}", option);
  return fmt::format(
      "# HTCondor. Not tested on one: a template. mkdir -p {0}.parts; condor_submit FILE; then\n"
      "#   flare merge {0} {0}.parts/part_*.h5\n"
      "executable = {1}\n"
      "arguments = {2} --shard $INT(number)/{3} -j {4} -o {0}.parts/part_$INT(number).h5\n"
      "number = $(Process) + 1\n"
      "request_cpus = {4}\nrequest_memory = {5}M\nkill_sig = SIGTERM\n"
      "# 3: stopped before its end, and the same command goes on\n"
      "max_retries = 20\nsuccess_exit_code = 0\n"
      "log = {0}.parts/condor.log\noutput = {0}.parts/part_$INT(number).log\nerror = "
      "{0}.parts/part_$INT(number).log\n"
      "queue {3}\n",
      job.out, job.program, arguments, job.tasks, job.cores, job.cores * job.megabytes);
}

}  // namespace

std::string shell_quoted(const std::string& word) {
  std::string quoted(1, '\'');
  for (const char c : word) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + '\'';
}

std::string batch_script(BatchSystem system, const BatchJob& job) {
  switch (system) {
    case BatchSystem::slurm:
      return slurm_script(job);
    case BatchSystem::parallel:
      return parallel_script(job);
    case BatchSystem::lsf:
      return lsf_script(job);
    case BatchSystem::sge:
      return sge_script(job);
    case BatchSystem::condor:
      return condor_description(job);
  }
  return {};
}

}  // namespace flare::studies
