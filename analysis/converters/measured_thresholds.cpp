#include "analysis/converters/measured_thresholds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <stdexcept>

#include "engine/base/averages.hpp"

namespace flare::analysis {

namespace {

/// Where the thresholds stand before offsets, V.
std::vector<double> nominal_thresholds(const Converter& converter, const MeasuredThresholds& measured,
                                       const ReferenceLevels& reference) {
  std::vector<double> volts;
  for (const double steps : converter.thresholds) volts.push_back(reference.to_volts(steps));
  if (!measured.one_comparator) return volts;
  const double mean = engine::mean(volts);
  const double lsb = std::copysign(measured.lsb, reference.step());
  std::vector<double> code;  // of the converter, from the one of the first threshold
  code.reserve(volts.size());
  for (const double volt : volts) code.push_back(std::round((volt - volts.front()) / lsb));
  if (std::adjacent_find(code.begin(), code.end(), std::greater_equal<>()) != code.end()) {
    throw std::invalid_argument(fmt::format(
        "levels lie closer than its step of {:.3g} mV: more bits, or a larger swing", std::fabs(lsb) * 1e3));
  }
  const double middle = engine::mean(code);
  for (std::size_t t = 0; t < volts.size(); ++t) volts[t] = mean + (code[t] - middle) * lsb;
  return volts;
}

}  // namespace

double MeasuredThresholds::at(double volt, const std::vector<double>& column) const {
  // Thresholds rise or fall; walked through in the rising sense.
  const bool rises = threshold.size() < 2 || threshold.back() > threshold.front();
  const auto place = [&](std::size_t i) { return rises ? i : threshold.size() - 1 - i; };
  const double low = threshold[place(0)];
  const double high = threshold[place(threshold.size() - 1)];
  const double reach = 0.5 * std::fabs(lsb);
  if (volt < low - reach || volt > high + reach) {
    throw std::invalid_argument(
        fmt::format("a threshold at {:.4g} V, but the converter was measured from {:.4g} to {:.4g} V: "
                    "measure it over the swing "
                    "of the column",
                    volt, low, high));
  }
  for (std::size_t i = 1; i < threshold.size(); ++i) {
    const double left = threshold[place(i - 1)];
    const double right = threshold[place(i)];
    if (volt > right && i + 1 < threshold.size()) continue;
    const double share = std::clamp((volt - left) / (right - left), 0.0, 1.0);
    return column[place(i - 1)] + share * (column[place(i)] - column[place(i - 1)]);
  }
  return column.front();
}

void set_measured(Converter& converter, const MeasuredThresholds& measured,
                  const ReferenceLevels& reference) {
  converter.enob = std::log2(static_cast<double>(converter.codes()));
  converter.common = measured.one_comparator;
  const double step = std::fabs(reference.step());
  const std::vector<double> volts = nominal_thresholds(converter, measured, reference);
  // One comparator works at one voltage, which the reference sets: its figures belong to codes, wherever those stand.
  const double moved = measured.one_comparator ? engine::mean(measured.threshold) - engine::mean(volts) : 0.0;
  for (std::size_t t = 0; t < volts.size(); ++t) {
    const double place = volts[t] + moved;
    converter.thresholds[t] = reference.to_steps(volts[t] + measured.at(place, measured.shift));
    converter.offset_sigmas.push_back(measured.at(place, measured.sigma) / step);
    converter.read_noise_sigmas.push_back(measured.at(place, measured.noise) / step);
  }
  if (!std::is_sorted(converter.thresholds.begin(), converter.thresholds.end())) {
    throw std::invalid_argument(
        "what is left of offsets and kicks puts the thresholds out of order; trim the converter");
  }
  converter.offset_sigma = engine::root_mean_square(converter.offset_sigmas);
  converter.read_noise_sigma = engine::root_mean_square(converter.read_noise_sigmas);
}

}  // namespace flare::analysis
