#include <fmt/format.h>

#include "engine/base/text_output.hpp"
#include "engine/workers/available_cores.hpp"
#include "engine/workers/worker_pool.hpp"
#include "studies/circuit/circuit_study.hpp"
#include "studies/cli/check_part.hpp"
#include "studies/cli/commands.hpp"
#include "studies/cli/study_inputs.hpp"
#include "studies/column/column_cells.hpp"
#include "studies/column/column_netlists.hpp"
#include "studies/converter/converter_study.hpp"
#include "studies/cost/cost_stage.hpp"
#include "studies/gain_cell/gain_cell_study.hpp"
#include "studies/model/accuracy_stage.hpp"
#include "studies/run/result_inputs.hpp"
#include "studies/run/study_testbench.hpp"
#include "studies/sweep/sweep_study.hpp"

namespace flare::studies {

namespace {

void write_netlists(const Study& study, const std::filesystem::path& folder, engine::Evaluator& evaluator) {
  engine::make_output_folder(folder);
  std::vector<engine::TextOutput> files;
  for (const NamedNetlist& netlist : level_netlists(study, evaluator))
    files.push_back({folder / (netlist.name + ".cir"), netlist.text, engine::first_line(netlist.text)});
  engine::write_texts(files);
  fmt::print("netlists written to {}; run one with: ngspice -b FILE\n", folder.string());
}

void print_work(const WorkEstimate& work) {
  for (const std::string& line : describe(work, engine::available_cores())) fmt::print("  {}\n", line);
}

void print_plan(const Study& study, const ColumnPlan& plan) {
  fmt::print("  column    {}, {} rows\n", study.column->setup.cell.name, study.column->setup.rows);
  for (const auto& [sawl, dimension] : plan.dimension) {
    fmt::print("  SAWL {:<4} {} levels, {} variables\n", sawl, sawl + 1, dimension);
  }
  const std::string full = study.full_corners
                               ? fmt::format("the {} worst of every converter", *study.full_corners)
                               : "of every converter as many of the worst as it takes to know the worst";
  fmt::print("  corners   {} screened; the nominal one and {} in full\n", study.corners.size(), full);
  fmt::print("  stages    {} timing, {} nominal, {} screening; at most {} plain samples, {} tails\n",
             plan.timing, plan.nominal, plan.screening, plan.full, plan.tails);
  print_work(plan.work);
}

}  // namespace

int check_command(const CheckCommand& command) {
  if (is_part(command.study)) {
    check_part(command.study);
    return exit_done;
  }
  const Study study = read_study(command.study, command.overrides);
  check_cost_stage(study);
  if (command.identity) {
    fmt::print("{}\n", engine::hash_text(study_identity(study, study_inputs(study))));
    return exit_done;
  }
  if (study.accuracy) check_accuracy_inputs(*study.accuracy);
  if (!study.sweep.empty()) {
    const std::vector<SweptStudy> points = sweep_studies(study);
    fmt::print("sweep of {} points, from {} to {}; what follows is the study without it\n", points.size(),
               points.front().label, points.back().label);
  }
  // One worker loads the circuits and is asked about them; nothing is sampled.
  engine::WorkerPoolOptions options;
  options.workers = 1;
  engine::WorkerPool pool(options);
  if (study.circuit) {
    const CircuitPlan plan = plan_circuit_study(study, pool);
    fmt::print("{}: {}\n", command.study.string(), study.title);
    fmt::print("  netlist   {}\n  varies    {} variables at {} corners\n", study.circuit->netlist.string(),
               plan.dimension, study.corners.size());
    print_work(plan.work);
    for (const std::string& draw : plan.draws) fmt::print("  draw      {}\n", draw);
    for (const std::string& note : plan.notes) fmt::print("  note      {}\n", note);
    fmt::print("OK\n");
    return exit_done;
  }
  if (study.adc) {
    fmt::print("{}: {}\n", command.study.string(), study.title);
    for (const std::string& line : plan_converter_study(study, pool)) fmt::print("  {}\n", line);
    fmt::print("  corners   {}\n  dies      {}\nOK\n", study.corners.size(), study.estimator.runs);
    return exit_done;
  }
  if (study.gain_cell) {
    fmt::print("{}: {}\n", command.study.string(), study.title);
    for (const std::string& line : plan_gain_cell_study(study, pool)) fmt::print("  {}\n", line);
    fmt::print("OK\n");
    return exit_done;
  }
  // Planned before anything is printed: an error is a line by itself.
  std::vector<std::pair<Study, ColumnPlan>> plans;
  for (Study& column : single_columns(study)) {
    ColumnPlan plan = plan_column_study(column, pool);
    plans.emplace_back(std::move(column), std::move(plan));
  }
  fmt::print("{}: {}\n", command.study.string(), study.title);
  for (const auto& [column, plan] : plans) print_plan(column, plan);
  if (!command.netlists.empty()) {
    for (const Study& column : single_columns(study)) write_netlists(column, command.netlists, pool);
  }
  fmt::print("OK\n");
  return exit_done;
}

}  // namespace flare::studies
