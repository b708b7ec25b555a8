#include "studies/circuit/circuit_study.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "analysis/results/carrier_table.hpp"
#include "analysis/results/failure_table.hpp"
#include "engine/base/random_stream.hpp"
#include "studies/circuit/circuit_margin.hpp"
#include "studies/circuit/circuit_testbench.hpp"
#include "studies/run/netlist_draws.hpp"
#include "studies/run/rare_event_runs.hpp"

namespace flare::studies {

namespace {

std::string circuit_name(const Study& study) { return study.circuit->netlist.stem().string(); }

/// Corners often have the same to say: each note once.
void add_notes(std::vector<std::string>& notes, const std::vector<std::string>& more) {
  for (const std::string& note : more) {
    if (std::find(notes.begin(), notes.end(), note) == notes.end()) notes.push_back(note);
  }
}

/// What is the same at all corners once; another line for a draw that is known says its corner.
void add_draws(std::vector<std::string>& draws, const std::vector<std::string>& more, const Corner& corner) {
  const auto named = [](const std::string& line) { return line.substr(0, line.find("  ") + 2); };
  for (const std::string& line : more) {
    if (std::find(draws.begin(), draws.end(), line) != draws.end()) continue;
    const bool known = std::any_of(draws.begin(), draws.end(),
                                   [&](const std::string& other) { return other.starts_with(named(line)); });
    draws.push_back(known ? fmt::format("{}  at {}", line, corner.name()) : line);
  }
}

/// Runs that no estimate uses: not kept.
std::vector<engine::RunResult> plain_runs(const StudyRun& run,
                                          const std::shared_ptr<const engine::Testbench>& testbench,
                                          const engine::Matrix& points) {
  std::vector<engine::RunResult> results(static_cast<std::size_t>(points.rows()));
  const engine::Job job{testbench, points};
  run.evaluator.evaluate(
      {&job, 1},
      [&](std::size_t, std::size_t row, const engine::RunResult& result) { results[row] = result; },
      run.stop);
  if (run.stop.stop_requested()) throw engine::Stopped();
  return results;
}

/// Rare-event estimate at one corner; the plain samples are known draws of its search.
void estimate_failure(const StudyRun& run, CircuitPoint& point) {
  const CircuitStudy& circuit = *run.study.circuit;
  const std::string where = "at " + point.corner.name();
  StoredEvaluator evaluator(run, "tails/" + point.samples.stream, point.samples.testbench);
  analysis::RareEventOptions options;
  options.method = rare_event_method(run.study.estimator.method);
  options.target_half_width = run.study.estimator.accuracy;
  options.max_runs = static_cast<std::uint64_t>(run.study.estimator.budget);
  options.seed = run.study.seed ^ engine::stream_key(point.samples.stream);
  options.known = {{1.0, point.samples.points, responses(circuit, point.samples.runs, where)}};
  point.summary = analysis::estimate_failure_probability(
      point.samples.testbench->dimension(),
      [&](const engine::Matrix& points) { return responses(circuit, evaluator.evaluate(points), where); },
      options, run.stop);
  if (run.stop.stop_requested()) throw engine::Stopped();
  point.failure = probability_of(point.summary);
  point.tail_samples = evaluator.take_samples();
}

/// All that is asked of one corner, from its plain samples.
void answer_corner(const StudyRun& run, CircuitPoint& point) {
  const Study& study = run.study;
  check_samples(study, point.samples, "at " + point.corner.name(), [&](const engine::Matrix& points) {
    return plain_runs(run, point.samples.testbench, points);
  });
  if (study.estimator.method == "fit") {
    point.failure = fitted_failure(*study.circuit, point.samples);
  } else if (study.estimator.method == "monte_carlo") {
    point.failure = counted_failure(*study.circuit, point.samples);
  } else {
    estimate_failure(run, point);
  }
}

/// Corner after corner side by side: one alone would leave workers idle between its batches.
void answer_corners(const StudyRun& run, std::vector<CircuitPoint>& points) {
  run.progress.stage("failures");
  std::atomic<std::size_t> done = 0;
  std::vector<std::function<void()>> tasks;
  for (CircuitPoint& point : points) {
    tasks.emplace_back([&] {
      answer_corner(run, point);
      run.progress.update(static_cast<double>(++done) / static_cast<double>(points.size()),
                          fmt::format("{} of {} corners", done.load(), points.size()));
    });
  }
  run.at_once(tasks);
  std::size_t runs = 0;
  for (const CircuitPoint& point : points) runs += point.tail_samples.runs.size();
  if (points.size() == 1 && runs > 0) return run.progress.finish(points.front().summary.brief_report());
  run.progress.finish(fmt::format("{} corners, {} runs", points.size(), runs));
}

/// Shares of the variables in the nearest failing point.
void write_carriers(H5::H5File& file, const Study& study, const CircuitPoint& point) {
  if (point.summary.regions.empty()) return;
  const engine::Vector& nearest = point.summary.regions.front().most_probable_point;
  std::vector<analysis::CarrierRow> rows;
  for (const VariableShare& s : variable_shares(nearest, *point.samples.testbench)) {
    rows.push_back({0, {}, nearest.norm(), s.variable, s.share});
  }
  analysis::write_circuit_carriers(file, circuit_name(study), point.corner.name(), rows);
}

/// Adds what one corner takes; `run`: s.
void add_corner(const Study& study, double run, WorkEstimate& work) {
  const std::string& method = study.estimator.method;
  const bool counts = method == "fit" || method == "monte_carlo";
  const auto plain = static_cast<std::size_t>(study.estimator.runs);
  const auto budget = counts ? 0 : static_cast<std::size_t>(study.estimator.budget);
  const std::size_t likely = plain + std::min(usual_tail_runs, budget);
  work.likely_runs += likely;
  work.most_runs += plain + budget;
  work.likely_seconds += static_cast<double>(likely) * run;
  work.most_seconds += static_cast<double>(plain + budget) * run;
  work.items += 1;
  work.longest_item = std::max(work.longest_item, static_cast<double>(likely) * run);
}

}  // namespace

CircuitPlan plan_circuit_study(const Study& study, engine::Evaluator& evaluator) {
  CircuitPlan plan;
  for (const Corner& corner : study.corners) {
    CircuitTestbench made = circuit_testbench(study, corner, evaluator);
    plan.dimension = plan.work.dimension = made.testbench->dimension();
    check_budget(study, plan.dimension);
    plan.variables.clear();
    for (const engine::Variable& v : made.testbench->variables) plan.variables.push_back(v.name);
    add_draws(plan.draws, describe_draws(*made.testbench), corner);
    add_corner(study, time_a_run(evaluator, *made.testbench), plan.work);
    add_notes(plan.notes, made.notes);
  }
  return plan;
}

CircuitResult run_circuit_study(const StudyRun& run) {
  const Study& study = run.study;
  CircuitResult result;
  std::vector<engine::RunRequest> requests;
  const auto count = static_cast<std::size_t>(study.estimator.runs);
  if (run.shard.screening)
    throw StudyError("a study of a circuit has no screening to share out: leave --stage out");
  // Corners are alike: a weight each.
  for (const std::size_t c : items_of(std::vector<double>(study.corners.size(), 1.0), run.shard)) {
    const Corner& corner = study.corners[c];
    CircuitTestbench made = circuit_testbench(study, corner, run.evaluator);
    check_budget(study, made.testbench->dimension());
    add_notes(result.notes, made.notes);
    const std::string stream = fmt::format("points/{}/{}", circuit_name(study), corner.name());
    const engine::SampleSource source{study.seed, stream, study.estimator.design, count};
    engine::Matrix points = engine::draw(source, 0, count, made.testbench->dimension());
    requests.push_back({stream, 0, std::move(made.testbench), std::move(points)});
    result.points.push_back({corner, {}, {}, {}, {}});
  }
  for (const std::string& note : result.notes) run.progress.note(note);
  if (requests.empty()) return result;
  auto results = run.run("samples", requests);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    result.points[i].samples = {requests[i].stream, 0, requests[i].testbench, requests[i].points,
                                std::move(results[i])};
  }
  answer_corners(run, result.points);
  return result;
}

engine::Testbench circuit_replay_testbench(const Study& study, const std::string& group,
                                           engine::Evaluator& evaluator) {
  for (const Corner& corner : study.corners) {
    if (!group.starts_with(fmt::format("/points/{}/{}/", circuit_name(study), corner.name()))) continue;
    return *circuit_testbench(study, corner, evaluator).testbench;
  }
  throw StudyError(group + ": is not a group of samples of a corner of the study");
}

void write_circuit_result(H5::H5File& file, const Study& study, const CircuitResult& result) {
  std::vector<analysis::FailureRow> failures;
  for (const CircuitPoint& point : result.points) {
    write_samples(file, fmt::format("/points/{}/{}/samples", circuit_name(study), point.corner.name()),
                  point.samples);
    if (!point.tail_samples.runs.empty()) {
      write_samples(file, fmt::format("/points/{}/{}/tail_samples", circuit_name(study), point.corner.name()),
                    point.tail_samples);
    }
    write_carriers(file, study, point);
    failures.push_back({point.corner.name(), point.failure});
  }
  analysis::write_failures(file, failures);
  if (!result.notes.empty()) engine::write_attribute(file, "/failures", "notes", result.notes);
}

}  // namespace flare::studies
