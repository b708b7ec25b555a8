// What a study of converters as circuits says: the table [adc], and its converters.
#pragma once

#include <filesystem>

#include "studies/study/study.hpp"
#include "studies/toml/toml_section.hpp"

namespace flare::studies {

AdcStudy read_adc(Section section);

/// A [[converter]] of such a study: a name, a circuit, and whether it is trimmed. Throws StudyError for one with too few
/// codes.
ConverterStudy read_circuit_converter(Section& section, const AdcStudy& adc,
                                      const std::filesystem::path& file);

/// Keys `measured` and `entry` of a column's [[converter]] of kind measured: the result of a study with [adc]. A file that
/// cannot be read is an error with its reason; where it is only quoted (keys_read), there is none.
void read_measured(Section& section, ConverterStudy& converter);

/// What a converter's measured thresholds are at a corner of that name. Throws StudyError where there is none.
analysis::MeasuredThresholds measured_at(const ConverterStudy& converter, const std::string& corner);

/// Throws StudyError where something varies that is not mismatch of single devices, or a corner does not say all.
void check_adc_study(const Section& root, const Study& study);

/// The same for a study of a gain cell; it has neither converters of levels nor accuracy.
void check_gain_cell_study(const Section& root, const Study& study);

}  // namespace flare::studies
