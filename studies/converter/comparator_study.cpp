#include "studies/converter/comparator_study.hpp"

#include <fmt/format.h>

#include <cmath>
#include <map>

#include "engine/base/sampling.hpp"
#include "studies/run/study_run.hpp"
#include "studies/run/study_testbench.hpp"

namespace flare::studies {

namespace {

constexpr double longest_decision = 20e-9;
constexpr double millivolt = 1e-3;
constexpr double gain_input = 0.25 * millivolt;  // to either side
constexpr double slope_step = 0.2;               // sigma to either side: d stays linear
constexpr double tolerance = 0.03 * millivolt;   // of an offset

/// Points of a testbench whose only coordinate is the input, V.
engine::Matrix at_inputs(const std::vector<double>& volts) {
  engine::Matrix points(static_cast<Eigen::Index>(volts.size()), 1);
  for (std::size_t i = 0; i < volts.size(); ++i) {
    points(static_cast<Eigen::Index>(i), 0) = volts[i] / input_unit;
  }
  return points;
}

std::shared_ptr<const engine::Testbench> shared(engine::Testbench bench) {
  return std::make_shared<const engine::Testbench>(std::move(bench));
}

[[noreturn]] void undecided(const ComparatorPlace& place) {
  throw StudyError(fmt::format(
      "{}: {} with {:.4g} V on both inputs at {} {:.3g} V {:g} degC does not decide 1 mV within {:.0f} ns: "
      "leave that corner out, or take a smaller swing",
      place.bench.part.manifest.string(), place.bench.part.name, place.bench.common_mode,
      place.bench.drive.section, place.bench.drive.supply, place.bench.drive.temperature,
      longest_decision * 1e9));
}

/// A comparator whose halves are not alike may decide 1 mV the other way, fast.
void refuse_lopsided(const ComparatorRuns& runs, const ComparatorPlace& place) {
  engine::Testbench bench = timing_testbench(place.bench, longest_decision);
  engine::Measure fall = difference_reaches("other_way", "x0", -0.5 * place.bench.drive.supply);
  fall.edge = engine::Edge::fall;
  bench.measures = {fall};
  const auto result = runs.make({{place.stream + "/other_way", 0, shared(bench), at_inputs({millivolt})}});
  if (!std::isfinite(measured(result[0][0], 0))) return;
  throw StudyError(fmt::format(
      "{}: {} at {:.4g} V, {} {:.3g} V {:g} degC, decides against its input of 1 mV: without mismatch it is "
      "off balance by "
      "more than that, so its two halves are not alike; make the devices of input and reference equal, loads "
      "and wiring too",
      place.bench.part.manifest.string(), place.bench.part.name, place.bench.common_mode,
      place.bench.drive.section, place.bench.drive.supply, place.bench.drive.temperature));
}

/// What a kit draws for a die would be drawn for every threshold by itself.
void refuse_die_variables(const Study& study, const engine::Testbench& bench) {
  for (const engine::Variable& variable : bench.variables) {
    if (variable.scope != engine::Scope::die) continue;
    throw StudyError(fmt::format(
        "{}: the cards draw {} once per die; a study of converters ([adc]) has the mismatch of single "
        "devices alone: switch that draw off ([technology] parameters), and add corners instead",
        study.cards_place, variable.name));
  }
}

/// The study's variation on the devices of the comparator, behind the input.
std::shared_ptr<const engine::Testbench> varied(const ComparatorRuns& runs, const ComparatorPlace& place,
                                                double time) {
  engine::Testbench bench = decision_testbench(place.bench, time);
  const std::vector<std::string> elements = comparator_elements(place.bench.part);
  const LoadedCircuit loaded = load_circuit(runs.evaluator, runs.study, bench.deck, bench.options, elements);
  add_variation(runs.study, loaded, elements, bench);
  check_nominals(runs.evaluator, runs.study, loaded, bench);
  refuse_die_variables(runs.study, bench);
  return shared(std::move(bench));
}

/// Rows: balance, the input to either side, then each variable to either side.
engine::Matrix slope_points(std::size_t dimension) {
  const auto d = static_cast<Eigen::Index>(dimension);
  engine::Matrix points = engine::Matrix::Zero(2 * d + 1, d);
  for (Eigen::Index v = 0; v < d; ++v) {
    const double step = v == 0 ? gain_input / input_unit : slope_step;
    points(1 + 2 * v, v) = step;
    points(2 + 2 * v, v) = -step;
  }
  return points;
}

ComparatorSlopes slopes_of(const std::shared_ptr<const engine::Testbench>& testbench,
                           const std::vector<engine::RunResult>& results, const ComparatorPlace& place) {
  ComparatorSlopes slopes{testbench, 0.0, 0.0, {}};
  for (std::size_t v = 0; v < testbench->dimension(); ++v) {
    const double rise = measured(results[1 + 2 * v], 0) - measured(results[2 + 2 * v], 0);
    if (v == 0) {
      slopes.gain = rise / (2.0 * gain_input);
    } else {
      slopes.sensitivity.push_back(-rise / (2.0 * slope_step) / slopes.gain);
    }
  }
  slopes.nominal = -measured(results[0], 0) / slopes.gain;
  if (!(slopes.gain > 0.0) || !std::isfinite(slopes.first_order_sigma() + slopes.nominal)) undecided(place);
  return slopes;
}

}  // namespace

std::vector<DecisionTimes> decision_times(const ComparatorRuns& runs,
                                          const std::vector<ComparatorPlace>& places) {
  std::vector<engine::RunRequest> requests;
  requests.reserve(places.size());
  for (const ComparatorPlace& place : places) {
    requests.push_back({place.stream + "/times", 0, shared(timing_testbench(place.bench, longest_decision)),
                        at_inputs({millivolt, 0.1 * millivolt})});
  }
  const auto results = runs.make(requests);
  std::vector<DecisionTimes> times;
  for (std::size_t p = 0; p < places.size(); ++p) {
    const auto& [strong, weak] = std::tie(results[p][0], results[p][1]);
    times.push_back({measured(strong, 0), measured(weak, 0), measured(strong, 1)});
    const DecisionTimes& t = times.back();
    if (!std::isfinite(t.early + t.late + t.decided)) {
      refuse_lopsided(runs, places[p]);
      undecided(places[p]);
    }
  }
  return times;
}

double ComparatorSlopes::first_order_sigma() const {
  double square = 0.0;
  for (const double s : sensitivity) square += s * s;
  return std::sqrt(square);
}

std::vector<ComparatorSlopes> comparator_slopes(const ComparatorRuns& runs,
                                                const std::vector<ComparatorPlace>& places,
                                                const std::vector<DecisionTimes>& times) {
  std::vector<engine::RunRequest> requests;
  for (std::size_t p = 0; p < places.size(); ++p) {
    const auto testbench = varied(runs, places[p], times[p].early);
    requests.push_back({places[p].stream + "/slopes", 0, testbench, slope_points(testbench->dimension())});
  }
  const auto results = runs.make(requests);
  std::vector<ComparatorSlopes> slopes;
  for (std::size_t p = 0; p < places.size(); ++p) {
    slopes.push_back(slopes_of(requests[p].testbench, results[p], places[p]));
  }
  return slopes;
}

std::vector<OffsetResult> comparator_offsets(const ComparatorRuns& runs,
                                             const std::vector<ComparatorPlace>& places,
                                             const std::vector<ComparatorSlopes>& slopes, std::size_t dies) {
  std::vector<OffsetTask> tasks;
  for (std::size_t p = 0; p < places.size(); ++p) {
    const std::size_t variables = slopes[p].sensitivity.size();
    const engine::SampleSource source{runs.study.seed, places[p].dies, runs.study.estimator.design, dies};
    const engine::Matrix draws = engine::draw(source, 0, dies, variables);
    OffsetTask task{places[p].stream + "/offsets", slopes[p].testbench, {}, {}, slopes[p].gain * input_unit};
    task.points.resize(draws.rows(), draws.cols() + 1);
    task.points.rightCols(draws.cols()) = draws;
    for (Eigen::Index die = 0; die < draws.rows(); ++die) {
      double guess = slopes[p].nominal;
      for (std::size_t v = 0; v < variables; ++v) {
        guess += slopes[p].sensitivity[v] * draws(die, static_cast<Eigen::Index>(v));
      }
      task.guesses.push_back(guess / input_unit);
    }
    tasks.push_back(std::move(task));
  }
  std::vector<OffsetResult> results = find_offsets(tasks, tolerance / input_unit, runs.make);
  for (std::size_t p = 0; p < results.size(); ++p) {
    for (double& offset : results[p].offsets) offset *= input_unit;
    results[p].predicted = tasks[p].guesses;
    for (double& offset : results[p].predicted) offset *= input_unit;
  }
  return results;
}

std::vector<DecisionEnergy> decision_energies(const ComparatorRuns& runs,
                                              const std::vector<ComparatorPlace>& places,
                                              const std::vector<DecisionTimes>& times) {
  std::vector<engine::RunRequest> requests;
  std::vector<double> cycles;
  for (std::size_t p = 0; p < places.size(); ++p) {
    // High until the outputs are at the rails, low until they are back.
    const double end = clock_start + 2.0 * (times[p].decided - clock_start);
    cycles.push_back(2.0 * (end - clock_start));
    requests.push_back({places[p].stream + "/energy", 0, shared(energy_testbench(places[p].bench, end)),
                        at_inputs({millivolt})});
  }
  const auto results = runs.make(requests);
  std::vector<DecisionEnergy> energies;
  for (std::size_t p = 0; p < places.size(); ++p) {
    const engine::RunResult& run = results[p][0];
    energies.push_back({measured(run, 0), measured(run, 1), measured(run, 2), cycles[p]});
  }
  return energies;
}

std::size_t comparator_variables(const ComparatorRuns& runs, const ComparatorPlace& place) {
  return varied(runs, place, 1e-9)->dimension() - 1;
}

double comparator_area(const ComparatorRuns& runs, const ComparatorPlace& place) {
  const engine::Testbench bench = decision_testbench(place.bench, 1e-9);
  const engine::Circuit circuit = runs.evaluator.listing(bench.deck, bench.options).circuit();
  std::vector<engine::Knob> asked;
  for (const engine::CircuitDevice& device : circuit.devices()) {
    if (device.type != 'm') continue;
    for (const char* size : {"w", "l", "m"}) {
      asked.push_back({engine::KnobKind::instance, device.name, size});
    }
  }
  const std::vector<double> sizes = runs.evaluator.values(bench.deck, bench.options, {}, asked);
  double area = 0.0;
  for (std::size_t i = 0; i + 2 < sizes.size(); i += 3) {
    area += sizes[i] * sizes[i + 1] * (sizes[i + 2] > 0.0 ? sizes[i + 2] : 1.0);
  }
  return area;
}

}  // namespace flare::studies
