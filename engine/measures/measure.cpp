#include "engine/measures/measure.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace flare::engine {
namespace {

/// One signal over time, piecewise linear between the time points.
struct Signal {
  const std::vector<double>& time;
  const std::vector<double>& vector;
  const std::vector<double>* reference;  // subtracted; may be null
  bool negated;

  std::size_t size() const { return time.size(); }
  /// How far past the last point still counts as it: the simulator may end short of the end by rounding.
  double slack() const { return 1e-9 * std::max(std::fabs(time.back()), time.back() - time.front()); }
  double operator[](std::size_t i) const {
    const double difference = reference ? vector[i] - (*reference)[i] : vector[i];
    return negated ? -difference : difference;
  }

  /// Value at `t`, which lies within the time points.
  double at(double t) const {
    const auto above = std::upper_bound(time.begin(), time.end(), t);
    const auto i = static_cast<std::size_t>(above - time.begin());
    if (i == 0) return (*this)[0];
    if (i == size()) return (*this)[size() - 1];
    const double fraction = (t - time[i - 1]) / (time[i] - time[i - 1]);
    return (*this)[i - 1] + fraction * ((*this)[i] - (*this)[i - 1]);
  }
};

const std::vector<double>& saved(const Waveforms& waveforms, const std::string& name) {
  const std::vector<double>* found = waveforms.find(name);
  if (!found) throw std::invalid_argument("a measure needs " + name + ", which was not saved");
  if (found->size() != waveforms.time.size()) {
    throw std::invalid_argument(name + " and the time have different lengths");
  }
  return *found;
}

/// When the signal first crosses the level within the piece from t0 to the i-th time point; `direction` is set to
/// the way it does.
std::optional<double> crossing_within(const Signal& signal, double t0, std::size_t i, double level,
                                      Edge* direction) {
  const double before = signal.at(t0) - level;
  const double after = signal[i] - level;
  const bool rises = before < 0.0 && after >= 0.0;
  const bool falls = before > 0.0 && after <= 0.0;
  if (!rises && !falls) return std::nullopt;
  *direction = rises ? Edge::rise : Edge::fall;
  return t0 + (signal.time[i] - t0) * (before / (before - after));
}

/// The first `count` crossings after `from` in the measure's direction, in order; fewer where there are no more
/// before `to`.
std::vector<double> crossings(const Signal& signal, const Measure& measure, std::size_t count) {
  std::vector<double> found;
  for (std::size_t i = 1; i < signal.size() && found.size() < count; ++i) {
    if (signal.time[i] <= measure.from) continue;
    // The part of the segment after `from` counts.
    const double t0 = std::max(signal.time[i - 1], measure.from);
    Edge direction = Edge::either;
    const std::optional<double> t = crossing_within(signal, t0, i, measure.level, &direction);
    if (!t || (measure.edge != Edge::either && measure.edge != direction)) continue;
    if (measure.to && *t > *measure.to) break;
    found.push_back(*t);
  }
  return found;
}

std::optional<double> nth_crossing(const Signal& signal, const Measure& measure) {
  const auto n = static_cast<std::size_t>(std::max(measure.occurrence, 1));
  const std::vector<double> found = crossings(signal, measure, n);
  return found.size() == n ? std::optional<double>(found.back()) : std::nullopt;
}

std::optional<double> nth_period(const Signal& signal, const Measure& measure) {
  const auto n = static_cast<std::size_t>(std::max(measure.occurrence, 1));
  const std::vector<double> found = crossings(signal, measure, n + 1);
  return found.size() == n + 1 ? std::optional<double>(found[n] - found[n - 1]) : std::nullopt;
}

/// The window's points: its two ends (interpolated) and the time points between them.
struct Window {
  std::vector<double> time;
  std::vector<double> value;
};

Window cut(const Signal& signal, double from, double to) {
  Window window;
  window.time.push_back(from);
  window.value.push_back(signal.at(from));
  for (std::size_t i = 0; i < signal.size(); ++i) {
    if (signal.time[i] <= from || signal.time[i] >= to) continue;
    window.time.push_back(signal.time[i]);
    window.value.push_back(signal[i]);
  }
  window.time.push_back(to);
  window.value.push_back(signal.at(to));
  return window;
}

double trapezoid(const Window& window) {
  double sum = 0.0;
  for (std::size_t i = 1; i < window.time.size(); ++i) {
    sum += 0.5 * (window.value[i] + window.value[i - 1]) * (window.time[i] - window.time[i - 1]);
  }
  return sum;
}

/// Of the square of a density that is a power of the frequency between two points.
double power_of_piece(double f0, double f1, double s0, double s1) {
  const double p0 = s0 * s0;
  const double p1 = s1 * s1;
  if (!(p0 > 0.0 && p1 > 0.0 && f0 > 0.0)) return 0.5 * (p0 + p1) * (f1 - f0);
  const double power = std::log(p1 / p0) / std::log(f1 / f0) + 1.0;
  if (std::fabs(power) < 1e-9) return p0 * f0 * std::log(f1 / f0);
  return p0 * f0 * std::expm1(power * std::log(f1 / f0)) / power;
}

double integrated_noise(const Window& density) {
  double power = 0.0;
  for (std::size_t i = 1; i < density.time.size(); ++i) {
    if (density.time[i] > density.time[i - 1])
      power += power_of_piece(density.time[i - 1], density.time[i], density.value[i - 1], density.value[i]);
  }
  return std::sqrt(power);
}

std::optional<double> over_window(const Signal& signal, const Measure& measure) {
  const double end = signal.time.back();
  const double from = std::max(measure.from, signal.time.front());
  const double to = measure.to.value_or(end);
  if (to > end + signal.slack() || from > to) return std::nullopt;
  const Window window = cut(signal, from, std::min(to, end));
  switch (measure.kind) {
    case MeasureKind::minimum:
      return *std::min_element(window.value.begin(), window.value.end());
    case MeasureKind::maximum:
      return *std::max_element(window.value.begin(), window.value.end());
    case MeasureKind::integral:
      return trapezoid(window);
    case MeasureKind::integrated_noise:
      return integrated_noise(window);
    default:
      break;
  }
  const double length = window.time.back() - window.time.front();
  return length > 0.0 ? trapezoid(window) / length : window.value.front();
}

Signal signal_of(const Waveforms& waveforms, const std::string& vector, const std::string& reference,
                 bool negated) {
  return {waveforms.time, saved(waveforms, vector),
          reference.empty() ? nullptr : &saved(waveforms, reference), negated};
}

std::optional<double> value_at(const Signal& signal, std::optional<double> at) {
  if (!at) return signal[signal.size() - 1];
  if (*at > signal.time.back() + signal.slack()) return std::nullopt;
  return signal.at(*at);
}

/// Where another signal crosses.
std::optional<double> value_when(const Signal& signal, const Measure& measure, const Waveforms& waveforms) {
  const std::optional<double> at =
      nth_crossing(signal_of(waveforms, measure.when, measure.when_reference, measure.when_negated), measure);
  return at ? std::optional<double>(signal.at(*at)) : std::nullopt;
}

}  // namespace

const std::vector<double>* Waveforms::find(const std::string& name) const {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return nullptr;
  return &values[static_cast<std::size_t>(found - names.begin())];
}

std::optional<double> evaluate(const Measure& measure, const Waveforms& waveforms) {
  if (measure.kind == MeasureKind::expression) {
    throw std::invalid_argument("measure " + measure.name + " is made of other measures, not of waveforms");
  }
  const Signal signal = signal_of(waveforms, measure.vector, measure.reference, measure.negated);
  if (signal.size() == 0) return std::nullopt;
  std::optional<double> result;
  switch (measure.kind) {
    case MeasureKind::value_at:
      result = measure.when.empty() ? value_at(signal, measure.at) : value_when(signal, measure, waveforms);
      break;
    case MeasureKind::crossing:
      result = nth_crossing(signal, measure);
      break;
    case MeasureKind::period:
      result = nth_period(signal, measure);
      break;
    case MeasureKind::minimum:
    case MeasureKind::maximum:
    case MeasureKind::average:
    case MeasureKind::integral:
    case MeasureKind::integrated_noise:
      result = over_window(signal, measure);
      break;
    case MeasureKind::search:
      return value_at(signal, measure.at);
    case MeasureKind::expression:
      break;
  }
  if (!result) return std::nullopt;
  const double scaled = *result * measure.scale;
  return std::isfinite(scaled) ? std::optional<double>(scaled) : std::nullopt;
}

}  // namespace flare::engine
