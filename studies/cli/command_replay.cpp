#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <iostream>
#include <sstream>

#include "engine/base/output_file.hpp"
#include "engine/workers/worker_pool.hpp"
#include "studies/circuit/circuit_study.hpp"
#include "studies/cli/commands.hpp"
#include "studies/cli/result_commands.hpp"
#include "studies/cli/study_inputs.hpp"
#include "studies/cli/study_program.hpp"
#include "studies/column/column_cells.hpp"
#include "studies/gain_cell/gain_cell_study.hpp"
#include "studies/run/result_inputs.hpp"

namespace flare::studies {

namespace {

void write_waveforms(std::ostream& out, const engine::Waveforms& waveforms) {
  out << "time";
  for (const std::string& name : waveforms.names) out << ',' << name;
  out << '\n';
  for (std::size_t i = 0; i < waveforms.time.size(); ++i) {
    out << fmt::format("{:.9e}", waveforms.time[i]);
    for (const auto& values : waveforms.values) out << fmt::format(",{:.9e}", values[i]);
    out << '\n';
  }
}

/// What may be overwritten is what an earlier replay wrote.
void check_csv_place(const std::filesystem::path& out) {
  engine::check_output(out);
  std::ifstream in(out, std::ios::binary);
  std::string start(5, '\0');
  if (!in.read(start.data(), static_cast<std::streamsize>(start.size())) && in.gcount() == 0) return;
  if (start != "time,")
    throw StudyError(out.string() +
                     ": is there already and holds no waveforms; move it away, or choose another -o");
}

/// The measures of the run itself: some (searches) take runs of their own.
std::vector<double> simulated_again(engine::Evaluator& evaluator, const engine::Testbench& bench,
                                    const engine::Matrix& point) {
  std::vector<double> measures;
  const engine::Job job{std::make_shared<engine::Testbench>(bench), point};
  evaluator.evaluate(
      {&job, 1}, [&](std::size_t, std::size_t, const engine::RunResult& run) { measures = run.measures; });
  return measures;
}

/// Row of `samples` with the recorded index.
Eigen::Index row_of(const H5::H5File& file, const std::string& samples, std::int64_t index) {
  const std::vector<std::int64_t> indices = engine::read_table(file, samples + "/runs").integers("index");
  for (std::size_t r = 0; r < indices.size(); ++r) {
    if (indices[r] == index) return static_cast<Eigen::Index>(r);
  }
  throw StudyError(fmt::format("{}: {} has no sample {}; it has {} to {}", file.getFileName(), samples, index,
                               indices.empty() ? 0 : indices.front(), indices.empty() ? 0 : indices.back()));
}

}  // namespace

int replay_command(const ReplayCommand& command) {
  if (command.worst) {
    return replay_worst(
        command.result,
        {command.count, command.out.empty() ? std::filesystem::path("worst.svg") : command.out,
         command.allow_commands, command.study});
  }
  if (command.samples.empty()) throw StudyError("replay: needs a group of samples and an index, or --worst");
  if (!command.out.empty()) check_csv_place(command.out);
  const H5::H5File file = engine::open_result(command.result);
  const std::string group = command.samples.starts_with('/') ? command.samples : "/" + command.samples;
  if (!engine::exists(file, group + "/parameters")) {
    throw StudyError(
        fmt::format("{}: holds no samples at {}; expected e.g. "
                    "points/sram8t/sawl8/tt_0.90V_27C/samples/k8",
                    command.result.string(), command.samples));
  }
  const Study study = parse_study(
      engine::read_text(file, "/", "study"),
      command.study.empty() ? engine::read_text(file, "/", "study_file") : command.study.string());
  refuse_commands_of(study, command.result, command.allow_commands);
  if (study.adc) throw StudyError("a study of converters ([adc]) keeps no samples to replay");
  const std::string changed = changed_inputs(file, study_inputs(study));
  if (!changed.empty()) {
    throw StudyError(
        fmt::format("{}: cannot be replayed: {} since it was made", command.result.string(), changed));
  }
  const Eigen::Index row = row_of(file, group, command.index);
  const engine::Matrix parameters = engine::read_matrix(file, group + "/parameters");
  const engine::Matrix measures = engine::read_matrix(file, group + "/measures");
  if (row >= parameters.rows() || row >= measures.rows()) {
    throw StudyError(
        fmt::format("{}: {} has fewer parameters or measures than runs", command.result.string(), group));
  }

  engine::WorkerPoolOptions options;
  options.workers = 1;
  engine::WorkerPool pool(options);
  const engine::Testbench bench =
      study.circuit     ? circuit_replay_testbench(study, group, pool)
      : study.gain_cell ? gain_cell_replay_testbench(study, group, pool)
                        : column_replay_testbench(column_of_group(study, group), file, group, row, pool);
  if (static_cast<std::size_t>(parameters.cols()) != bench.dimension()) {
    throw StudyError(fmt::format("{}: {} has {} parameters a run, the study has {}", command.result.string(),
                                 group, parameters.cols(), bench.dimension()));
  }
  const engine::Waveforms waveforms = pool.waveforms(bench, parameters.row(row));
  if (command.out.empty()) {
    write_waveforms(std::cout, waveforms);
  } else {
    std::ostringstream text;
    write_waveforms(text, waveforms);
    check_csv_place(command.out);
    engine::write_output(command.out, text.str());
  }
  const std::vector<double> again = simulated_again(pool, bench, parameters.row(row));
  bool all_same = true;
  for (std::size_t m = 0; m < again.size(); ++m) {
    const Eigen::Index column = column_of_measure(file, group, bench.measures[m].name);
    const double recorded = column < measures.cols() ? measures(row, column) : NAN;
    const bool same = again[m] == recorded || (std::isnan(again[m]) && std::isnan(recorded));
    fmt::print(stderr, "{}: recorded {:.17g}, now {:.17g}{}\n", bench.measures[m].name, recorded, again[m],
               same ? " (the same)" : "");
    all_same &= same;
  }
  if (all_same) return exit_done;
  fmt::print(stderr,
             "flare: {} does not reproduce what {} recorded: other versions than {} and ngspice {}, or a "
             "machine with another mathematics library\n",
             command.samples, command.result.string(), engine::read_text(file, "/", "flare_version"),
             engine::read_text(file, "/", "ngspice_version"));
  return exit_failure;
}

}  // namespace flare::studies
