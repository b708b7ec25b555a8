#include "studies/circuit/circuit_margin.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "analysis/levels/level_fit.hpp"
#include "engine/base/units.hpp"
#include "studies/study/vector_word.hpp"

namespace flare::studies {

namespace {

using analysis::Response;
using analysis::ResponseKind;

const engine::Measure& asked_measure(const CircuitStudy& circuit, const Spec& spec) {
  return circuit.measures.at(spec.measure);
}

bool is_undefined(const engine::RunResult& run, std::size_t m) {
  return engine::simulated(run.outcome) && std::isnan(run.measures.at(m));
}

Response without_value(Unmeasured unmeasured) {
  switch (unmeasured) {
    case Unmeasured::fails:
      return Response::fail();
    case Unmeasured::passes:
      return Response::pass();
    case Unmeasured::unsaid:
    case Unmeasured::unknown:
      break;
  }
  return Response::unknown();
}

/// What nearly the same question is of the level at the limit, where the measure is a crossing. (Not quite the same: a
/// signal may have crossed in time and have come back.)
std::string level_form(const engine::Measure& m, const Spec& spec) {
  if (m.kind != engine::MeasureKind::crossing || m.unit != "s" || m.edge == engine::Edge::either ||
      m.occurrence != 1 || m.negated || m.scale != 1.0 || !spec.one_sided()) {
    return {};
  }
  // Late is the side the signal comes from, early the one it goes to.
  const bool late = spec.above.has_value();
  const bool falls = m.edge == engine::Edge::fall;
  const std::string minus = m.reference.empty() ? "" : fmt::format(", minus = \"{}\"", m.reference);
  return fmt::format(
      "; or ask for the level at that time, which every run has: kind = \"value\", vector = \"{}\"{}, at = "
      "\"{}\", and {} = \"{}\" in [failing]",
      m.vector, minus, engine::format_quantity(late ? *spec.above : *spec.below, "s", 6),
      late == falls ? "above" : "below", engine::format_quantity(m.level, parse_vector(m.vector).unit, 6));
}

[[noreturn]] void refuse_unsaid(const CircuitStudy& circuit, const Spec& spec, std::size_t missing,
                                std::size_t runs, const std::string& where) {
  const engine::Measure& m = asked_measure(circuit, spec);
  throw StudyError(
      fmt::format("{}: '{}' has no value in {} of {} runs {}: say what that means, unmeasured = "
                  "\"fails\", \"passes\" or \"unknown\"{}",
                  spec.place, m.name, missing, runs, where, level_form(m, spec)));
}

/// "18 unconverged, 2 crashed"
std::string outcomes_of(const std::vector<engine::RunResult>& runs) {
  std::map<engine::Outcome, std::size_t> counts;
  for (const engine::RunResult& run : runs) ++counts[run.outcome];
  std::string text;
  for (const auto& [outcome, count] : counts)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, engine::to_string(outcome));
  return text;
}

/// The simulator says the same at every rung of the retry ladder: each of its sentences once.
std::string without_repeats(const std::string& message) {
  constexpr std::string_view separator = "; ";
  std::vector<std::string_view> sentences;
  std::string_view rest = message;
  while (!rest.empty()) {
    const std::size_t end = rest.find(separator);
    const std::string_view sentence = rest.substr(0, end);
    if (std::find(sentences.begin(), sentences.end(), sentence) == sentences.end())
      sentences.push_back(sentence);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + separator.size());
  }
  return fmt::format("{}", fmt::join(sentences, separator));
}

void check_simulated(const Study& study, const std::vector<engine::RunResult>& runs,
                     const std::string& where) {
  const bool none = std::none_of(runs.begin(), runs.end(),
                                 [](const engine::RunResult& run) { return engine::simulated(run.outcome); });
  if (!none) return;
  const std::string& said = runs.front().message;
  throw StudyError(fmt::format("{}: the circuit gives no answer {}: of {} runs {}; the simulator says: {}",
                               study.circuit->netlist.string(), where, runs.size(), outcomes_of(runs),
                               said.empty() ? "nothing" : without_repeats(said)));
}

/// All variables, and each alone, 6 sigma up and down.
engine::Matrix far_points(Eigen::Index dimension) {
  constexpr double far = 6.0;
  engine::Matrix points = engine::Matrix::Zero(2 * dimension + 2, dimension);
  points.row(0).setConstant(far);
  points.row(1).setConstant(-far);
  for (Eigen::Index i = 0; i < dimension; ++i) {
    points(2 * i + 2, i) = far;
    points(2 * i + 3, i) = -far;
  }
  return points;
}

using Simulate = std::function<std::vector<engine::RunResult>(const engine::Matrix&)>;

void check_moves(const CircuitStudy& circuit, const Spec& spec, const SampleSet& samples,
                 const std::string& where, const Simulate& simulate) {
  const std::size_t asked = spec.measure;
  const std::vector<double> values = samples.values(asked);
  if (values.size() < 2) return;
  const auto differs = [&](const engine::RunResult& run) {
    return engine::simulated(run.outcome) && !(measured(run, asked) == values.front());
  };
  if (std::any_of(samples.runs.begin(), samples.runs.end(), differs)) return;
  const std::vector<engine::RunResult> far = simulate(far_points(samples.points.cols()));
  if (std::any_of(far.begin(), far.end(), differs)) return;
  const engine::Measure& m = asked_measure(circuit, spec);
  throw StudyError(fmt::format(
      "{}: '{}' is {} in each of {} runs {}, and with everything that varies 6 sigma away: nothing that "
      "varies moves it; vary a device that it depends on, or measure what the variation reaches",
      spec.place, m.name, engine::format_quantity(values.front(), m.unit, 6), values.size(), where));
}

/// Throws where runs have no value and the study does not say what that means.
void check_said(const CircuitStudy& circuit, const Spec& spec, const std::vector<engine::RunResult>& runs,
                const std::string& where) {
  if (spec.unmeasured != Unmeasured::unsaid) return;
  const auto missing =
      static_cast<std::size_t>(std::count_if(runs.begin(), runs.end(), [&](const engine::RunResult& run) {
        return is_undefined(run, spec.measure);
      }));
  if (missing > 0) refuse_unsaid(circuit, spec, missing, runs.size(), where);
}

/// Where a run without a value lies for a question on one side: an infinity that fails or passes it.
double output_without_value(const Spec& spec, analysis::Side side) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const double beyond = side == analysis::Side::below ? -infinity : infinity;
  switch (without_value(spec.unmeasured).kind) {
    case ResponseKind::fail: {
      const bool counted_below = side == analysis::Side::above && spec.below.has_value();
      return counted_below ? -beyond : beyond;
    }
    case ResponseKind::pass:
      return -beyond;
    default:
      return std::numeric_limits<double>::quiet_NaN();
  }
}

}  // namespace

double margin(const Spec& spec, double value) {
  if (std::isnan(value)) return value;  // a minimum would pass over it
  const double from_below = spec.below ? value - *spec.below : INFINITY;
  const double from_above = spec.above ? *spec.above - value : INFINITY;
  return std::min(from_below, from_above);
}

std::vector<Response> responses(const CircuitStudy& circuit, const Spec& spec,
                                const std::vector<engine::RunResult>& runs, const std::string& where) {
  check_said(circuit, spec, runs, where);
  std::vector<Response> all;
  all.reserve(runs.size());
  for (const engine::RunResult& run : runs) {
    all.push_back(is_undefined(run, spec.measure)
                      ? without_value(spec.unmeasured)
                      : Response::margin(margin(spec, measured(run, spec.measure))));
  }
  return all;
}

std::vector<double> outputs(const CircuitStudy& circuit, const Spec& spec, analysis::Side side,
                            const std::vector<engine::RunResult>& runs, const std::string& where) {
  check_said(circuit, spec, runs, where);
  std::vector<double> values;
  values.reserve(runs.size());
  for (const engine::RunResult& run : runs) {
    values.push_back(is_undefined(run, spec.measure) ? output_without_value(spec, side)
                                                     : measured(run, spec.measure));
  }
  return values;
}

void check_samples(const Study& study, const SampleSet& samples, const std::string& where,
                   const Simulate& simulate) {
  if (samples.runs.empty()) return;
  check_simulated(study, samples.runs, where);
  for (const Spec& spec : study.circuit->specs) {
    check_moves(*study.circuit, spec, samples, where, simulate);
    check_said(*study.circuit, spec, samples.runs, where);
  }
}

FailureCounts& FailureCounts::operator+=(const FailureCounts& other) {
  failed += other.failed;
  answered += other.answered;
  bare += other.bare;
  unknown += other.unknown;
  return *this;
}

FailureCounts count_failures(const CircuitStudy& circuit, const Spec& spec,
                             const std::vector<engine::RunResult>& runs, const std::string& where) {
  FailureCounts counts;
  for (const Response& response : responses(circuit, spec, runs, where)) {
    if (response.kind == ResponseKind::unknown) {
      ++counts.unknown;
      continue;
    }
    const bool bare = response.kind != ResponseKind::margin;
    ++counts.answered;
    counts.bare += bare ? 1 : 0;
    counts.failed += (bare ? response.kind == ResponseKind::fail : response.value <= 0.0) ? 1 : 0;
  }
  return counts;
}

analysis::TailProbability counted_failure(const CircuitStudy& circuit, const Spec& spec,
                                          const SampleSet& samples, const FailureCounts& besides) {
  FailureCounts counts = count_failures(circuit, spec, samples.runs, samples.stream);
  counts += besides;
  return analysis::counted_tail(counts.failed, counts.answered, counts.unknown);
}

analysis::TailProbability fitted_failure(const CircuitStudy& circuit, const Spec& spec,
                                         const SampleSet& samples) {
  const FailureCounts counts = count_failures(circuit, spec, samples.runs, samples.stream);
  if (counts.bare > 0) {
    analysis::TailProbability refused = counted_failure(circuit, spec, samples);
    refused.status = analysis::TailStatus::refused;
    refused.method =
        fmt::format("empirical (fit refused: {} runs fail or pass without a value)", counts.bare);
    return refused;
  }
  const auto fit = analysis::LevelFit::from_samples(samples.values(spec.measure), counts.unknown);
  if (!spec.above) return fit.tail(*spec.below, analysis::Side::below);
  const analysis::TailProbability above = fit.tail(*spec.above, analysis::Side::above);
  return spec.below ? sum_of(fit.tail(*spec.below, analysis::Side::below), above) : above;
}

analysis::TailProbability sum_of(const analysis::TailProbability& a, const analysis::TailProbability& b) {
  analysis::TailProbability sum = a;
  const auto added = [](analysis::Probability x, analysis::Probability y) {
    return analysis::Probability(std::min(x.value() + y.value(), 1.0));
  };
  sum.p = added(a.p, b.p);
  sum.low = added(a.low, b.low);
  sum.high = added(a.high, b.high);
  sum.status = analysis::weaker(a.status, b.status);
  return sum;
}

}  // namespace flare::studies
