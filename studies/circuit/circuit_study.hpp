// The study of any netlist with measures and limits: how probable is it that a sample fails them?
#pragma once

#include <string>
#include <vector>

#include "studies/circuit/counted_runs.hpp"
#include "studies/circuit/spec_estimate.hpp"
#include "studies/run/study_run.hpp"
#include "studies/run/work_estimate.hpp"

namespace flare::studies {

/// One corner of a circuit study.
struct CircuitPoint {
  Corner corner;
  SampleSet samples;                // plain: measures as the study names them
  CountedRuns counted;              // further plain runs
  std::vector<SpecAnswer> answers;  // as the study's specs
  SampleSet tail_samples;           // of the rare-event estimates, in the order made; else empty
};

struct CircuitResult {
  std::vector<CircuitPoint> points;
  std::vector<std::string> notes;  // what a user should know of how the corners were applied
};

struct CircuitPlan {
  std::size_t dimension = 0;
  WorkEstimate work;
  std::vector<std::string> variables;
  std::vector<std::string> notes;
  std::vector<std::string> draws;  // of the netlist, with the corner they are of where corners differ
};
/// Builds the testbench of every corner and rehearses it. Throws what a run would throw for the same reasons.
CircuitPlan plan_circuit_study(const Study& study, engine::Evaluator& evaluator);

CircuitResult run_circuit_study(const StudyRun& run);

/// The testbench of a group of samples of a result file. Throws StudyError for a group of no corner of the study.
engine::Testbench circuit_replay_testbench(const Study& study, const std::string& group,
                                           engine::Evaluator& evaluator);

/// /points/<netlist's name>/<corner>/samples, tail_samples, failing_samples (of runs that were counted), /failures, /specs and /limits.
void write_circuit_result(H5::H5File& file, const Study& study, const CircuitResult& result);

}  // namespace flare::studies
