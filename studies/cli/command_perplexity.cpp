#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "analysis/report/figure_file.hpp"
#include "engine/base/units.hpp"
#include "studies/cli/commands.hpp"
#include "studies/model/perplexity_cost.hpp"
#include "studies/model/perplexity_recovery.hpp"
#include "studies/model/perplexity_sweep.hpp"
#include "studies/run/progress.hpp"
#include "studies/run/table_file.hpp"

namespace flare::studies {
namespace {

constexpr const char* table_format = "flare-perplexity/1";

void check_inputs(const PerplexityCommand& c) {
  for (const std::filesystem::path& input : {c.model, c.text})
    if (!std::filesystem::exists(input)) throw StudyError(input.string() + ": no such file");
  if (!c.out.empty()) check_place(c.out, table_format);
  const bool on_cells = c.attention == "cell";
  const bool needs_cells = c.adapt || !c.sweep.empty() || c.recovery > 0 || c.dies > 0 || c.noise > 0;
  if (!on_cells && needs_cells)
    throw StudyError(fmt::format(
        "--adapt, --sweep, --recovery, --dies and --noise are about cells; give --attention cell, not {}",
        c.attention));
  if (c.recovery > 0 && !c.sweep.empty()) throw StudyError("--recovery and --sweep: one at a time");
  if (!c.sweep.empty() && c.figures.empty() && c.out.empty())
    throw StudyError("--sweep: needs --figures DIR or -o OUT.h5 for its rows");
  if (!c.figures.empty() && (!c.sweep.empty() || c.recovery > 0) && !std::filesystem::is_directory(c.figures))
    throw StudyError(c.figures.string() + ": no such folder");
  if (!c.figures.empty())
    analysis::check_figure_place(c.figures, c.sweep.empty() ? "perplexity_trace" : "perplexity_" + c.sweep);
}

double token_time(const std::string& text) {
  try {
    const double t = engine::quantity(text, "s");
    if (t > 0) return t;
  } catch (const engine::UnitError& e) {
    throw StudyError(fmt::format("--token-time: {}", e.what()));
  }
  throw StudyError("--token-time: a time above 0 is expected, as \"0.78 us\"");
}

CellChoice choice_of(const PerplexityCommand& c, int positions) {
  CellChoice choice;
  choice.window = c.window > 0 ? c.window : positions;
  choice.token_time = token_time(c.token_time);
  choice.decay = c.decay;
  choice.mismatch = c.mismatch;
  choice.noise = c.noise;
  choice.transfer = c.transfer;
  choice.seed = static_cast<std::uint64_t>(c.seed);
  return choice;
}

/// The cell a model was trained with, without leakage but that of the training.
NamedCell trained_cell(const PerplexityCommand& c, int positions) {
  CellChoice choice;
  choice.window = positions;
  return named_cell(c.trained_on, choice);
}

void print_row(const PerplexityRow& row) {
  std::string what = row.attention;
  if (row.attention == "cell") what += " " + row.cell + (row.corner.empty() ? "" : "/" + row.corner);
  fmt::print("{:<44} {:<10} {:>6} {:>9} {:>9.5f} {:>8.5f} {:>10.4f}\n", what, row.adapted ? "adapted" : "",
             row.repeats, row.tokens, row.loss, row.sigma, std::exp(row.loss));
}

void print_rows(const std::vector<PerplexityRow>& rows) {
  fmt::print("{:<44} {:<10} {:>6} {:>9} {:>9} {:>8} {:>10}\n", "attention", "", "dies", "tokens", "loss",
             "sigma", "perplexity");
  for (const PerplexityRow& row : rows) print_row(row);
}

engine::Table trace_table(const std::vector<double>& losses) {
  std::vector<std::int64_t> passes;
  passes.reserve(losses.size());
  for (std::size_t i = 0; i < losses.size(); ++i) passes.push_back(static_cast<std::int64_t>(i));
  engine::Table table;
  table.add("pass", "", passes).add("loss", "nat", losses);
  return table;
}

void write_figure(const std::filesystem::path& path, const std::string& svg) {
  engine::write_text(analysis::figure_output(path, svg));
  fmt::print("Figure: {}\n", path.string());
}

/// Of the cells asked for, where they were measured; empty elsewhere.
std::vector<TokenCost> costs_of(const PerplexityCommand& c, int positions) {
  if (c.attention != "cell" || !c.sweep.empty() || cell_spec_file(c.cells).empty()) return {};
  const NamedCell cell = named_cell(c.cells, choice_of(c, positions));
  return token_costs(cell.cell + "/" + cell.corner, cell.head_time, cell.token_energy);
}

std::vector<PerplexityRow> rows_of(const PerplexityCommand& c, PerplexityBench& bench, Progress& progress) {
  if (c.attention == "softmax") return {bench.softmax()};
  const CellChoice choice = choice_of(c, bench.positions());
  if (c.attention == "linear") return {bench.on_cells(named_cell("linear", choice), 0)};
  const NamedCell trained = trained_cell(c, bench.positions());
  if (c.recovery > 0) {
    RecoveryOptions options{c.recovery, c.dies > 0};
    options.progress = [&](int done, int total) {
      progress.note(fmt::format("seed {} of {}", done + 1, total));
    };
    return recovery_rows(bench, named_cell(c.cells, choice), trained, options);
  }
  if (c.sweep.empty())
    return {bench.on_cells(named_cell(c.cells, choice), c.dies, c.adapt ? &trained : nullptr)};
  SweepOptions options{c.cells, choice, c.dies > 0 ? c.dies : 5};
  options.progress = [&](int done, int total, const std::string& point) {
    progress.note(fmt::format("{} of {}: {}", done + 1, total, point));
  };
  return sweep_perplexity(c.sweep, bench, trained, options);
}

void write_result(const PerplexityCommand& c, const std::vector<PerplexityRow>& rows,
                  const std::vector<double>& trace, const std::vector<TokenCost>& costs) {
  write_table_file(c.out, table_format, [&](H5::H5File& file) {
    engine::write_table(file, "/perplexity", perplexity_table(rows));
    engine::write_attribute(file, "/", "text", c.text.string());
    engine::write_attribute(file, "/", "seed", c.seed);
    if (!costs.empty()) engine::write_table(file, "/perplexity_cost", cost_table(costs));
    if (c.recovery > 0) engine::write_table(file, "/perplexity_recovery", recovery_table(recoveries(rows)));
    if (!trace.empty()) engine::write_table(file, "/perplexity_trace", trace_table(trace));
  });
  fmt::print("Tables: {}\n", c.out.string());
}

}  // namespace

int perplexity_command(const PerplexityCommand& command, std::stop_token stop) {
  check_inputs(command);
  Progress progress(stderr);
  arch::TextRun run;
  run.stop = std::move(stop);
  run.progress = [&](std::int64_t done, std::int64_t total) {
    if (total > 100)
      progress.update(static_cast<double>(done) / static_cast<double>(total),
                      fmt::format("{} of {} windows", done, total));
  };
  PerplexityBench bench(
      {command.model, command.text, command.adaptation_text, command.characters, command.reset_scalers}, run);
  progress.stage("perplexity");
  const std::vector<PerplexityRow> rows = rows_of(command, bench, progress);
  progress.finish(fmt::format("{} characters", rows.front().tokens));
  print_rows(rows);
  if (command.recovery > 0) fmt::print("{}\n", recovery_text(recoveries(rows)));
  const std::vector<TokenCost> costs = costs_of(command, bench.positions());
  if (!costs.empty()) print_costs(costs);
  if (!command.out.empty()) write_result(command, rows, bench.trace(), costs);
  if (command.figures.empty()) return exit_done;
  if (command.recovery > 0)
    write_figure(command.figures / "perplexity_recovery.svg", draw_recovery(recoveries(rows)));
  else if (!command.sweep.empty())
    write_figure(command.figures / fmt::format("perplexity_{}.svg", command.sweep),
                 draw_sweep(command.sweep, rows));
  else if (!bench.trace().empty())
    write_figure(command.figures / "perplexity_trace.svg", draw_trace(bench.trace()));
  return exit_done;
}

}  // namespace flare::studies
