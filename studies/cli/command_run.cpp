#include <fmt/format.h>

#include <charconv>
#include <iostream>

#include "analysis/report/report.hpp"
#include "engine/base/hdf5_memory.hpp"
#include "engine/workers/worker_pool.hpp"
#include "studies/circuit/circuit_study.hpp"
#include "studies/cli/commands.hpp"
#include "studies/cli/launcher.hpp"
#include "studies/cli/study_inputs.hpp"
#include "studies/cli/study_program.hpp"
#include "studies/column/column_cells.hpp"
#include "studies/column/column_map.hpp"
#include "studies/converter/converter_study.hpp"
#include "studies/cost/cost_stage.hpp"
#include "studies/gain_cell/gain_cell_study.hpp"
#include "studies/model/accuracy_stage.hpp"
#include "studies/run/result_file.hpp"
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

void simulate_sweep(const StudyRun& run, ResultFile& result, const std::string& ngspice_version) {
  const std::filesystem::path scratch = result.path().string() + ".point";
  H5::H5File points = engine::memory_file(scratch);
  run_sweep(run, points, scratch);
  if (run.shard.count > 1) return result.leave_unfinished(run.shard, ngspice_version, false);
  result.finish([&](H5::H5File& file, const auto&) { copy_results(points, file, ""); }, ngspice_version);
}

/// Runs what the study asks for and writes the result file.
void simulate(const StudyRun& run, ResultFile& result, const std::string& ngspice_version) {
  if (!run.study.sweep.empty()) return simulate_sweep(run, result, ngspice_version);
  if (run.study.circuit) {
    const CircuitResult circuit = run_circuit_study(run);
    if (run.shard.count > 1) return result.leave_unfinished(run.shard, ngspice_version, false);
    result.finish([&](H5::H5File& file, const auto&) { write_circuit_result(file, run.study, circuit); },
                  ngspice_version);
    return;
  }
  if (run.study.adc) {
    const ConverterResult converters = run_converter_study(run);
    if (run.shard.count > 1) return result.leave_unfinished(run.shard, ngspice_version, false);
    result.finish([&](H5::H5File& file, const auto&) { write_converter_result(file, converters); },
                  ngspice_version);
    return;
  }
  if (run.study.gain_cell) {
    const GainCellResult cell = run_gain_cell_study(run);
    if (run.shard.count > 1) return result.leave_unfinished(run.shard, ngspice_version, false);
    result.finish([&](H5::H5File& file, const auto&) { write_gain_cell_result(file, cell); },
                  ngspice_version);
    return;
  }
  const std::vector<StudiedColumn> columns = run_columns(run);
  if (run.shard.count > 1 || run.shard.screening)
    return result.leave_unfinished(run.shard, ngspice_version, false);
  const std::filesystem::path journal = result.path().string() + ".answers";
  result.finish(
      [&](H5::H5File& file, const ResultFile::SavePart& save) {
        write_column_results(file, columns);
        if (run.study.map) analysis::write_map(file, {map_rows(columns), run.study.map->claim});
        // The array simulator reads error models from a file, as any other user of them does.
        if (run.study.accuracy)
          analysis::write_accuracy(
              file, table_rows(run_accuracy_stage(run, save(), columns.front().result, journal)));
        if (run.study.cost) {
          write_read_energies(run, columns.front().result, file);
          write_cost_stage(run, save(), file);
        }
      },
      ngspice_version);
  std::filesystem::remove(journal);
}

void simulate_into(const Study& study, ResultFile& result, int workers, Ranks* ranks, const Shard& shard,
                   const std::stop_token& stop) {
  engine::WorkerPool pool = make_pool(study, workers, ranks, stop);
  Progress progress(stderr);
  progress.also_to(status_path(result.path()));
  const std::string version = pool.ngspice_version();
  // Enough tasks that their small batches keep every worker busy.
  engine::SharedEvaluator evaluator(pool, 2 * static_cast<std::size_t>(pool.workers()) + 2);
  simulate({study, evaluator, result.store(), progress, stop, shard}, result, version);
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
  if (shard.screening) {
    fmt::print("share {}/{} of the screening is in {}; shards take all of them in with --with PART...\n",
               shard.index + 1, shard.count, result.path().string());
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

namespace {

/// More shards than this have nothing to do.
std::size_t most_items(const Study& study, bool screening) {
  if (study.gain_cell) return gain_cell_items(study);
  if (!study.column) return study.corners.size();
  const std::vector<ColumnPoint> points = column_points(study);
  if (screening) return points.size() + 1;
  std::size_t levels = 0;
  for (const ColumnPoint& point : points) levels += static_cast<std::size_t>(point.sawl) + 1;
  return levels;
}

Shard shard_of(const RunCommand& command, const Study& study) {
  Shard shard = command.shard;
  shard.screening = command.stage == "screening";
  const std::size_t most = most_items(study, shard.screening);
  if (shard.count > 1 && static_cast<std::size_t>(shard.count) > most) {
    throw StudyError(fmt::format(
        "--shard {}/{}: the study has at most {} items to share out{}; more shards have nothing to do",
        shard.index + 1, shard.count, most, study.column || study.gain_cell ? "" : ", a corner each"));
  }
  return shard;
}

std::filesystem::path default_out(const RunCommand& command, const Shard& shard) {
  std::string name = command.study.stem().string();
  if (shard.screening) name += ".screening";
  if (shard.count > 1) name += fmt::format(".{}of{}", shard.index + 1, shard.count);
  return name + ".h5";
}

/// The runs of a part of the same study.
void take_in(const std::filesystem::path& part, const Study& study, ResultFile& result) {
  const H5::H5File file = engine::open_result(part);
  if (engine::read_text(file, "/", "study") != study.text)
    throw StudyError(part.string() + ": is a part of another study");
  const std::string changed = changed_inputs(file, result.inputs());
  if (!changed.empty())
    throw StudyError(
        fmt::format("{}: was made from other inputs: {}; run that part again", part.string(), changed));
  if (engine::read_integer(file, "/", "complete") == 1)
    throw StudyError(part.string() + ": is a finished result, not a part");
  result.store().read_runs(file);
}

}  // namespace

int run_command(const RunCommand& command, std::stop_token stop) {
  const Study study = read_study(command.study, command.overrides);
  check_cost_stage(study);
  const Shard shard = shard_of(command, study);
  const std::filesystem::path out = command.out.empty() ? default_out(command, shard) : command.out;
  ResultFile result(study, study_inputs(study), out, command.fresh);
  if (!result.complete()) {
    if (study.accuracy) check_accuracy_inputs(*study.accuracy);
    for (const std::filesystem::path& part : command.with) take_in(part, study, result);
    const int status = run_study(study, result, command.workers, command.ranks, shard, stop);
    if (status != exit_done || shard.count > 1 || shard.screening) return status;
  } else {
    fmt::print(stderr, "flare: {} already holds this study's result (--fresh runs it again)\n", out.string());
  }
  return print_result(out);
}

}  // namespace flare::studies
