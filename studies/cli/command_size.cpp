#include <fmt/format.h>

#include <iostream>

#include "analysis/report/text_table.hpp"
#include "engine/workers/worker_pool.hpp"
#include "studies/cli/commands.hpp"
#include "studies/cli/size_command.hpp"
#include "studies/size/size_study.hpp"

namespace flare::studies {

namespace {

analysis::TextRow row_of(const std::string& name, const SizeStep& step) {
  analysis::TextRow row{name};
  for (const double size : step.sizes) row.push_back(fmt::format("{:.4g}", size));
  row.push_back(fmt::format("{:.4g}", step.cost));
  row.push_back(fmt::format("{:.2f}", step.sigma));
  row.push_back(fmt::format("{:.2f} .. {:.2f}", step.sigma_low, step.sigma_high));
  row.push_back(fmt::format("{}", step.runs));
  row.push_back(step.limiting);
  return row;
}

void print(const SizeOptions& options, const SizeResult& result) {
  analysis::TextRow head{""};
  for (const SizeKey& key : options.keys)
    head.push_back(key.unit.empty() ? key.name : fmt::format("{} ({})", key.name, key.unit));
  for (const char* name : {"cost", "sigma", "95 % interval", "runs", "limited by"}) head.emplace_back(name);
  std::vector<analysis::TextRow> rows;
  for (std::size_t i = 0; i < result.steps.size(); ++i)
    rows.push_back(row_of(fmt::format("step {}", i + 1), result.steps[i]));
  if (result.found) {
    rows.push_back(row_of("best", result.best));
    rows.push_back(row_of("confirmed", result.confirmed));
  }
  analysis::print_table(std::cout, head, rows);
  const SizeStep& last = result.found ? result.best : result.steps.back();
  fmt::print("\nd sigma / d ln size:");
  for (std::size_t k = 0; k < options.keys.size(); ++k)
    fmt::print("  {} {:+.3f}", options.keys[k].name, last.sensitivity[k]);
  std::size_t runs = result.confirmed.runs + result.unanswered_runs;
  for (const SizeStep& step : result.steps) runs += step.runs;
  fmt::print("\n{} runs in all\n", runs);
}

}  // namespace

void add_size(CLI::App& app, SizeCommand& command) {
  CLI::App* size = app.add_subcommand(
      "size", "The least gate area, or cost, at which a circuit or a column holds its target");
  size->add_option("STUDY", command.study, "Study file (TOML) of a circuit or a column")->required();
  size->add_option("--vary", command.vary,
                   "A size and its range, e.g. 'technology.parameters.wn=80 nm..400 nm'")
      ->type_name("KEY=FROM..TO")
      ->required();
  size->add_option(
      "--cost", command.cost,
      "Expression of the sizes' names, in their units, e.g. 'wn + 2*wp'; default: gate area in um^2, of "
      "a column that of one cell's read port");
  size->add_option("--set", command.overrides, "Change a key of the study")->type_name("KEY=VALUE");
  size->add_option("-j,--workers", command.workers, "Worker processes; default: one per core")
      ->check(CLI::Range(1, 4096));
  size->footer(
      "Examples:\n"
      "  flare size studies/gallery/inverter_trip.toml --vary 'technology.parameters.wn=80 nm..600 nm' \\\n"
      "    --vary 'technology.parameters.wp=80 nm..900 nm'\n"
      "  flare size studies/size_stack.toml --vary 'column.sizes.wa=200 nm..900 nm' --vary "
      "'column.sizes.wd=200 nm..900 nm'");
}

int size_command(const SizeCommand& command, std::stop_token stop) {
  const Study study = read_study(command.study, command.overrides);
  SizeOptions options;
  options.cost = command.cost;
  for (const std::string& text : command.vary) options.keys.push_back(parse_size_key(text));
  engine::WorkerPoolOptions pool_options;
  pool_options.workers = command.workers;
  engine::WorkerPool pool(pool_options);
  engine::RunStore store;
  Progress progress(stderr);
  engine::SharedEvaluator evaluator(pool, 2 * static_cast<std::size_t>(pool.workers()) + 2);
  const StudyRun run{study, evaluator, store, progress, stop, {}};
  const SizeResult result = find_sizes(run, options);
  print(options, result);
  if (result.found) return exit_done;
  fmt::print(stderr, "flare: no sizes within the ranges hold {}: widen them\n", study.target.text());
  return exit_failure;
}

}  // namespace flare::studies
