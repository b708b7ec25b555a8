#include "studies/converter/flash_measurement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/base/sampling.hpp"
#include "studies/converter/converter_places.hpp"
#include "studies/converter/converter_thresholds.hpp"
#include "studies/run/study_run.hpp"
#include "studies/run/study_testbench.hpp"

namespace flare::studies {

namespace {

constexpr double kick_tolerance = 0.1e-3;  // V
constexpr double in_place_step = 0.01;     // sigma, and units of the input: d is steep at the late look
constexpr double late_gain = 1e3;          // of d at the late look: 0.1 mV has become 0.1 V
constexpr double gain_input = 0.5e-3;      // V: what a look must have amplified ...
constexpr double least_rise = 0.25;        // ... to so much, V
constexpr double later = 1.25;             // else one looks so many times as late,
constexpr int most_looks = 16;             // not more often than this

/// All that is measured at the thresholds of one corner.
struct FlashCorner {
  Corner corner;
  std::vector<double> thresholds;
  std::size_t first = 0;  // its places begin there
  FlashBench bench;
  std::vector<double> kicks;
  std::vector<double> in_place;  // first-order sigma with all comparators there; empty: by itself
  double supply_energy = 0.0, clock_energy = 0.0, reference_energy = 0.0, load = NAN;
};

/// What all places gave.
struct PlaceResults {
  std::vector<DecisionTimes> times;
  std::vector<ComparatorSlopes> slopes;
  std::vector<OffsetResult> offsets;
  std::vector<double> noise;
};

double slowest(const std::vector<DecisionTimes>& times, const FlashCorner& corner) {
  double most = 0.0;
  for (std::size_t k = 0; k < corner.thresholds.size(); ++k) {
    most = std::max(most, times[corner.first + k].decided);
  }
  return most;
}

double clock_middle(const ConverterDrive& drive) { return clock_start + 0.5 * drive.edge; }

std::shared_ptr<const engine::Testbench> shared(engine::Testbench bench) {
  return std::make_shared<const engine::Testbench>(std::move(bench));
}

/// Its references moved by what its balance points are off.
FlashBench moved(FlashBench bench, const std::vector<double>& by) {
  for (std::size_t k = 0; k < by.size(); ++k) bench.references[k] -= by[k];
  return bench;
}

/// `times` with late looks at which all comparators together have amplified what they see: a kick lowers the common mode, and slow
/// and cold a comparator in place takes longer than by itself. Too early a look finds its zero anywhere.
std::vector<DecisionTimes> times_in_place(const ComparatorRuns& runs, const FlashBench& bench,
                                          const std::string& stream, std::vector<DecisionTimes> times,
                                          const std::vector<double>& guesses) {
  for (int look = 0; look < most_looks; ++look) {
    const std::vector<double> kicks =
        flash_kicks(runs, bench, fmt::format("{}/look{}", stream, look), times, guesses);
    std::vector<engine::RunRequest> requests;
    requests.reserve(kicks.size());
    for (std::size_t k = 0; k < kicks.size(); ++k) {
      engine::Matrix points(2, 1);
      points << kicks[k] / input_unit, (kicks[k] + gain_input) / input_unit;
      requests.push_back({fmt::format("{}/gain{}/{}", stream, look, k + 1), 0,
                          shared(flash_testbench(bench, k, times[k].late)), points});
    }
    const auto results = runs.make(requests);
    bool amplified = true;
    for (std::size_t k = 0; k < kicks.size(); ++k) {
      if (measured(results[k][1], 0) - measured(results[k][0], 0) >= least_rise) continue;
      amplified = false;
      times[k].late = clock_start + later * (times[k].late - clock_start);
    }
    if (amplified) return times;
  }
  throw StudyError(
      fmt::format("{}: with all comparators on the bitline one does not decide {:.1f} mV in time ({}): leave "
                  "that corner out, "
                  "or take a smaller swing",
                  bench.part.manifest.string(), gain_input * 1e3, stream));
}

/// What references are set off by so that, without mismatch and with all comparators there, the balance points are the thresholds.
/// A ladder's taps cannot be: nothing.
std::vector<double> set_references(const ComparatorRuns& runs, const FlashBench& bench,
                                   const std::string& stream, const std::vector<DecisionTimes>& times,
                                   const std::vector<double>& guesses) {
  if (bench.part.reference->ladder) return {};
  std::vector<double> off = flash_kicks(runs, bench, stream + "/set1", times, guesses);
  return flash_kicks(runs, moved(bench, off), stream + "/set2", times, off);
}

std::vector<double> systematic_parts(const std::vector<ComparatorSlopes>& slopes, const FlashCorner& corner) {
  std::vector<double> parts;
  for (std::size_t k = 0; k < corner.thresholds.size(); ++k)
    parts.push_back(slopes[corner.first + k].nominal);
  return parts;
}

/// Energy of a conversion and load of the bitline, with all comparators there, balance points and what mismatch does to
/// them. `off`: what the references are set off by, at the nominal corner, which is the first.
void measure_whole(const ComparatorRuns& runs, const ConverterStudy& converter, FlashCorner& corner,
                   const PlaceResults& all, std::vector<double>& off) {
  const std::size_t n = corner.thresholds.size();
  const double level = 0.5 * (corner.thresholds[n / 2] + corner.thresholds[(n - 1) / 2]);
  const double end = clock_start + 2.0 * (slowest(all.times, corner) - clock_start);
  const std::string stream = fmt::format("adc/{}/{}", converter.circuit->name, corner.corner.name());
  const engine::Matrix once(1, 0);
  const auto results =
      runs.make({{stream + "/energy", 0, shared(flash_energy_testbench(corner.bench, level, end)), once},
                 {stream + "/load", 0, shared(flash_load_testbench(corner.bench)), once}});
  corner.supply_energy = measured(results[0][0], 0);
  corner.clock_energy = measured(results[0][0], 1);
  // What a reference takes back is of no use to anybody.
  for (std::size_t m = 2; m < results[0][0].measures.size(); ++m)
    corner.reference_energy += std::max(0.0, measured(results[0][0], m));
  corner.load = measured(results[1][0], 0) / (corner.thresholds.front() - corner.thresholds.back());
  const auto begin = all.times.begin() + static_cast<std::ptrdiff_t>(corner.first);
  const std::vector<double> alone = systematic_parts(all.slopes, corner);
  const std::vector<DecisionTimes> own =
      times_in_place(runs, moved(corner.bench, off), stream, {begin, begin + static_cast<std::ptrdiff_t>(n)},
                     off.empty() ? alone : off);
  if (off.empty()) off = set_references(runs, corner.bench, stream, own, alone);
  const FlashBench bench = moved(corner.bench, off);
  corner.kicks = flash_kicks(runs, bench, stream, own, off.empty() ? alone : off);
  corner.in_place = offsets_in_place(runs, bench, stream, own, corner.kicks);
  // A balance point holds the systematic part of the offset, and so do the offsets of the dies.
  for (std::size_t k = 0; k < n; ++k) corner.kicks[k] -= (off.empty() ? 0.0 : off[k]) + alone[k];
}

void add_energies(FlashCorner& corner, const std::vector<DecisionEnergy>& energies) {
  for (std::size_t k = 0; k < corner.thresholds.size(); ++k) {
    corner.supply_energy += energies[corner.first + k].supply;
    corner.clock_energy += energies[corner.first + k].clock;
  }
  corner.kicks.assign(corner.thresholds.size(), 0.0);
}

MeasuredCorner measured_corner(const FlashCorner& corner, const std::vector<ComparatorPlace>& places,
                               const PlaceResults& all) {
  MeasuredCorner result;
  result.name = corner.corner.name();
  result.supply = corner.corner.supply.value();
  result.temperature = corner.corner.temperature.value();
  result.thresholds = corner.thresholds;
  result.kicks = corner.kicks;
  for (std::size_t k = 0; k < corner.thresholds.size(); ++k) {
    const std::size_t p = corner.first + k;
    result.common_modes.push_back(places[p].bench.common_mode);
    const double alone = all.slopes[p].first_order_sigma();
    const double heavier = corner.in_place.empty() ? 1.0 : corner.in_place[k] / alone;
    // What mismatch adds to the systematic part.
    const auto in_place = [&](std::vector<double> offsets) {
      const double systematic = all.slopes[p].nominal;
      for (double& offset : offsets) offset = systematic + heavier * (offset - systematic);
      return offsets;
    };
    result.offsets.push_back(in_place(all.offsets[p].offsets));
    result.predicted.push_back(in_place(all.offsets[p].predicted));
    result.first_order.push_back(heavier * alone);
    result.noise.push_back(all.noise[p]);
    result.decision_times.push_back(all.times[p].decided - clock_middle(places[p].bench.drive));
  }
  return result;
}

ReferenceSpread reference_spread(const ComparatorRuns& runs, const ConverterStudy& converter) {
  const std::optional<ReferenceCircuit>& reference = converter.circuit->reference;
  if (!reference || !reference->ladder) return {};
  const auto dies = static_cast<std::size_t>(runs.study.estimator.runs);
  const engine::SampleSource source{runs.study.seed, fmt::format("adc/{}/ladder", converter.name),
                                    runs.study.estimator.design, dies};
  const auto resistors = static_cast<std::size_t>(runs.study.adc->thresholds - 1);
  return ladder_deviations(engine::draw(source, 0, dies, resistors), reference->sigma);
}

}  // namespace

std::string references_text(const ConverterPart& part) {
  if (part.array) {
    return fmt::format("{} units of {:.3g} fF +-{:.2g} %", part.array->units(),
                       part.array->unit_capacitance() * 1e15, part.array->sigma * 100.0);
  }
  if (!part.reference) return "ideal references";
  const double value = part.reference->parameters.begin()->second;
  if (part.reference->ladder) {
    return fmt::format("references from a ladder of {:.3g} kohm +-{:.2g} %", value * 1e-3,
                       part.reference->sigma * 100.0);
  }
  return fmt::format("references held on {:.3g} fF, set in place at the nominal corner", value * 1e15);
}

std::vector<double> flash_kicks(const ComparatorRuns& runs, const FlashBench& bench,
                                const std::string& stream, const std::vector<DecisionTimes>& times,
                                const std::vector<double>& guesses) {
  std::vector<OffsetTask> tasks;
  for (std::size_t k = 0; k < bench.references.size(); ++k) {
    tasks.push_back({fmt::format("{}/kick{}", stream, k + 1),
                     shared(flash_testbench(bench, k, times[k].late)),
                     engine::Matrix::Zero(1, 1),
                     {guesses.empty() ? 0.0 : guesses[k] / input_unit},
                     late_gain * input_unit});
  }
  std::vector<double> kicks;
  const std::vector<OffsetResult> found = find_offsets(tasks, kick_tolerance / input_unit, runs.make);
  for (std::size_t k = 0; k < found.size(); ++k) {
    kicks.push_back(found[k].offsets.front() * input_unit);
    if (std::isnan(kicks.back())) {
      throw StudyError(
          fmt::format("{}: threshold {} has no balance point with all comparators on the "
                      "bitline ({}): a larger bitline_capacitance or smaller comparators",
                      bench.part.manifest.string(), k + 1, stream));
    }
  }
  return kicks;
}

std::vector<double> offsets_in_place(const ComparatorRuns& runs, const FlashBench& bench,
                                     const std::string& stream, const std::vector<DecisionTimes>& times,
                                     const std::vector<double>& kicks) {
  std::vector<engine::RunRequest> requests;
  for (std::size_t k = 0; k < bench.references.size(); ++k) {
    engine::Testbench made = flash_testbench(bench, k, times[k].late);
    const std::vector<std::string> elements = comparator_elements(bench.part, fmt::format("x{}", k));
    add_variation(runs.study, load_circuit(runs.evaluator, runs.study, made.deck, made.options, elements),
                  elements, made);
    const auto d = static_cast<Eigen::Index>(made.dimension());
    engine::Matrix points = engine::Matrix::Zero(d + 1, d);  // balance, then one variable after the other
    points.bottomRows(d).diagonal().setConstant(in_place_step);
    points.col(0).array() += kicks[k] / input_unit;
    requests.push_back({fmt::format("{}/in_place{}", stream, k + 1), 0, shared(std::move(made)), points});
  }
  const auto results = runs.make(requests);
  std::vector<double> sigmas;
  for (const std::vector<engine::RunResult>& run : results) {
    const double balance = measured(run[0], 0);
    const double gain = (measured(run[1], 0) - balance) / input_unit;  // d over V; the step is in both
    double square = 0.0;
    for (std::size_t v = 2; v < run.size(); ++v)
      square += std::pow((measured(run[v], 0) - balance) / gain, 2);
    sigmas.push_back(std::sqrt(square));
  }
  return sigmas;
}

void measure_flash(const ComparatorRuns& runs, const ConverterStudy& converter, analysis::AdcResult& adc) {
  std::vector<FlashCorner> corners;
  std::vector<ComparatorPlace> places;
  for (const Corner& corner : nominal_first(runs.study)) {
    const std::vector<double> thresholds = bitline_thresholds(*runs.study.adc, corner);
    FlashBench bench{*converter.circuit, drive_of(runs.study, corner), thresholds,
                     runs.study.adc->bitline_capacitance, false};
    corners.push_back({corner, thresholds, places.size(), std::move(bench), {}, {}, 0.0, 0.0, 0.0, NAN});
    for (ComparatorPlace& place : comparator_places(runs.study, converter, corner, thresholds)) {
      places.push_back(std::move(place));
    }
  }
  PlaceResults all;
  all.times = decision_times(runs, places);
  all.slopes = comparator_slopes(runs, places, all.times);
  all.offsets =
      comparator_offsets(runs, places, all.slopes, static_cast<std::size_t>(runs.study.estimator.runs));
  all.noise = comparator_noise(runs, places, all.times);
  const bool whole = converter.circuit->circuit == ConverterCircuit::flash;
  if (whole) {
    std::vector<double> off;
    for (FlashCorner& corner : corners) measure_whole(runs, converter, corner, all, off);
  } else {
    const std::vector<DecisionEnergy> energies = decision_energies(runs, places, all.times);
    for (FlashCorner& corner : corners) add_energies(corner, energies);
  }
  const double area = comparator_area(runs, places.front()) + (converter.trim ? converter.trim->area : 0.0);
  const ReferenceSpread references = reference_spread(runs, converter);
  const MeasuredCorner nominal = measured_corner(corners.front(), places, all);
  for (const FlashCorner& corner : corners) {
    const MeasuredCorner here = measured_corner(corner, places, all);
    for (const auto& row : threshold_rows(here, nominal, references, converter.trim)) {
      adc.thresholds.push_back(row);
    }
    analysis::AdcFigureRow figures = linearity_figures(here, nominal, references, converter.trim);
    figures.comparator_energy = corner.supply_energy;
    figures.clock_energy = corner.clock_energy;
    figures.array_energy = corner.reference_energy;
    figures.energy = corner.supply_energy + corner.clock_energy + corner.reference_energy;
    figures.time = slowest(all.times, corner) - clock_middle(corner.bench.drive);
    figures.load = corner.load;
    figures.area = area * static_cast<double>(corner.thresholds.size());
    adc.figures.push_back(figures);
  }
}

}  // namespace flare::studies
