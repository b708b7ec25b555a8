#include "studies/circuit_study.hpp"

#include <fmt/format.h>

#include "analysis/level_fit.hpp"
#include "engine/base/random_stream.hpp"
#include "studies/rare_event_runs.hpp"
#include "studies/study_testbench.hpp"

namespace flare::studies {

namespace {

std::string circuit_name(const Study& study) { return study.circuit->netlist.stem().string(); }

/// The netlist at one corner: ".lib FILE SECTION" lines of the study's card file take the corner's section.
engine::Deck circuit_deck(const Study& study, const Corner& corner) {
  engine::DeckOptions options;
  options.allow_commands = study.allow_commands;
  if (!study.cards.empty()) {
    options.library_sections[std::filesystem::absolute(study.cards).lexically_normal()] = corner.process;
  }
  return engine::read_deck(study.circuit->netlist, options);
}

std::shared_ptr<engine::Testbench> circuit_testbench(const Study& study, const Corner& corner,
                                                     const DeviceAreas* areas) {
  auto bench = std::make_shared<engine::Testbench>();
  bench->name = circuit_name(study) + " " + corner.name();
  bench->deck = circuit_deck(study, corner);
  bench->analysis = study.circuit->analysis;
  bench->measures = study.circuit->measures;
  add_variation(study, corner, {}, study.circuit->supply_source, areas, *bench);
  if (!study.circuit->supply_source.empty()) set_supply(corner.supply, study.circuit->supply_source, *bench);
  return bench;
}

std::size_t failing_index(const CircuitStudy& circuit) {
  std::size_t m = 0;
  while (circuit.measures[m].name != circuit.failing_measure) ++m;
  return m;
}

/// Fails where it is <= 0.
double margin(const CircuitStudy& circuit, double value) {
  return circuit.below ? value - *circuit.below : *circuit.above - value;
}

std::vector<analysis::Response> responses(const CircuitStudy& circuit,
                                          const std::vector<engine::RunResult>& runs) {
  const std::size_t m = failing_index(circuit);
  std::vector<analysis::Response> all;
  all.reserve(runs.size());
  for (const engine::RunResult& run : runs) {
    all.push_back(run.outcome == engine::Outcome::ok
                      ? analysis::Response::margin(margin(circuit, run.measures.at(m)))
                      : analysis::Response::unknown());
  }
  return all;
}

std::vector<double> margins(const Study& study, const SampleSet& samples) {
  std::vector<double> values = samples.values(failing_index(*study.circuit));
  for (double& v : values) v = margin(*study.circuit, v);
  return values;
}

/// Rare-event estimate at one corner; the plain samples are known draws of its search.
void estimate_failure(const StudyRun& run, CircuitPoint& point) {
  const CircuitStudy& circuit = *run.study.circuit;
  StoredEvaluator evaluator(run, "tails/" + point.samples.stream, point.samples.testbench);
  analysis::RareEventOptions options;
  options.method = rare_event_method(run.study.estimator.method);
  options.target_half_width = run.study.estimator.accuracy;
  options.max_runs = static_cast<std::uint64_t>(run.study.estimator.budget);
  options.seed = run.study.seed ^ engine::stream_key(point.samples.stream);
  options.known = {{1.0, point.samples.points, responses(circuit, point.samples.runs)}};
  point.summary = analysis::estimate_failure_probability(
      point.samples.testbench->dimension(),
      [&](const engine::Matrix& points) {
        run.progress.update(static_cast<double>(evaluator.runs()) / static_cast<double>(options.max_runs),
                            fmt::format("{} runs of at most {}", evaluator.runs(), options.max_runs));
        return responses(circuit, evaluator.evaluate(points));
      },
      options, run.stop);
  if (run.stop.stop_requested()) throw engine::Stopped();
  point.failure = probability_of(point.summary);
  point.tail_samples = evaluator.take_samples();
}

/// Shares of the variables in the nearest failing point.
void write_carriers(H5::H5File& file, const Study& study, const CircuitPoint& point) {
  if (point.summary.regions.empty()) return;
  const engine::Vector& nearest = point.summary.regions.front().most_probable_point;
  engine::TableRows<double, std::string, double> rows(
      {{{"distance", "sigma"}, {"variable", ""}, {"share", ""}}});
  for (const VariableShare& s : variable_shares(nearest, *point.samples.testbench)) {
    rows.add(nearest.norm(), s.variable, s.share);
  }
  engine::write_table(file, fmt::format("/points/{}/{}/carriers", circuit_name(study), point.corner.name()),
                      std::move(rows).table());
}

}  // namespace

CircuitPlan plan_circuit_study(const Study& study) {
  CircuitPlan plan;
  for (const Corner& corner : study.corners) {
    const auto bench = circuit_testbench(study, corner, nullptr);
    plan.dimension = bench->dimension();
    plan.variables.clear();
    for (const engine::Variable& v : bench->variables) plan.variables.push_back(v.name);
    plan.runs += static_cast<std::size_t>(study.estimator.runs);
  }
  return plan;
}

CircuitResult run_circuit_study(const StudyRun& run) {
  const Study& study = run.study;
  CircuitResult result;
  std::vector<engine::RunRequest> requests;
  const auto count = static_cast<std::size_t>(study.estimator.runs);
  for (std::size_t c = 0; c < study.corners.size(); ++c) {
    const Corner& corner = study.corners[c];
    const engine::Deck deck = circuit_deck(study, corner);
    const DeviceAreas areas = read_areas(run.evaluator, deck, sized_devices(study, deck, {}));
    auto bench = circuit_testbench(study, corner, &areas);
    const std::string stream = fmt::format("points/{}/{}", circuit_name(study), corner.name());
    const engine::SampleSource source{study.seed, stream, study.estimator.design, count};
    engine::Matrix points = engine::draw(source, 0, count, bench->dimension());
    if (run.shard.mine(c)) requests.push_back({stream, 0, std::move(bench), std::move(points)});
    result.points.push_back({corner, {}, {}, {}, {}});
  }
  auto results = run.run("samples", requests);
  if (run.shard.count > 1) return result;
  for (std::size_t c = 0; c < result.points.size(); ++c) {
    CircuitPoint& point = result.points[c];
    point.samples = {requests[c].stream, 0, requests[c].testbench, requests[c].points, std::move(results[c])};
    const auto fit = analysis::LevelFit::from_samples(margins(study, point.samples), point.samples.unknown());
    if (study.estimator.method == "fit") {
      point.failure = fit.tail(0.0, analysis::Side::below);
    } else if (study.estimator.method == "monte_carlo") {
      point.failure = fit.empirical_tail(0.0, analysis::Side::below);
    } else {
      run.progress.stage("failure at " + point.corner.name());
      estimate_failure(run, point);
      run.progress.finish(point.summary.brief_report());
    }
  }
  return result;
}

engine::Testbench circuit_replay_testbench(const Study& study, const std::string& group,
                                           engine::Evaluator& evaluator) {
  for (const Corner& corner : study.corners) {
    if (!group.starts_with(fmt::format("/points/{}/{}/", circuit_name(study), corner.name()))) continue;
    const engine::Deck deck = circuit_deck(study, corner);
    const DeviceAreas areas = read_areas(evaluator, deck, sized_devices(study, deck, {}));
    return *circuit_testbench(study, corner, &areas);
  }
  throw StudyError(group + ": is not a group of samples of a corner of the study");
}

void write_circuit_result(H5::H5File& file, const Study& study, const CircuitResult& result) {
  engine::TableRows<std::string, double, double, double, double, std::int64_t, std::int64_t, std::string,
                    std::string>
      rows({{{"corner", ""},
             {"p", ""},
             {"p_low", ""},
             {"p_high", ""},
             {"sigma", ""},
             {"runs", ""},
             {"unknown", ""},
             {"method", ""},
             {"status", ""}}});
  for (const CircuitPoint& point : result.points) {
    write_samples(file, fmt::format("/points/{}/{}/samples", circuit_name(study), point.corner.name()),
                  point.samples);
    if (!point.tail_samples.runs.empty()) {
      write_samples(file, fmt::format("/points/{}/{}/tail_samples", circuit_name(study), point.corner.name()),
                    point.tail_samples);
    }
    write_carriers(file, study, point);
    const analysis::TailProbability& failure = point.failure;
    rows.add(point.corner.name(), failure.p, failure.low, failure.high, failure.sigma(),
             static_cast<std::int64_t>(failure.runs), static_cast<std::int64_t>(failure.unknown),
             failure.method, std::string(analysis::to_string(failure.status)));
  }
  engine::write_table(file, "/failures", std::move(rows).table());
}

}  // namespace flare::studies
