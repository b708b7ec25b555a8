// A SAR converter at every corner of a study: one comparator's offset and noise, the origin and the step of its thresholds from
// conversions, capacitor mismatch by charge conservation, kT/C.
#pragma once

#include "analysis/results/adc_table.hpp"
#include "studies/converter/comparator_study.hpp"
#include "studies/converter/sar_bench.hpp"
#include "studies/study/study.hpp"

namespace flare::studies {

/// Fills the tables.
void measure_sar(const ComparatorRuns& runs, const ConverterStudy& converter, analysis::AdcResult& adc);

/// Where conversions change from code - 1 to code, V, to `tolerance`, by bisection between low and high: all benches and
/// codes at once. NaN where the code does not change there.
struct SarTransition {
  SarBench bench;
  std::string stream;
  int code = 1;
  double low = 0.0, high = 0.0;
};
std::vector<double> sar_transitions(const ComparatorRuns& runs, const std::vector<SarTransition>& asked,
                                    double tolerance);

/// Noise of sampling on the array: sqrt(k T/C), V.
double sampling_noise(const CapacitorArray& array, double load, double temperature);

}  // namespace flare::studies
