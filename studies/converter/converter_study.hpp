// The study of converters as circuits ([adc]): what each is worth at every corner, as tables of the result file.
//
// Places: the thresholds a bitline of the asked swing needs lie half a step below the supply and then step by step below; a
// comparator decides each at that common mode (a SAR decides all of them at one). The dies are the same at every corner, so
// that a trim, set at the nominal corner, leaves the drift of each die's own offset.
#pragma once

#include <vector>

#include "analysis/results/adc_table.hpp"
#include "engine/base/hdf5_io.hpp"
#include "studies/run/study_run.hpp"

namespace flare::studies {

struct ConverterResult {
  std::vector<analysis::AdcResult> adcs;  // in the study's order
};

/// A shard measures its share of the converters. Throws StudyError where a comparator does not decide at a corner.
ConverterResult run_converter_study(const StudyRun& run);

/// Builds every converter at every corner, without a sample. Lines that say what the study does.
std::vector<std::string> plan_converter_study(const Study& study, engine::Evaluator& evaluator);

void write_converter_result(H5::H5File& file, const ConverterResult& result);

}  // namespace flare::studies
