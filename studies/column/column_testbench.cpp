#include "studies/column/column_testbench.hpp"

#include <fmt/format.h>

#include <cmath>
#include <stdexcept>

#include "studies/run/study_run.hpp"

namespace flare::studies {

namespace {

using engine::Testbench;

constexpr std::string_view level_measure = "level";

engine::Measure bitline_level() {
  engine::Measure measure;
  measure.name = level_measure;
  measure.vector = "v(rbl)";
  measure.unit = std::string("V");
  return measure;
}

}  // namespace

LoadedCircuit column_circuit(const Study& study, int sawl, engine::Evaluator& evaluator) {
  const ColumnOptions options = column_options(study, sawl, sawl, study.nominal);
  const auto bench = bare_testbench(study, options, fmt::format("{} sawl {}", study.column->cell, sawl));
  LoadedCircuit loaded =
      load_circuit(evaluator, study, bench->deck, bench->options, matched_devices(options));
  bench->measures = {bitline_level()};
  add_variation(study, loaded, matched_devices(options), *bench);
  check_nominals(evaluator, study, loaded, *bench);
  rehearse(evaluator, loaded.circuit, *bench);
  return loaded;
}

std::shared_ptr<Testbench> bare_testbench(const Study& study, const ColumnOptions& options,
                                          const std::string& name) {
  auto bench = std::make_shared<Testbench>();
  bench->name = name;
  bench->deck = column_deck(study, options);
  bench->options = simulator_options(study);
  bench->options.temperature = options.temperature;
  bench->analysis.stop = sense_time(options);
  bench->analysis.max_step = options.max_step > 0.0 ? options.max_step : bench->analysis.stop / 20.0;
  bench->analysis.step = bench->analysis.max_step;
  return bench;
}

std::shared_ptr<Testbench> level_testbench(const Study& study, const ColumnPoint& point, double wordline_off,
                                           int k, const LoadedCircuit* loaded) {
  ColumnOptions options = column_options(study, point.sawl, k, point.corner);
  options.wordline_off = wordline_off;
  auto bench = bare_testbench(study, options, fmt::format("{} k {}", point_name(study, point), k));
  bench->measures = {bitline_level()};
  if (loaded != nullptr) add_variation(study, *loaded, matched_devices(options), *bench);
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
