#include "studies/column/column_conversion.hpp"

#include <algorithm>

namespace flare::studies {

namespace {

/// The estimated tails of one converter; empty where it has none.
std::vector<EstimatedTail> tails_of(const Study& study, const PointTails* tails, std::size_t converter) {
  if (tails == nullptr) return {};
  const std::vector<std::size_t> asking = asking_converters(study);
  const auto at = std::find(asking.begin(), asking.end(), converter);
  if (at == asking.end()) return {};
  return tails->by_converter[static_cast<std::size_t>(at - asking.begin())];
}

}  // namespace

std::vector<ConvertedColumn> convert_point(const Study& study, const ColumnDesign& design, std::size_t p,
                                           const LevelSamples& levels, const PointTails* tails) {
  std::vector<ConvertedColumn> converted;
  const ColumnPoint& point = design.points[p];
  for (std::size_t c = 0; c < study.converters.size(); ++c) {
    const ConverterStudy& converter = study.converters[c];
    const analysis::ReferenceLevels reference(reference_levels(study, design, p, converter));
    analysis::ConvertedPoint value =
        analysis::convert(levels.fits, reference, converter_options(study, design, p, converter));
    std::vector<EstimatedTail> estimated = tails_of(study, tails, c);
    std::vector<analysis::LevelTail> level_tails;
    for (const EstimatedTail& tail : estimated) level_tails.push_back(tail.tail);
    if (!level_tails.empty()) analysis::replace_tails(value, level_tails);
    analysis::ErrorModel model = analysis::make_error_model(levels.fits, reference, value);
    converted.push_back({p,
                         c,
                         {study.column->setup.cell.name, point.sawl, converter.name, point.corner.name()},
                         std::move(value),
                         std::move(model),
                         std::move(estimated)});
  }
  return converted;
}

}  // namespace flare::studies
