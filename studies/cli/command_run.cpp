#include <fmt/format.h>

#include <charconv>
#include <iostream>

#include "analysis/report/report.hpp"
#include "engine/workers/worker_pool.hpp"
#include "studies/circuit/circuit_study.hpp"
#include "studies/cli/commands.hpp"
#include "studies/cli/study_inputs.hpp"
#include "studies/cli/study_program.hpp"
#include "studies/column/column_cells.hpp"
#include "studies/column/column_map.hpp"
#include "studies/converter/converter_study.hpp"
#include "studies/cost/cost_stage.hpp"
#include "studies/gain_cell/gain_cell_study.hpp"
#include "studies/model/accuracy_stage.hpp"
#include "studies/run/result_file.hpp"

namespace flare::studies {

namespace {

engine::WorkerPoolOptions pool_options(const Study& study, int workers) {
  engine::WorkerPoolOptions options;
  options.workers = workers;
  options.run_time_limit = std::chrono::milliseconds(static_cast<long>(study.run_time_limit * 1e3));
  return options;
}

/// Runs what the study asks for and writes the result file.
void simulate(const StudyRun& run, ResultFile& result, const std::string& ngspice_version) {
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
    if (run.shard.count > 1)
      throw StudyError("a study of a gain cell ([gain_cell]) is not shared out: run it whole");
    const GainCellResult cell = run_gain_cell_study(run);
    result.finish([&](H5::H5File& file, const auto&) { write_gain_cell_result(file, cell); },
                  ngspice_version);
    return;
  }
  const std::vector<StudiedColumn> columns = run_columns(run);
  if (run.shard.count > 1) return result.leave_unfinished(run.shard, ngspice_version, false);
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

void simulate_into(const Study& study, ResultFile& result, int workers, const Shard& shard,
                   const std::stop_token& stop) {
  engine::WorkerPoolOptions options = pool_options(study, workers);
  options.stop = stop;
  engine::WorkerPool pool(options);
  Progress progress(stderr);
  const std::string version = pool.ngspice_version();
  simulate({study, pool, result.store(), progress, stop, shard}, result, version);
}

}  // namespace

int run_study(const Study& study, ResultFile& result, int workers, const Shard& shard,
              const std::stop_token& stop) {
  const std::string version = FLARE_NGSPICE_VERSION;
  try {
    simulate_into(study, result, workers, shard, stop);
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

int run_command(const RunCommand& command, std::stop_token stop) {
  const Study study = read_study(command.study, command.overrides);
  check_cost_stage(study);
  std::filesystem::path out = command.out;
  if (out.empty()) {
    out = command.study.stem().string() +
          (command.shard.count > 1 ? fmt::format(".{}of{}", command.shard.index + 1, command.shard.count)
                                   : "") +
          ".h5";
  }
  ResultFile result(study, study_inputs(study), out, command.fresh);
  if (!result.complete()) {
    if (study.accuracy) check_accuracy_inputs(*study.accuracy);
    const int status = run_study(study, result, command.workers, command.shard, stop);
    if (status != exit_done || command.shard.count > 1) return status;
  } else {
    fmt::print(stderr, "flare: {} already holds this study's result (--fresh runs it again)\n", out.string());
  }
  return print_result(out);
}

}  // namespace flare::studies
