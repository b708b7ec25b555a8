#include "studies/converter/converter_places.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace flare::studies {

std::vector<Corner> nominal_first(const Study& study) {
  std::vector<Corner> corners = {study.nominal};
  for (const Corner& corner : study.corners) {
    if (corner.name() != study.nominal.name()) corners.push_back(corner);
  }
  return corners;
}

ConverterDrive drive_of(const Study& study, const Corner& corner) {
  ConverterDrive drive;
  drive.study = &study;
  drive.card = std::filesystem::absolute(study.cards);
  drive.section = corner.process;
  drive.supply = corner.supply.value();
  drive.temperature = corner.temperature.value();
  return drive;
}

engine::Deck converter_deck(const Study& study, const ConverterPart& part, const Corner& corner) {
  try {
    return decision_testbench({part, drive_of(study, corner), 0.5 * corner.supply.value()}, 1e-9).deck;
  } catch (const engine::DeckError& e) {
    throw StudyError(fmt::format("{}: with process '{}': {}", study.process_place, corner.process, e.what()));
  }
}

std::vector<double> bitline_thresholds(const AdcStudy& adc, const Corner& corner) {
  std::vector<double> thresholds;
  for (int k = 1; k <= adc.thresholds; ++k) {
    thresholds.push_back(corner.supply.value() - (k - 0.5) * adc.swing.at(corner) / adc.thresholds);
  }
  return thresholds;
}

std::vector<ComparatorPlace> comparator_places(const Study& study, const ConverterStudy& converter,
                                               const Corner& corner,
                                               const std::vector<double>& common_modes) {
  // Runs belong to the circuit: converters that differ in their trim share them, and the dies are the same.
  const std::string& circuit = converter.circuit->name;
  std::vector<ComparatorPlace> places;
  for (std::size_t k = 0; k < common_modes.size(); ++k) {
    places.push_back({{*converter.circuit, drive_of(study, corner), common_modes[k]},
                      fmt::format("adc/{}/{}/k{}", circuit, corner.name(), k + 1),
                      fmt::format("adc/{}/dies/k{}", circuit, k + 1)});
  }
  return places;
}

}  // namespace flare::studies
