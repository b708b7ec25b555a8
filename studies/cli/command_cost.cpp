#include <fmt/format.h>

#include <iostream>
#include <utility>

#include "analysis/report/report_cost.hpp"
#include "studies/cli/commands.hpp"
#include "studies/cost/architecture_file.hpp"
#include "studies/cost/cost_sweep.hpp"
#include "studies/cost/study_figures.hpp"
#include "studies/run/table_file.hpp"

namespace flare::studies {
namespace {

constexpr const char* table_format = "flare-cost/1";

/// The architecture with what the studies know, and a line for each thing taken.
arch::Architecture architecture_of(const CostCommand& command, std::vector<std::string>& notes) {
  arch::Architecture a = read_architecture(command.architecture, command.overrides);
  for (const std::filesystem::path& study : command.studies) {
    if (!std::filesystem::exists(study)) throw StudyError(study.string() + ": no such file");
    for (std::string& note : apply_study(a, study)) notes.push_back(std::move(note));
  }
  std::string error;
  if (!a.is_valid(&error)) throw StudyError(command.architecture.string() + ": " + error);
  return a;
}

void write_result(const CostCommand& command, const analysis::CostResult& result) {
  if (command.out.empty()) return;
  write_table_file(command.out, table_format, [&](H5::H5File& file) { analysis::write_cost(file, result); });
  fmt::print("\nTables: {}\n", command.out.string());
}

}  // namespace

int cost_command(const CostCommand& command, std::stop_token stop) {
  if (command.defaults) {
    fmt::print("{}", architecture_text(arch::Architecture{}));
    return exit_done;
  }
  if (command.model.empty() || command.architecture.empty())
    throw StudyError(
        "cost: needs a model and --architecture ARCH.toml (flare cost --defaults > ARCH.toml writes one)");
  if (!command.out.empty()) check_place(command.out, table_format);
  std::vector<CostAxis> axes;
  for (const std::string& text : command.sweep) axes.push_back(parse_axis(text));
  std::vector<std::string> notes;
  const arch::Architecture a = architecture_of(command, notes);
  CostModel model = CostModel::load(command.model, command.dataset, command.counts);
  model.options.examples = command.examples;
  model.options.stop = std::move(stop);
  Progress progress(stderr);
  const bool counts = model.data && !model.counts;
  if (counts) progress.stage("counting reads");
  model.options.progress = [&](std::int64_t done, std::int64_t total) {
    progress.update(static_cast<double>(done) / static_cast<double>(total),
                    fmt::format("{} of {}", done, total));
  };
  try {
    const CostRun run = run_cost(model, a);
    if (counts) progress.finish(fmt::format("{:.0f} sequences", run.workload().sequences));
    model.options.progress = nullptr;
    analysis::CostResult result = cost_result(run, read_gpus(), read_digital(), notes);
    result.sweep = sweep_cost(model, {command.architecture, command.overrides, command.studies}, axes);
    analysis::print_cost(result, std::cout);
    std::cout.flush();
    write_result(command, result);
  } catch (const arch::CountStopped&) {
    throw engine::Stopped();
  }
  return exit_done;
}

}  // namespace flare::studies
