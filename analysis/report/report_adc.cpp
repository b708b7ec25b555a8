#include "analysis/report/report_adc.hpp"

#include <fmt/format.h>

#include <cmath>

#include "analysis/verdict/verdict.hpp"

namespace flare::analysis {
namespace {

std::string scaled(double value, double unit, int digits) {
  return std::isfinite(value) ? fmt::format("{:.{}f}", value / unit, digits) : std::string("-");
}
std::string millivolts(double value) { return scaled(value, 1e-3, 2); }

TextTable figures_of(const AdcResult& adc) {
  TextTable table{fmt::format("{} ({}; {}; {})", adc.name, adc.circuit, adc.references, adc.trim),
                  {"corner", "codes", "LSB mV", "DNL LSB", "INL LSB", "SINAD dB", "ENOB", "dies: DNL", "INL",
                   "ENOB", "worst", "fJ", "ps", "load fF", "gates um2"},
                  {}};
  for (const AdcFigureRow& r : adc.figures) {
    table.rows.push_back({corner_text(r.corner), std::to_string(r.codes), millivolts(r.lsb),
                          scaled(r.dnl, 1, 2), scaled(r.inl, 1, 2), scaled(r.sinad, 1, 2),
                          scaled(r.enob, 1, 3), scaled(r.die_dnl, 1, 2), scaled(r.die_inl, 1, 2),
                          scaled(r.die_enob, 1, 3), scaled(r.worst_enob, 1, 3), scaled(r.energy, 1e-15, 1),
                          scaled(r.time, 1e-12, 0), scaled(r.load, 1e-15, 1), scaled(r.area, 1e-12, 2)});
  }
  return table;
}

TextTable thresholds_of(const AdcResult& adc) {
  TextTable table{fmt::format("{}: thresholds, mV ({})", adc.name, adc.trim),
                  {"corner", "k", "threshold", "common mode", "offset sigma", "95 % interval", "first order",
                   "kick", "drift", "left: mean", "sigma", "noise", "decides ps", "dies", "unknown"},
                  {}};
  for (const AdcThresholdRow& r : adc.thresholds) {
    table.rows.push_back(
        {corner_text(r.corner), std::to_string(r.k), scaled(r.threshold, 1e-3, 1),
         scaled(r.common_mode, 1e-3, 1), millivolts(r.offset_sigma),
         fmt::format("{} ... {}", millivolts(r.offset_sigma_low), millivolts(r.offset_sigma_high)),
         millivolts(r.first_order), millivolts(r.kick), millivolts(r.drift_sigma), millivolts(r.left_mean),
         millivolts(r.left_sigma), millivolts(r.noise), scaled(r.decision_time, 1e-12, 0),
         std::to_string(r.dies), std::to_string(r.unknown)});
  }
  return table;
}

}  // namespace

std::vector<TextTable> adc_tables(const std::vector<AdcResult>& results) {
  std::vector<TextTable> tables;
  for (const AdcResult& adc : results) {
    if (!adc.figures.empty()) tables.push_back(figures_of(adc));
    tables.push_back(thresholds_of(adc));
  }
  return tables;
}

}  // namespace flare::analysis
