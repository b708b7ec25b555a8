#include "studies/cli/worst_point.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "analysis/results/carrier_table.hpp"
#include "analysis/results/spec_table.hpp"
#include "analysis/results/verdict_table.hpp"
#include "engine/netlist/deck_lexer.hpp"
#include "engine/netlist/deck_options.hpp"
#include "engine/netlist/deck_parameters.hpp"
#include "engine/simulate/netlist_text.hpp"
#include "studies/circuit/circuit_study.hpp"
#include "studies/cli/study_inputs.hpp"
#include "studies/cli/study_program.hpp"
#include "studies/column/column_replay.hpp"
#include "studies/run/result_inputs.hpp"

namespace flare::studies {

namespace {

/// Coordinates by variable as the bench has them; what the bench does not have (a converter's own) is left out.
Eigen::RowVectorXd point_of(const engine::Testbench& bench, const std::vector<analysis::CarrierRow>& rows) {
  Eigen::RowVectorXd point = Eigen::RowVectorXd::Zero(static_cast<Eigen::Index>(bench.dimension()));
  for (const analysis::CarrierRow& row : rows) {
    const auto at = std::find_if(bench.variables.begin(), bench.variables.end(),
                                 [&](const engine::Variable& v) { return v.name == row.variable; });
    if (at != bench.variables.end()) point[at - bench.variables.begin()] = row.coordinate;
  }
  return point;
}

[[noreturn]] void no_point(const H5::H5File& file, const std::string& what) {
  throw StudyError(
      fmt::format("{}: no failing point is known of {}: its number does not rest on one (method \"fit\" or "
                  "\"monte_carlo\"), or it was refused",
                  file.getFileName(), what));
}

void check_coordinates(const H5::H5File& file, const std::vector<analysis::CarrierRow>& rows,
                       const std::string& what) {
  if (rows.empty() || std::isnan(rows.front().coordinate)) no_point(file, what);
}

WorstPoint circuit_point(const H5::H5File& file, const Study& study, const std::string& spec,
                         engine::Evaluator& evaluator) {
  const std::vector<analysis::SpecRow> specs = analysis::read_specs(file);
  const auto at = std::find_if(specs.begin(), specs.end(), [&](const analysis::SpecRow& row) {
    return spec.empty() ? row.limiting : row.spec == spec;
  });
  if (at == specs.end()) {
    std::vector<std::string> names;
    names.reserve(specs.size());
    for (const analysis::SpecRow& row : specs) names.push_back(row.spec);
    throw StudyError(fmt::format("{}: has no verdict of {}; there is {}", file.getFileName(),
                                 spec.empty() ? "a circuit" : "'" + spec + "'", fmt::join(names, ", ")));
  }
  const std::string circuit = study.circuit->netlist.stem().string();
  std::vector<analysis::CarrierRow> rows = analysis::read_circuit_carriers(file, circuit, at->corner);
  std::erase_if(rows, [&](const analysis::CarrierRow& row) { return row.spec != at->spec; });
  WorstPoint worst;
  worst.what = fmt::format("{} at {}", at->spec, at->corner);
  check_coordinates(file, rows, worst.what);
  const std::string group = fmt::format("/points/{}/{}", circuit, at->corner);
  worst.tail_samples = group + "/tail_samples";
  worst.plain_samples = group + "/samples";
  worst.bench = circuit_replay_testbench(study, group + "/", evaluator);
  worst.point = point_of(worst.bench, rows);
  return worst;
}

WorstPoint column_point(const H5::H5File& file, const Study& study, engine::Evaluator& evaluator) {
  const std::vector<analysis::VerdictRow> verdict = analysis::read_verdict(file);
  const auto at = std::max_element(verdict.begin(), verdict.end(), [](const auto& a, const auto& b) {
    return analysis::worse(b.error, a.error);
  });
  if (at == verdict.end()) throw StudyError(file.getFileName() + ": holds no verdict");
  std::vector<analysis::CarrierRow> rows = analysis::read_column_carriers(file, at->key);
  std::erase_if(rows, [&](const analysis::CarrierRow& row) {
    return row.k != at->level || row.direction != at->direction;
  });
  WorstPoint worst;
  worst.what = fmt::format("level {} of SAWL {} read as too {} at {}", at->level, at->key.sawl,
                           at->direction == analysis::Direction::down ? "low" : "high", at->key.corner);
  check_coordinates(file, rows, worst.what);
  const std::string group = at->key.point_path();
  worst.tail_samples = fmt::format("{}/tail_samples/k{}", group, at->level);
  worst.plain_samples = fmt::format("{}/samples/k{}", group, at->level);
  worst.bench = column_replay_testbench(study, file, worst.plain_samples, 0, evaluator);
  worst.point = point_of(worst.bench, rows);
  return worst;
}

}  // namespace

Study study_of(const H5::H5File& file, bool allow_commands, const std::filesystem::path& moved_to) {
  Study study = parse_study(
      engine::read_text(file, "/", "study"),
      moved_to.empty() ? std::filesystem::path(engine::read_text(file, "/", "study_file")) : moved_to);
  refuse_commands_of(study, file.getFileName(), allow_commands);
  const std::string changed = changed_inputs(file, study_inputs(study));
  if (!changed.empty())
    throw StudyError(
        fmt::format("{}: cannot be simulated again: {} since it was made", file.getFileName(), changed));
  return study;
}

WorstPoint worst_point(const H5::H5File& file, const Study& study, const std::string& spec,
                       engine::Evaluator& evaluator) {
  if (study.adc) throw StudyError("a study of converters ([adc]) has no failing point");
  if (!study.sweep.empty()) {
    throw StudyError(file.getFileName() +
                     ": is a sweep; run the point alone, with --set, and ask for its worst point");
  }
  return study.circuit ? circuit_point(file, study, spec, evaluator) : column_point(file, study, evaluator);
}

std::string netlist_at(const engine::Testbench& bench, const Eigen::RowVectorXd& point,
                       engine::Evaluator& evaluator) {
  if (engine::length_unit(engine::statements_of(bench.deck)) != 1.0)
    throw StudyError(bench.name +
                     ": the netlist has an option scale, with which sizes cannot be written back");
  const std::vector<engine::Move> moves = engine::knob_moves(bench.knobs, bench.variables, point);
  engine::Testbench fixed = bench;
  std::map<std::string, engine::Move> parameters;
  for (std::size_t k = 0; k < bench.knobs.size(); ++k) {
    if (bench.knobs[k].kind == engine::KnobKind::parameter) parameters[bench.knobs[k].parameter] = moves[k];
  }
  if (!parameters.empty()) fixed.deck = engine::with_moved_parameters(bench.deck, parameters);
  std::vector<engine::Knob> asked;
  for (const engine::Knob& knob : bench.knobs) {
    if (knob.kind == engine::KnobKind::instance || knob.kind == engine::KnobKind::model)
      asked.push_back(knob);
  }
  const std::vector<double> values = asked.empty()
                                         ? std::vector<double>()
                                         : evaluator.values(fixed.deck, bench.options, bench.settings, asked);
  std::vector<double> starts(bench.knobs.size(), bench.options.temperature);
  std::size_t next = 0;
  for (std::size_t k = 0; k < bench.knobs.size(); ++k) {
    const engine::KnobKind kind = bench.knobs[k].kind;
    if (kind == engine::KnobKind::instance || kind == engine::KnobKind::model) starts[k] = values[next++];
  }
  for (const engine::NetlistFormula& f : bench.formulas)
    starts[f.knob] = f.formula({point.data(), static_cast<std::size_t>(point.size())});
  const std::vector<double> all = engine::knob_settings(bench.knobs, bench.variables, starts, point);
  std::vector<double> settings;
  fixed.knobs.clear();
  for (std::size_t k = 0; k < bench.knobs.size(); ++k) {
    if (bench.knobs[k].kind == engine::KnobKind::parameter) continue;
    fixed.knobs.push_back(bench.knobs[k]);
    settings.push_back(all[k]);
  }
  return engine::netlist_text(fixed, settings);
}

}  // namespace flare::studies
