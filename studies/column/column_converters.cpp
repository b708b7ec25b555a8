#include "studies/column/column_converters.hpp"

#include <fmt/format.h>

#include <stdexcept>

#include "studies/column/column_references.hpp"
#include "studies/study/study_converters.hpp"

namespace flare::studies {

analysis::ConverterOptions converter_options(const Study& whole, const ColumnDesign& design, std::size_t p,
                                             const ConverterStudy& study) {
  const ColumnPoint& point = design.points[p];
  analysis::ConverterOptions options;
  options.name = study.name;
  options.kind = study.kind;
  options.reference =
      study.tracking_references ? analysis::ReferenceMode::tracking : analysis::ReferenceMode::fixed;
  options.enob = study.enob;
  options.offset_sigma_volt = study.offset_sigma_volt;
  options.offset_sigma_step = study.offset_sigma_step;
  if (study.measured) options.measured = measured_at(study, point.corner.name());
  if (!design.spread.empty())
    options.reference_sigma_volt = reference_sigmas(whole, design.spread[p], point.sawl, study);
  return options;
}

const std::vector<double>& reference_levels(const Study& study, const ColumnDesign& design, std::size_t p,
                                            const ConverterStudy& converter) {
  if (converter.tracking_references) return design.nominal[p];
  return design.nominal[nominal_point(study, design.points, design.points[p].sawl)];
}

SetConverter set_converter(const Study& study, const ColumnDesign& design, std::size_t p,
                           const ConverterStudy& converter) {
  const analysis::ReferenceLevels reference(reference_levels(study, design, p, converter));
  try {
    return {analysis::make_converter(converter_options(study, design, p, converter), reference), reference};
  } catch (const std::invalid_argument& e) {
    throw StudyError(fmt::format("{}: {} at {}: {}", study.file.string(), converter.name,
                                 point_name(study, design.points[p]), e.what()));
  }
}

std::vector<std::size_t> asking_converters(const Study& study) {
  std::vector<std::size_t> asking;
  for (std::size_t c = 0; c < study.converters.size(); ++c) {
    if (!study.converters[c].fit_only) asking.push_back(c);
  }
  return asking;
}

}  // namespace flare::studies
