#include "studies/circuit/circuit_study.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>

#include "analysis/results/carrier_table.hpp"
#include "analysis/results/spec_table.hpp"
#include "studies/circuit/circuit_margin.hpp"
#include "studies/circuit/circuit_testbench.hpp"
#include "studies/run/netlist_draws.hpp"
#include "studies/run/rare_event_runs.hpp"
#include "studies/run/sample_rows.hpp"

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

bool asks_limits(const CircuitStudy& circuit) {
  return std::any_of(circuit.specs.begin(), circuit.specs.end(),
                     [](const Spec& spec) { return spec.asked.has_value(); });
}

/// What was found at a corner, in a line.
std::string told(const CircuitStudy& circuit, const CircuitPoint& point) {
  if (point.answers.size() == 1 && !point.answers.front().limit) return point.answers.front().search;
  return fmt::format("{} specs from {} runs", circuit.specs.size(), point.tail_samples.runs.size());
}

/// Throws where a corner's samples show that there is no number to be had.
void check_point(const StudyRun& run, const CircuitPoint& point) {
  check_samples(run.study, point.samples, "at " + point.corner.name(),
                [&](const engine::Matrix& more) { return plain_runs(run, point.samples.testbench, more); });
}

/// What plain Monte Carlo makes beyond the samples that are kept.
void count_further_runs(const StudyRun& run, CircuitResult& result) {
  const std::size_t kept = runs_kept(run.study);
  const auto total = static_cast<std::size_t>(run.study.estimator.runs);
  if (kept == total) return;
  result.notes.push_back(fmt::format(
      "of {} runs a corner the first {} are kept as samples, and {} more that fail; the others are "
      "counted{}",
      total, kept, kept_failures, asks_limits(*run.study.circuit) ? "; limits are of the samples" : ""));
  run.progress.note(result.notes.back());
  for (const CircuitPoint& point : result.points) check_point(run, point);
  run.progress.stage("counting");
  for (CircuitPoint& point : result.points) {
    const SampleSet& samples = point.samples;
    const engine::SampleSource source{run.study.seed, samples.stream, run.study.estimator.design, total};
    point.counted = count_runs(run, source, samples.testbench, kept, "at " + point.corner.name());
  }
  run.progress.finish(fmt::format("{} runs at each of {} corners", total - kept, result.points.size()));
}

/// What each spec is answered at one corner, by the study's method.
void answer_specs(const StudyRun& run, CircuitPoint& point) {
  const Study& study = run.study;
  const CircuitStudy& circuit = *study.circuit;
  const std::string& method = study.estimator.method;
  if (method != "fit" && method != "monte_carlo") {
    SpecEstimates made = estimate_specs(run, point.samples, "at " + point.corner.name());
    point.answers = std::move(made.answers);
    point.tail_samples = std::move(made.tail_samples);
    return;
  }
  for (const Spec& spec : circuit.specs) {
    SpecAnswer& answer = point.answers.emplace_back();
    if (spec.asked) {
      answer.limit = fitted_limit(circuit, spec, point.samples, study.target.largest());
    } else {
      const bool more = !point.counted.specs.empty();
      answer.failure = method == "fit" ? fitted_failure(circuit, spec, point.samples)
                                       : counted_failure(circuit, spec, point.samples,
                                                         more ? point.counted.specs[point.answers.size() - 1]
                                                              : FailureCounts{});
    }
  }
}

/// Corner after corner side by side: one alone would leave workers idle between its batches.
void answer_corners(const StudyRun& run, std::vector<CircuitPoint>& points) {
  run.progress.stage("failures");
  std::atomic<std::size_t> done = 0;
  std::vector<std::function<void()>> tasks;
  for (CircuitPoint& point : points) {
    tasks.emplace_back([&] {
      check_point(run, point);
      answer_specs(run, point);
      run.progress.update(static_cast<double>(++done) / static_cast<double>(points.size()),
                          fmt::format("{} of {} corners", done.load(), points.size()));
    });
  }
  run.at_once(tasks);
  if (points.size() == 1) return run.progress.finish(told(*run.study.circuit, points.front()));
  std::size_t runs = 0;
  for (const CircuitPoint& point : points) runs += point.tail_samples.runs.size();
  run.progress.finish(fmt::format("{} corners, {} runs", points.size(), runs));
}

/// Shares of the variables in the nearest failing points.
void write_carriers(H5::H5File& file, const Study& study, const CircuitPoint& point) {
  std::vector<analysis::CarrierRow> rows;
  for (std::size_t s = 0; s < point.answers.size(); ++s) {
    const engine::Vector& nearest = point.answers[s].nearest;
    if (nearest.size() == 0) continue;
    for (const VariableShare& v : variable_shares(nearest, *point.samples.testbench)) {
      rows.push_back({0,
                      {},
                      nearest.norm(),
                      v.variable,
                      v.share,
                      v.coordinate,
                      area_slope(study, v, nearest.norm()),
                      study.circuit->specs[s].name});
    }
  }
  if (!rows.empty()) analysis::write_circuit_carriers(file, circuit_name(study), point.corner.name(), rows);
}

/// The specs as /specs holds them, without an answer yet.
std::vector<analysis::SpecRow> spec_rows(const Study& study) {
  std::vector<analysis::SpecRow> rows;
  for (const Spec& spec : study.circuit->specs) {
    if (spec.asked) continue;
    const engine::Measure& m = study.circuit->measures[spec.measure];
    analysis::SpecRow& row = rows.emplace_back();
    row.spec = spec.name;
    row.measure = m.name;
    row.unit = m.unit;
    row.min = spec.below.value_or(NAN);
    row.max = spec.above.value_or(NAN);
    row.target = study.target.largest();
  }
  return rows;
}

std::vector<analysis::LimitRow> limit_rows(const Study& study, const CircuitResult& result) {
  std::vector<analysis::LimitRow> rows;
  for (std::size_t s = 0; s < study.circuit->specs.size(); ++s) {
    const Spec& spec = study.circuit->specs[s];
    if (!spec.asked) continue;
    const engine::Measure& m = study.circuit->measures[spec.measure];
    for (const CircuitPoint& point : result.points) {
      rows.push_back({spec.name, m.name, m.unit, *spec.asked, point.corner.name(), *point.answers[s].limit,
                      study.target.largest(), false});
    }
  }
  analysis::mark_worst(rows);
  return rows;
}

/// Adds what one corner takes; `run`: s.
void add_corner(const Study& study, double run, WorkEstimate& work) {
  const std::string& method = study.estimator.method;
  const bool counts = method == "fit" || method == "monte_carlo";
  const auto plain = static_cast<std::size_t>(study.estimator.runs);
  const TailRuns tails = counts ? TailRuns() : expected_tail_runs(study);
  const std::size_t likely = plain + tails.likely;
  work.least_runs += plain;
  work.likely_runs += likely;
  work.counted_runs += plain - runs_kept(study);
  work.most_runs += plain + tails.most;
  work.likely_seconds += static_cast<double>(likely) * run;
  work.most_seconds += static_cast<double>(plain + tails.most) * run;
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
  if (run.shard.stage != ShardStage::items)
    throw StudyError("a study of a circuit has no screening to share out: leave --stage out");
  // Corners are alike: a weight each.
  for (const std::size_t c : items_of(std::vector<double>(study.corners.size(), 1.0), run.shard)) {
    const Corner& corner = study.corners[c];
    CircuitTestbench made = circuit_testbench(study, corner, run.evaluator);
    check_budget(study, made.testbench->dimension());
    add_notes(result.notes, made.notes);
    const std::string stream = fmt::format("points/{}/{}", circuit_name(study), corner.name());
    const engine::SampleSource source{study.seed, stream, study.estimator.design, count};
    engine::Matrix points = engine::draw(source, 0, runs_kept(study), made.testbench->dimension());
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
  count_further_runs(run, result);
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
    if (!point.counted.failing.runs.empty()) {
      write_samples_of(file,
                       fmt::format("/points/{}/{}/failing_samples", circuit_name(study), point.corner.name()),
                       point.counted.failing, point.counted.failing_indices);
    }
    write_carriers(file, study, point);
    for (std::size_t i = 0; i < point.answers.size(); ++i) {
      if (point.answers[i].limit) continue;
      failures.push_back({point.corner.name(), point.answers[i].failure, study.circuit->specs[i].name});
    }
  }
  analysis::write_failures(file, failures);
  analysis::write_specs(file, analysis::make_spec_verdict(spec_rows(study), failures), study.target);
  analysis::write_limits(file, limit_rows(study, result), study.target);
  if (!result.notes.empty()) engine::write_attribute(file, "/failures", "notes", result.notes);
}

}  // namespace flare::studies
