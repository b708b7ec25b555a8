#include <fmt/format.h>
#include <unistd.h>

#include <iostream>

#include "analysis/report/report.hpp"
#include "engine/workers/worker_pool.hpp"
#include "studies/cli/commands.hpp"
#include "studies/cli/launcher.hpp"
#include "studies/cli/shard_option.hpp"
#include "studies/cli/study_inputs.hpp"
#include "studies/cli/study_program.hpp"
#include "studies/cli/study_work.hpp"
#include "studies/column/column_cells.hpp"
#include "studies/cost/cost_stage.hpp"
#include "studies/kinds/run_kind.hpp"
#include "studies/model/accuracy_stage.hpp"
#include "studies/run/result_file.hpp"
#include "studies/run/shard_parts.hpp"
#include "studies/run/status_file.hpp"
#include "studies/sweep/sweep_study.hpp"

namespace flare::studies {

namespace {

/// The workers of this process and of the other ranks of its job, if any.
engine::WorkerPool make_pool(const Study& study, int workers, Ranks* ranks, const std::stop_token& stop) {
  engine::WorkerPoolOptions options;
  options.workers = workers;
  options.run_time_limit = std::chrono::milliseconds(static_cast<long>(study.run_time_limit * 1e3));
  options.stop = stop;
  if (ranks == nullptr) return engine::WorkerPool(options);
  options.workers = ranks->workers(workers);
  return engine::WorkerPool(options, ranks->remote(workers));
}

/// Others of the job answer, too, if there are any.
std::unique_ptr<SharedAnswers> answers_of(Ranks* ranks, const StudyRun& run) {
  std::vector<SharedAnswers::Helper> helpers;
  if (ranks != nullptr) helpers = ranks->helpers();
  if (helpers.empty()) return nullptr;
  return std::make_unique<SharedAnswers>(
      std::move(helpers), [ranks] { return ranks->exchange(); }, run.stop,
      [&run](const std::string& text) { run.progress.note(text); });
}

/// Runs what the study asks for and writes the result file.
void simulate(const StudyRun& run, ResultFile& result, const std::string& ngspice_version, Ranks* ranks) {
  const std::filesystem::path answers = result.path().string() + ".answers";
  const MakeAnswers others = [ranks, &run] { return answers_of(ranks, run); };
  const WriteTables write = run.study.sweep.empty()
                                ? run_kind(run, answers, others)
                                : run_sweep(run, result.path().string() + ".point", others);
  if (!write) return result.leave_unfinished(run.shard, ngspice_version, false);
  result.finish(write, ngspice_version);
  std::filesystem::remove(answers);
}

void simulate_into(const Study& study, ResultFile& result, int workers, Ranks* ranks, const Shard& shard,
                   const std::stop_token& stop) {
  engine::WorkerPool pool = make_pool(study, workers, ranks, stop);
  Progress progress(stderr);
  progress.also_to(status_path(result.path()));
  const std::string version = pool.ngspice_version();
  // To a person, before a first run; a script has `flare check`.
  if (::isatty(STDERR_FILENO) != 0 && result.store().size() == 0 && !is_part(shard)) {
    for (const std::string& line : work_lines(study, pool, pool.workers())) progress.note(line);
  }
  // Enough tasks that their small batches keep every worker busy.
  engine::SharedEvaluator evaluator(pool, 2 * static_cast<std::size_t>(pool.workers()) + 2);
  simulate({study, evaluator, result.store(), progress, stop, shard}, result, version, ranks);
}

}  // namespace

int run_study(const Study& study, ResultFile& result, int workers, Ranks* ranks, const Shard& shard,
              const std::stop_token& stop) {
  const std::string version = FLARE_NGSPICE_VERSION;
  try {
    simulate_into(study, result, workers, ranks, shard, stop);
  } catch (const engine::Stopped&) {
    result.leave_unfinished(shard, version, true);
    std::fputs(fmt::format("flare: stopped; {} runs are kept in {}. The same command goes on from there.\n",
                           result.store().size(), result.path().string())
                   .c_str(),
               stderr);
    return exit_unfinished;
  } catch (const engine::MachineFault& e) {
    result.leave_unfinished(shard, version, true);
    fmt::print(stderr,
               "flare: {}; {} runs are kept in {}. The same command goes on from there, here or elsewhere.\n",
               e.what(), result.store().size(), result.path().string());
    return exit_unfinished;
  }
  if (shard.stage == ShardStage::screening) {
    fmt::print("share {}/{} of the screening is in {}; shards take all of them in with --with PART...\n",
               shard.index + 1, shard.count, result.path().string());
    return exit_done;
  }
  if (shard.stage == ShardStage::rest) {
    fmt::print("share {}/{} of the rest is in {}; give it to flare merge with the parts\n", shard.index + 1,
               shard.count, result.path().string());
    return exit_done;
  }
  if (shard.count > 1) {
    fmt::print("shard {}/{} is in {}; join all of them with: flare merge OUT.h5 PART.h5...\n",
               shard.index + 1, shard.count, result.path().string());
    return exit_done;
  }
  return exit_done;
}

int print_result(const std::filesystem::path& path) {
  const analysis::ReportData data = analysis::read_report_data(path);
  analysis::print_report(data, std::cout);
  fmt::print("\nResult: {0}   figures: flare report {0} -o {1}\n", path.string(), path.stem().string());
  if (!data.all_refused()) return exit_done;
  std::fflush(stdout);
  fmt::print(
      stderr,
      "flare: no answer: every estimate was refused, for the reasons given above. Raise [estimator] "
      "budget, or try another [estimator] method (subset, monte_carlo), with --set estimator.budget=N\n");
  return exit_failure;
}

namespace {

std::filesystem::path default_out(const RunCommand& command, const Shard& shard) {
  std::string name = command.study.stem().string();
  if (shard.stage == ShardStage::screening) name += ".screening";
  if (shard.stage == ShardStage::rest) name += ".rest";
  if (shard.count > 1) name += fmt::format(".{}of{}", shard.index + 1, shard.count);
  return name + ".h5";
}

}  // namespace

// NOLINTNEXTLINE(performance-unnecessary-value-param): every subcommand takes it so
int run_command(const RunCommand& command, std::stop_token stop) {
  const Study study = read_study(command.study, command.overrides);
  check_cost_stage(study);
  Shard shard = command.shard;
  if (command.stage == "screening") shard.stage = ShardStage::screening;
  if (command.stage == "rest") shard.stage = ShardStage::rest;
  check_shard(study, shard);
  const bool rest = shard.stage == ShardStage::rest;
  if (rest) check_whole(command.with, study.text);
  const std::filesystem::path out = command.out.empty() ? default_out(command, shard) : command.out;
  ResultFile result(study, study_inputs(study), out, command.fresh);
  if (!result.complete()) {
    if (study.accuracy) check_accuracy_inputs(*study.accuracy);
    for (const std::filesystem::path& part : command.with)
      result.store().read_runs(open_part_of(part, study.text, result.inputs()),
                               rest ? engine::KeptBy::that_file : engine::KeptBy::this_store);
    const int status = run_study(study, result, command.workers, command.ranks, shard, stop);
    if (status != exit_done || is_part(shard)) return status;
  } else {
    fmt::print(stderr, "flare: {} already holds this study's result (--fresh runs it again)\n", out.string());
  }
  return print_result(out);
}

}  // namespace flare::studies
