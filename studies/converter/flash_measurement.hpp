// A flash converter, or a comparator by itself, at every corner of a study.
#pragma once

#include "analysis/results/adc_table.hpp"
#include "studies/converter/comparator_study.hpp"
#include "studies/converter/flash_bench.hpp"
#include "studies/study/study.hpp"

namespace flare::studies {

/// "references held on 11 fF", "ladder of 2 kohm +-1 %", ...
std::string references_text(const ConverterPart& part);

/// Fills the tables. Held references are set in place, without mismatch, at the nominal corner; what a kick is elsewhere beyond that, and
/// all of it where a ladder gives the references, stands in the tables. Throws StudyError where a comparator does not decide.
void measure_flash(const ComparatorRuns& runs, const ConverterStudy& converter, analysis::AdcResult& adc);

/// Standard deviation of each balance point, V to first order, with all comparators on the bitline: bitline and reference give way
/// while a comparator decides, so that its devices weigh otherwise than between stiff sources. `kicks`: where the balance points are.
std::vector<double> offsets_in_place(const ComparatorRuns& runs, const FlashBench& bench,
                                     const std::string& stream, const std::vector<DecisionTimes>& times,
                                     const std::vector<double>& kicks);

/// How far each balance point lies from its reference, V, with all comparators on the bitline. `late`: when d is looked at.
/// `guesses`: where to look first; empty: at the references.
std::vector<double> flash_kicks(const ComparatorRuns& runs, const FlashBench& bench,
                                const std::string& stream, const std::vector<DecisionTimes>& times,
                                const std::vector<double>& guesses = {});

}  // namespace flare::studies
