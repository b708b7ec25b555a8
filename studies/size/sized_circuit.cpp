#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <numeric>

#include "analysis/verdict/spec_verdict.hpp"
#include "studies/circuit/circuit_margin.hpp"
#include "studies/circuit/circuit_study.hpp"
#include "studies/circuit/circuit_testbench.hpp"
#include "studies/size/sized_design.hpp"

namespace flare::studies {

namespace {

/// The spec and the corner that limit a circuit.
struct Limiting {
  std::size_t spec = 0;
  std::size_t corner = 0;
  const SpecAnswer* answer = nullptr;
};

Limiting limiting_of(const CircuitResult& result) {
  Limiting limiting;
  for (std::size_t c = 0; c < result.points.size(); ++c) {
    for (std::size_t s = 0; s < result.points[c].answers.size(); ++s) {
      const SpecAnswer& answer = result.points[c].answers[s];
      if (limiting.answer && !analysis::worse(answer.failure, limiting.answer->failure)) continue;
      limiting = {s, c, &answer};
    }
  }
  return limiting;
}

class SizedCircuit final : public SizedDesign {
 public:
  explicit SizedCircuit(const StudyRun& run) : run_(run) {
    for (const Spec& spec : run.study.circuit->specs) {
      if (spec.asked) throw StudyError(spec.place + ": asks for a limit; flare size needs one that is given");
    }
  }

  SizedFailure estimate(const Study& study) override {
    const StudyRun at{study, run_.evaluator, run_.store, run_.progress, run_.stop, {}};
    const CircuitResult result = run_circuit_study(at);
    const Limiting limiting = limiting_of(result);
    const std::string name = fmt::format("{} at {}", study.circuit->specs[limiting.spec].name,
                                         study.corners[limiting.corner].name());
    return {name, limiting.answer->failure, limiting.answer->nearest,
            [this, spec = limiting.spec, corner = limiting.corner](const Study& other,
                                                                   const engine::Vector& point) {
              return margin_of(other, spec, corner, point);
            }};
  }

  double gate_area(const Study& study) override {
    const auto bench = circuit_testbench(study, study.corners.front(), run_.evaluator).testbench;
    const LoadedCircuit loaded = load_circuit(run_.evaluator, study, bench->deck, bench->options, {});
    return std::accumulate(loaded.areas.begin(), loaded.areas.end(), 0.0,
                           [](double sum, const auto& area) { return sum + 1e12 * area.second; });
  }

  std::size_t runs() const override { return run_.store.size() + margin_runs_; }

 private:
  double margin_of(const Study& study, std::size_t spec_index, std::size_t corner,
                   const engine::Vector& point) {
    const Spec& spec = study.circuit->specs[spec_index];
    const auto bench = circuit_testbench(study, study.corners[corner], run_.evaluator).testbench;
    double value = NAN;
    const engine::Job job{bench, point.transpose()};
    run_.evaluator.evaluate({&job, 1}, [&](std::size_t, std::size_t, const engine::RunResult& result) {
      value = margin(spec, measured(result, spec.measure));
    });
    ++margin_runs_;
    return value;
  }

  const StudyRun& run_;
  std::size_t margin_runs_ = 0;
};

}  // namespace

std::unique_ptr<SizedDesign> sized_circuit(const StudyRun& run) {
  return std::make_unique<SizedCircuit>(run);
}

std::unique_ptr<SizedDesign> sized_design(const StudyRun& run) {
  if (run.study.circuit) return sized_circuit(run);
  if (run.study.column) return sized_column(run);
  throw StudyError(run.study.file.string() + ": flare size takes a study of a circuit or of a column");
}

}  // namespace flare::studies
