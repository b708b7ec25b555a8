#include <fmt/format.h>

#include <charconv>
#include <iostream>

#include "analysis/report/report.hpp"
#include "engine/base/hdf5_memory.hpp"
#include "engine/workers/worker_pool.hpp"
#include "studies/circuit/circuit_study.hpp"
#include "studies/cli/commands.hpp"
#include "studies/cli/study_inputs.hpp"
#include "studies/column/column_study.hpp"
#include "studies/converter/converter_study.hpp"
#include "studies/model/accuracy_stage.hpp"
#include "studies/run/result_file.hpp"
#include "studies/sweep/sweep_study.hpp"

namespace flare::studies {

namespace {

engine::WorkerPoolOptions pool_options(const Study& study, int workers) {
  engine::WorkerPoolOptions options;
  options.workers = workers;
  options.run_time_limit = std::chrono::milliseconds(static_cast<long>(study.run_time_limit * 1e3));
  return options;
}

void simulate_sweep(const StudyRun& run, ResultFile& result, const std::string& ngspice_version) {
  const std::filesystem::path scratch = result.path().string() + ".point";
  H5::H5File points = engine::memory_file(scratch);
  run_sweep(run, points, scratch);
  if (run.shard.count > 1) return result.leave_unfinished(run.shard, ngspice_version);
  result.finish([&](H5::H5File& file, const auto&) { copy_results(points, file, ""); }, ngspice_version);
}

/// Runs what the study asks for and writes the result file.
void simulate(const StudyRun& run, ResultFile& result, const std::string& ngspice_version) {
  if (!run.study.sweep.empty()) return simulate_sweep(run, result, ngspice_version);
  if (run.study.circuit) {
    const CircuitResult circuit = run_circuit_study(run);
    if (run.shard.count > 1) return result.leave_unfinished(run.shard, ngspice_version);
    result.finish([&](H5::H5File& file, const auto&) { write_circuit_result(file, run.study, circuit); },
                  ngspice_version);
    return;
  }
  if (run.study.adc) {
    if (run.shard.count > 1)
      throw StudyError("a study of converters ([adc]) is not shared out: run it whole");
    const ConverterResult converters = run_converter_study(run);
    result.finish([&](H5::H5File& file, const auto&) { write_converter_result(file, converters); },
                  ngspice_version);
    return;
  }
  const ColumnResult column = run_column_study(run);
  if (run.shard.count > 1) return result.leave_unfinished(run.shard, ngspice_version);
  result.finish(
      [&](H5::H5File& file, const ResultFile::SavePart& save) {
        write_column_result(file, run.study, column);
        // The array simulator reads error models from a file, as any other user of them does.
        if (run.study.accuracy)
          analysis::write_accuracy(file, table_rows(run_accuracy_stage(run, save(), column)));
      },
      ngspice_version);
}

int run_study(const Study& study, ResultFile& result, int workers, const Shard& shard, std::stop_token stop) {
  engine::WorkerPool pool(pool_options(study, workers));
  Progress progress(stderr);
  const std::string version = pool.ngspice_version();
  const StudyRun run{study, pool, result.store(), progress, stop, shard};
  try {
    simulate(run, result, version);
  } catch (const engine::Stopped&) {
    result.leave_unfinished({}, version);
    fmt::print(stderr, "flare: stopped; {} runs are kept in {}. The same command goes on from there.\n",
               result.store().size(), result.path().string());
    return exit_unfinished;
  }
  if (shard.count > 1) {
    fmt::print("shard {}/{} is in {}; join all of them with: flare merge OUT.h5 PART.h5...\n",
               shard.index + 1, shard.count, result.path().string());
    return exit_done;
  }
  return exit_done;
}

/// Prints the report; the status of a study that has an answer, or of one of which every estimate was refused.
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

}  // namespace

Shard parse_shard(const std::string& text) {
  Shard shard;
  const char* end = text.data() + text.size();
  const auto [slash, first] = std::from_chars(text.data(), end, shard.index);
  const bool ok = first == std::errc() && slash != end && *slash == '/';
  const auto [rest, second] = ok ? std::from_chars(slash + 1, end, shard.count)
                                 : std::from_chars_result{text.data(), std::errc::invalid_argument};
  if (second != std::errc() || rest != end || shard.index < 1 || shard.index > shard.count ||
      shard.count > 100'000) {
    throw StudyError("--shard " + text + ": expected I/N with 1 <= I <= N, e.g. 2/4");
  }
  --shard.index;
  return shard;
}

int run_command(const RunCommand& command, std::stop_token stop) {
  const Study study = read_study(command.study, command.overrides);
  std::filesystem::path out = command.out;
  if (out.empty()) {
    out = command.study.stem().string() +
          (command.shard.count > 1 ? fmt::format(".{}of{}", command.shard.index + 1, command.shard.count)
                                   : "") +
          ".h5";
  }
  ResultFile result(study, study_inputs(study), out, command.fresh);
  if (!result.complete()) {
    const int status = run_study(study, result, command.workers, command.shard, stop);
    if (status != exit_done || command.shard.count > 1) return status;
  } else {
    fmt::print(stderr, "flare: {} already holds this study's result (--fresh runs it again)\n", out.string());
  }
  return print_result(out);
}

int merge_command(const MergeCommand& command, std::stop_token stop) {
  if (command.parts.empty())
    throw StudyError("merge: needs the parts of a sharded run: flare merge OUT.h5 PART.h5...");
  const H5::H5File first = engine::open_result(command.parts.front());
  const Study study =
      parse_study(engine::read_text(first, "/", "study"), engine::read_text(first, "/", "study_file"));
  ResultFile result(study, study_inputs(study), command.out, true);
  for (const std::filesystem::path& part : command.parts) {
    const H5::H5File file = engine::open_result(part);
    if (engine::read_text(file, "/", "study") != study.text) {
      throw StudyError(part.string() + ": is a part of another study than " + command.parts.front().string());
    }
    const std::string changed = changed_inputs(file, result.inputs());
    if (!changed.empty()) {
      throw StudyError(
          fmt::format("{}: was made from other inputs: {}; run that part again", part.string(), changed));
    }
    if (engine::read_integer(file, "/", "complete") == 1) {
      throw StudyError(part.string() + ": is a finished result, not a part of a sharded run");
    }
    result.store().read_runs(file);
  }
  const int status = run_study(study, result, command.workers, {}, stop);
  return status == exit_done ? print_result(command.out) : status;
}

}  // namespace flare::studies
