#include "studies/converter/converter_study.hpp"

#include <fmt/format.h>

#include "studies/converter/converter_places.hpp"
#include "studies/converter/flash_measurement.hpp"
#include "studies/converter/sar_measurement.hpp"

namespace flare::studies {

namespace {

analysis::AdcResult head_of(const ConverterStudy& converter) {
  const ConverterPart& part = *converter.circuit;
  analysis::AdcResult result;
  result.name = converter.name;
  result.circuit = fmt::format("{}, {}", to_string(part.circuit), part.name);
  result.trim = converter.trim ? to_string(*converter.trim) : "no trim";
  result.references = references_text(part);
  if (converter.trim) {
    result.trim_bits = converter.trim->bits;
    result.trim_range = converter.trim->range;
    result.trim_area = converter.trim->area;
  }
  return result;
}

std::string variables_of(const Study& study, engine::Evaluator& evaluator, const ConverterStudy& converter,
                         const Corner& corner) {
  const MakeAllRuns none;
  const ComparatorRuns runs{study, evaluator, none};
  const double common_mode = bitline_thresholds(*study.adc, corner).front();
  const ComparatorPlace place = comparator_places(study, converter, corner, {common_mode}).front();
  return fmt::format("{} variables, {:.3f} um2 of gates", comparator_variables(runs, place),
                     comparator_area(runs, place) * 1e12);
}

}  // namespace

ConverterResult run_converter_study(const StudyRun& run) {
  ConverterResult result;
  // Converters are alike: a weight each.
  for (const std::size_t c : items_of(std::vector<double>(run.study.converters.size(), 1.0), run.shard)) {
    const ConverterStudy& converter = run.study.converters[c];
    std::size_t made = 0;
    run.progress.stage(converter.name);
    const MakeAllRuns make = [&](const std::vector<engine::RunRequest>& requests) {
      for (const engine::RunRequest& request : requests)
        made += static_cast<std::size_t>(request.points.rows());
      return engine::run_all(run.evaluator, run.store, requests, run.stop);
    };
    const ComparatorRuns runs{run.study, run.evaluator, make};
    analysis::AdcResult adc = head_of(converter);
    if (converter.circuit->circuit == ConverterCircuit::sar) {
      measure_sar(runs, converter, adc);
    } else {
      measure_flash(runs, converter, adc);
    }
    run.progress.finish(fmt::format("{} runs", made));
    result.adcs.push_back(std::move(adc));
  }
  return result;
}

std::vector<std::string> plan_converter_study(const Study& study, engine::Evaluator& evaluator) {
  std::vector<std::string> lines;
  for (const ConverterStudy& converter : study.converters) {
    const ConverterPart& part = *converter.circuit;
    lines.push_back(fmt::format("{:<9} {}, {}; {}; {}; a comparator: {}", converter.name,
                                to_string(part.circuit), part.name, references_text(part),
                                converter.trim ? to_string(*converter.trim) : "no trim",
                                variables_of(study, evaluator, converter, study.nominal)));
  }
  return lines;
}

void write_converter_result(H5::H5File& file, const ConverterResult& result) {
  for (const analysis::AdcResult& adc : result.adcs) analysis::write_adc(file, adc);
}

}  // namespace flare::studies
