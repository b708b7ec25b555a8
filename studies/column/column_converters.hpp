// The study's converters, set to the levels of a column.
#pragma once

#include <vector>

#include "analysis/converters/converter.hpp"
#include "studies/column/column_design.hpp"

namespace flare::studies {

/// A converter set to the column at one corner.
struct SetConverter {
  analysis::Converter converter;
  analysis::ReferenceLevels reference;
};

/// At a point; what its references spread by as soon as the design knows the spread of its levels. Throws StudyError where a
/// measured converter was not measured there.
analysis::ConverterOptions converter_options(const Study& study, const ColumnDesign& design, std::size_t p,
                                             const ConverterStudy& converter);

/// The levels a converter's thresholds lie between: those of the point, or of the nominal corner.
const std::vector<double>& reference_levels(const Study& study, const ColumnDesign& design, std::size_t p,
                                            const ConverterStudy& converter);

SetConverter set_converter(const Study& study, const ColumnDesign& design, std::size_t p,
                           const ConverterStudy& converter);

/// The converters whose tails are simulated, by their place in the study.
std::vector<std::size_t> asking_converters(const Study& study);

}  // namespace flare::studies
