// Thresholds of a converter over dies and corners: what its parts' measurements make of them. Arithmetic only.
#pragma once

#include <optional>
#include <vector>

#include "analysis/results/adc_table.hpp"
#include "studies/parts/converter_part.hpp"

namespace flare::studies {

/// What was measured at one corner, by threshold; of a SAR's one comparator one entry, for all.
struct MeasuredCorner {
  bool one_comparator = false;
  std::string name;
  double supply = 0.0;
  double temperature = 27.0;                 // degC
  std::vector<double> thresholds;            // V, nominal, without kick
  std::vector<double> common_modes;          // of the comparators
  std::vector<double> kicks;                 // V, of each threshold
  std::vector<std::vector<double>> offsets;  // of each comparator, by die; NaN: unknown
  std::vector<double> first_order;           // V
  std::vector<std::vector<double>> predicted =
      {};                              // of each comparator, by die, to first order; empty: not told
  std::vector<double> noise;           // V, of each comparator; of a SAR with that of sampling
  std::vector<double> decision_times;  // s
};

/// Deviations of references or capacitors by die, as a part of the span that they divide; rows dies, one column a threshold.
using ReferenceSpread = std::vector<std::vector<double>>;

/// Each die's thresholds at a corner, V: nominal + what is left of kick, offset and reference. Empty for a die with an
/// unknown offset. A trim takes at the nominal corner what kick, offset and reference add up to there.
std::vector<std::vector<double>> die_thresholds(const MeasuredCorner& corner, const MeasuredCorner& nominal,
                                                const ReferenceSpread& references,
                                                const std::optional<Trim>& trim);

std::vector<analysis::AdcThresholdRow> threshold_rows(const MeasuredCorner& corner,
                                                      const MeasuredCorner& nominal,
                                                      const ReferenceSpread& references,
                                                      const std::optional<Trim>& trim);

/// DNL, INL, SINAD, ENOB of the nominal thresholds with what is left of the kick, and over the dies. Of one comparator the noise
/// is one draw per conversion, else one per threshold.
analysis::AdcFigureRow linearity_figures(const MeasuredCorner& corner, const MeasuredCorner& nominal,
                                         const ReferenceSpread& references, const std::optional<Trim>& trim);

/// Taps of a ladder of n thresholds (n - 1 resistors): deviations over the span, by die. `draws`: dies x (n - 1) standard
/// normal numbers.
ReferenceSpread ladder_deviations(const engine::Matrix& draws, double sigma);

/// Deviations of C_c/C_total for codes 1 ... n, by die. `draws`: dies x (bits + 1): the bits, the largest first, and the rest.
/// A capacitor of w units spreads by sigma/sqrt(w). `load`: units of what hangs on the top plate besides.
ReferenceSpread array_deviations(const engine::Matrix& draws, const CapacitorArray& array, double load,
                                 int n);

}  // namespace flare::studies
