#include "studies/converter/sar_measurement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/base/sampling.hpp"
#include "studies/converter/converter_places.hpp"
#include "studies/converter/converter_thresholds.hpp"
#include "studies/run/study_run.hpp"

namespace flare::studies {

namespace {

constexpr double transition_tolerance = 0.1e-3;  // V
constexpr double decades_below = 2.0;            // a bit is given the time in which 1 mV/10^2 is decided

struct SarCorner {
  Corner corner;
  SarBench bench;                  // its common mode set
  ComparatorPlace place;           // its comparator
  std::vector<double> thresholds;  // of codes n ... 1, without mismatch: as measured
  double step = 0.0, load = 0.0;   // V; units on the top plate besides the array
  double comparator_energy = 0.0, array_energy = 0.0, clock_energy = 0.0;
};

std::shared_ptr<const engine::Testbench> shared(engine::Testbench bench) {
  return std::make_shared<const engine::Testbench>(std::move(bench));
}

double clock_middle(const ConverterDrive& drive) { return clock_start + 0.5 * drive.edge; }

constexpr double usual_kick = 30e-3;  // V, of the comparator on the top plate
constexpr double usual_load = 2.0;    // units on the top plate besides the array: comparator, switch, wire

/// The common mode that puts the threshold of code n where the bitline's topmost one is, but for kick and load.
SarCorner first_guess(const Study& study, const ConverterStudy& converter, const Corner& corner) {
  SarBench bench{*converter.circuit, drive_of(study, corner), 0.0, 0.0, {}, 1.0};
  const double units = converter.circuit->array->units();
  const std::vector<double> wanted = bitline_thresholds(*study.adc, corner);
  bench.common_mode =
      wanted.front() - usual_kick - study.adc->thresholds * bench.drive.supply / (units + usual_load);
  ComparatorPlace place = comparator_places(study, converter, corner, {bench.common_mode}).front();
  return {corner, std::move(bench), std::move(place), {}, 0.0, 0.0, 0.0, 0.0, 0.0};
}

/// What is taken over before it is decided depends on the bits before: thresholds then leave charge conservation by up to
/// 0.03 step. A latch needs as long for every factor of ten in its input.
void set_decision(SarCorner& corner, const DecisionTimes& times) {
  const double decade = times.late - times.early;
  corner.bench.decision = times.decided + decades_below * decade - clock_middle(corner.bench.drive);
}

/// Origin and step from the thresholds of the first and the last code.
void set_thresholds(const ComparatorRuns& runs, std::vector<SarCorner>& corners) {
  const int n = runs.study.adc->thresholds;
  std::vector<SarTransition> asked;
  for (const SarCorner& c : corners) {
    const double unit = c.bench.drive.supply / (c.bench.part.array->units() + usual_load);
    for (const int code : {1, n}) {
      const double guess = c.bench.common_mode + usual_kick + code * unit;
      asked.push_back(
          {c.bench, c.place.stream + "/transition", code, guess - 0.8 * unit, guess + 0.8 * unit});
    }
  }
  const std::vector<double> found = sar_transitions(runs, asked, transition_tolerance);
  for (std::size_t i = 0; i < corners.size(); ++i) {
    SarCorner& c = corners[i];
    const double first = found[2 * i];
    const double last = found[2 * i + 1];
    if (!std::isfinite(first + last)) {
      throw StudyError(
          fmt::format("{}: codes 1 and {} do not change within a step of where charge conservation "
                      "has them at {}",
                      c.bench.part.manifest.string(), n, c.corner.name()));
    }
    c.step = (last - first) / (n - 1);
    c.load = c.bench.drive.supply / c.step - c.bench.part.array->units();
    for (int k = 0; k < n; ++k) c.thresholds.push_back(first + (n - 1 - k) * c.step);
  }
}

/// One conversion in the middle of every code: the energy of their mean, and that the codes are those of the thresholds.
void measure_energy(const ComparatorRuns& runs, std::vector<SarCorner>& corners) {
  const int n = runs.study.adc->thresholds;
  engine::Matrix points(n + 1, 1);
  std::vector<engine::RunRequest> requests;
  for (const SarCorner& c : corners) {
    const double lowest = c.thresholds.back() - 0.5 * c.step;
    for (int code = 0; code <= n; ++code) points(code, 0) = code * c.step / input_unit;
    requests.push_back({c.place.stream + "/energy", 0, shared(sar_testbench(c.bench, lowest)), points});
  }
  const auto results = runs.make(requests);
  for (std::size_t i = 0; i < corners.size(); ++i) {
    SarCorner& c = corners[i];
    const auto bits = static_cast<std::size_t>(c.bench.part.array->bits);
    for (int code = 0; code <= n; ++code) {
      const engine::RunResult& run = results[i][static_cast<std::size_t>(code)];
      if (!engine::simulated(run.outcome) || sar_code(c.bench, run.measures) != code) {
        throw StudyError(fmt::format(
            "{}: the middle of code {} is read as {} at {}", c.bench.part.manifest.string(), code,
            engine::simulated(run.outcome) ? sar_code(c.bench, run.measures) : -1, c.corner.name()));
      }
      c.comparator_energy += run.measures[bits] / (n + 1);
      c.array_energy += run.measures[bits + 1] / (n + 1);
      c.clock_energy += run.measures[bits + 2] / (n + 1);
    }
  }
}

/// What deciding and letting go of the input add to charge conservation, V.
double kick_of(const SarCorner& c) {
  return c.thresholds.front() - c.bench.common_mode - static_cast<double>(c.thresholds.size()) * c.step;
}

MeasuredCorner measured_corner(const SarCorner& c, const DecisionTimes& times, const ComparatorSlopes& slopes,
                               const OffsetResult& offsets, double noise, double nominal_kick) {
  MeasuredCorner result;
  result.one_comparator = true;
  result.name = c.corner.name();
  result.supply = c.bench.drive.supply;
  result.temperature = c.bench.drive.temperature;
  result.thresholds = c.thresholds;
  result.common_modes = {c.bench.common_mode};
  // The comparator's reference is set for the kick of the nominal corner; what another one adds is left. The systematic part
  // of the offset is in the kick, and in the offsets of the dies too.
  result.kicks.assign(c.thresholds.size(), kick_of(c) - nominal_kick - slopes.nominal);
  for (double& threshold : result.thresholds) threshold -= kick_of(c);
  result.offsets = {offsets.offsets};
  result.predicted = {offsets.predicted};
  result.first_order = {slopes.first_order_sigma()};
  result.noise = {std::hypot(noise, sampling_noise(*c.bench.part.array, c.load, result.temperature))};
  result.decision_times = {times.decided - clock_middle(c.bench.drive)};
  return result;
}

}  // namespace

double sampling_noise(const CapacitorArray& array, double load, double temperature) {
  constexpr double boltzmann = 1.380649e-23;
  const double capacitance = (array.units() + load) * array.unit_capacitance();
  return std::sqrt(boltzmann * (temperature + 273.15) / capacitance);
}

std::vector<double> sar_transitions(const ComparatorRuns& runs, const std::vector<SarTransition>& asked,
                                    double tolerance) {
  std::vector<double> low, high;
  std::vector<std::shared_ptr<const engine::Testbench>> benches;
  for (const SarTransition& t : asked) {
    low.push_back(t.low);
    high.push_back(t.high);
    benches.push_back(shared(sar_testbench(t.bench, t.low)));
  }
  const auto reaches = [&](const std::vector<double>& levels, const std::string& round) {
    std::vector<engine::RunRequest> requests;
    for (std::size_t i = 0; i < asked.size(); ++i) {
      engine::Matrix point(1, 1);
      point(0, 0) = (levels[i] - asked[i].low) / input_unit;
      requests.push_back(
          {fmt::format("{}/code{}/{}", asked[i].stream, asked[i].code, round), 0, benches[i], point});
    }
    const auto results = runs.make(requests);
    std::vector<int> reached;
    for (std::size_t i = 0; i < asked.size(); ++i) {
      const engine::RunResult& run = results[i][0];
      reached.push_back(!engine::simulated(run.outcome)                           ? -1
                        : sar_code(asked[i].bench, run.measures) >= asked[i].code ? 1
                                                                                  : 0);
    }
    return reached;
  };
  const std::vector<int> at_low = reaches(low, "low");
  const std::vector<int> at_high = reaches(high, "high");
  double widest = 0.0;
  for (std::size_t i = 0; i < asked.size(); ++i) widest = std::max(widest, high[i] - low[i]);
  for (int round = 0; widest > tolerance; ++round, widest *= 0.5) {
    std::vector<double> middle;
    for (std::size_t i = 0; i < asked.size(); ++i) middle.push_back(0.5 * (low[i] + high[i]));
    const std::vector<int> reached = reaches(middle, fmt::format("round{}", round));
    for (std::size_t i = 0; i < asked.size(); ++i) (reached[i] == 1 ? high[i] : low[i]) = middle[i];
  }
  std::vector<double> found;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    found.push_back(at_low[i] == 0 && at_high[i] == 1 ? 0.5 * (low[i] + high[i]) : NAN);
  }
  return found;
}

void measure_sar(const ComparatorRuns& runs, const ConverterStudy& converter, analysis::AdcResult& adc) {
  std::vector<SarCorner> corners;
  std::vector<ComparatorPlace> places;
  for (const Corner& corner : nominal_first(runs.study)) {
    corners.push_back(first_guess(runs.study, converter, corner));
    places.push_back(corners.back().place);
  }
  const auto dies = static_cast<std::size_t>(runs.study.estimator.runs);
  const std::vector<DecisionTimes> times = decision_times(runs, places);
  for (std::size_t i = 0; i < corners.size(); ++i) set_decision(corners[i], times[i]);
  set_thresholds(runs, corners);
  measure_energy(runs, corners);
  const std::vector<ComparatorSlopes> slopes = comparator_slopes(runs, places, times);
  const std::vector<OffsetResult> offsets = comparator_offsets(runs, places, slopes, dies);
  const std::vector<double> noise = comparator_noise(runs, places, times);
  const CapacitorArray& array = *converter.circuit->array;
  const engine::SampleSource source{runs.study.seed, fmt::format("adc/{}/array", converter.name),
                                    runs.study.estimator.design, dies};
  const engine::Matrix draws = engine::draw(source, 0, dies, static_cast<std::size_t>(array.bits) + 1);
  const double area = comparator_area(runs, places.front()) + (converter.trim ? converter.trim->area : 0.0);
  const double kick = kick_of(corners.front());
  const MeasuredCorner nominal = measured_corner(corners[0], times[0], slopes[0], offsets[0], noise[0], kick);
  for (std::size_t i = 0; i < corners.size(); ++i) {
    const SarCorner& c = corners[i];
    const MeasuredCorner here = measured_corner(c, times[i], slopes[i], offsets[i], noise[i], kick);
    const ReferenceSpread spread = array_deviations(draws, array, c.load, runs.study.adc->thresholds);
    for (const auto& row : threshold_rows(here, nominal, spread, converter.trim))
      adc.thresholds.push_back(row);
    analysis::AdcFigureRow figures = linearity_figures(here, nominal, spread, converter.trim);
    figures.comparator_energy = c.comparator_energy;
    figures.array_energy = c.array_energy;
    figures.clock_energy = c.clock_energy;
    figures.energy = c.comparator_energy + c.array_energy + c.clock_energy;
    figures.time = sar_time(c.bench);
    figures.load = (array.units() + c.load) * array.unit_capacitance();
    figures.area = area;
    adc.figures.push_back(figures);
  }
}

}  // namespace flare::studies
