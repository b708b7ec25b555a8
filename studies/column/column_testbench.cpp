#include "studies/column/column_testbench.hpp"

#include <fmt/format.h>

#include <cmath>
#include <stdexcept>

#include "studies/run/netlist_draws.hpp"
#include "studies/run/study_run.hpp"

namespace flare::studies {

namespace {

using engine::Testbench;

Testbench of_column(const Study& study, const ColumnOptions& options) {
  engine::DeckOptions deck_options;
  deck_options.commands = study.commands;
  for (const auto& [name, value] : study.parameters) deck_options.parameters[name] = fmt::format("{}", value);
  try {
    return column_testbench(options, study.file.parent_path() / "column netlist", deck_options);
  } catch (const engine::DeckError& e) {
    // The column is ours; what can be wrong is the user's card file and the sections asked of it, or the cell.
    throw StudyError(
        fmt::format("{}: with process '{}': {}", study.process_place, options.section, e.what()));
  }
}

/// `trouble`: why draws of the cards were left as they are.
std::shared_ptr<Testbench> column_bench(const Study& study, const ColumnOptions& options,
                                        const std::string& name, NotElaborated& trouble) {
  auto bench = std::make_shared<Testbench>(of_column(study, options));
  bench->name = name;
  bench->options = simulator_options(study);
  bench->options.temperature = options.temperature;
  bench->deck = study_deck(study, std::move(bench->deck), bench->options, &trouble);
  return bench;
}

}  // namespace

ColumnOptions column_options(const Study& study, int sawl, int on_cells, const Corner& corner) {
  ColumnOptions options;
  static_cast<ColumnSetup&>(options) = study.column->setup;
  // Absolute, so that a netlist written out runs from any folder; read_deck then takes the text in.
  options.card = std::filesystem::absolute(study.cards);
  options.cell.netlist = std::filesystem::absolute(options.cell.netlist);
  options.section = corner.process;
  options.sawl = sawl;
  options.on_cells = on_cells;
  options.supply = corner.supply.value();
  options.temperature = corner.temperature.value();
  // Until the pulse is known: any that a read may have.
  if (options.cell.read == ReadKind::clamp) options.wordline_off += read_start(options);
  return options;
}

engine::Deck column_deck(const Study& study, const ColumnOptions& options) {
  return of_column(study, options).deck;
}

LoadedCircuit column_circuit(const Study& study, int sawl, engine::Evaluator& evaluator) {
  const ColumnOptions options = column_options(study, sawl, sawl, study.nominal);
  NotElaborated trouble;
  const auto bench =
      column_bench(study, options, fmt::format("{} sawl {}", options.cell.name, sawl), trouble);
  LoadedCircuit loaded =
      load_circuit(evaluator, study, bench->deck, bench->options, varying_elements(options), trouble);
  add_variation(study, loaded, varying_elements(options), *bench);
  refuse_no_variation(study, *bench);
  check_nominals(evaluator, study, loaded, *bench);
  rehearse(evaluator, loaded.circuit, *bench);
  return loaded;
}

std::shared_ptr<Testbench> column_bench(const Study& study, const ColumnOptions& options,
                                        const std::string& name) {
  NotElaborated told_when_loaded;
  return column_bench(study, options, name, told_when_loaded);
}

std::shared_ptr<Testbench> level_testbench(const Study& study, const ColumnPoint& point, double wordline_off,
                                           int k, const LoadedCircuit* loaded) {
  ColumnOptions options = column_options(study, point.sawl, k, point.corner);
  options.wordline_off = wordline_off;
  auto bench = column_bench(study, options, fmt::format("{} k {}", point_name(study, point), k));
  if (loaded != nullptr) add_variation(study, *loaded, varying_elements(options), *bench);
  return bench;
}

engine::Matrix no_variation() { return engine::Matrix(1, 0); }

double single_value(const std::vector<engine::RunResult>& runs, const std::string& what) {
  const engine::RunResult& result = runs.front();
  const double value = measured(result, 0);
  if (!std::isnan(value)) return value;
  throw std::runtime_error(
      fmt::format("{}: no answer without any variation ({}{}{}); the design does not work there", what,
                  engine::simulated(result.outcome) ? "unmeasured" : engine::to_string(result.outcome),
                  result.message.empty() ? "" : ": ", result.message));
}

}  // namespace flare::studies
