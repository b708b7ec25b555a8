#include "studies/study/study_converters.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "engine/base/hdf5_io.hpp"

namespace flare::studies {

namespace {

double above_zero(Section& section, std::string_view key, std::string_view unit, double otherwise) {
  const double value = section.quantity(key, unit, otherwise);
  if (!(value > 0.0)) section.fail(key, fmt::format("must be above 0 {}", unit));
  return value;
}

std::vector<Corner> corners_of(const Study& study) {
  std::vector<Corner> corners = study.corners;
  corners.push_back(study.nominal);
  return corners;
}

/// What all studies that measure single parts have in common.
void check_measured_study(const Section& root, const Study& study, std::string_view what) {
  for (const DeviceVariation& variation : study.devices) {
    if (variation.target == VariationTarget::devices && variation.scope == engine::Scope::instance) continue;
    throw StudyError(
        fmt::format("{}: {} has the mismatch of single devices alone; what a die shares moves with its "
                    "corners",
                    variation.place, what));
  }
  if (!study.die.empty()) {
    throw StudyError(
        fmt::format("{}: {} has no die-wide variables; add corners instead", study.die.front().place, what));
  }
  if (study.cards.empty()) {
    root.fail("", fmt::format("{} needs [technology] with cards = \"FILE\" or kit = \"NAME\"", what));
  }
  for (const Corner& corner : corners_of(study)) {
    if (!corner.process.empty() && corner.supply && corner.temperature) continue;
    root.fail("corners", fmt::format("{}: {} needs process, supply and temperature of every corner",
                                     corner.name(), what));
  }
}

}  // namespace

AdcStudy read_adc(Section section) {
  AdcStudy adc;
  adc.thresholds = static_cast<int>(section.integer("thresholds", adc.thresholds, 2, 63));
  adc.swing = read_swing(section);
  adc.bitline_capacitance = above_zero(section, "bitline_capacitance", "F", adc.bitline_capacitance);
  section.finish();
  return adc;
}

ConverterStudy read_circuit_converter(Section& s, const AdcStudy& adc, const std::filesystem::path& file) {
  ConverterStudy converter;
  converter.name = s.text("name");
  if (converter.name.empty() || converter.name.find_first_of("/. ") != std::string::npos) {
    s.fail("name", "must be a word without '/', '.' and blanks: it names a group of the result file");
  }
  converter.circuit = read_converter_part(find_part(s, "circuit", s.text("circuit"), "converter", file));
  if (s.flag("trim", converter.circuit->trim.has_value())) {
    converter.trim = converter.circuit->trim;
    if (!converter.trim) {
      s.fail("trim", fmt::format("{} has no [trim]; leave the key out, or describe one there",
                                 converter.circuit->manifest.string()));
    }
  }
  const int codes = converter.circuit->codes();
  if (codes > 0 && codes < adc.thresholds + 1) {
    s.fail("circuit",
           fmt::format("{} gives {} codes, but [adc] thresholds = {} tells {} levels apart: ask for "
                       "fewer, or for more bits in {}",
                       converter.circuit->name, codes, adc.thresholds, adc.thresholds + 1,
                       converter.circuit->manifest.string()));
  }
  s.finish();
  return converter;
}

void read_measured(Section& s, ConverterStudy& converter) {
  converter.measured_file = s.file("measured");
  const std::string entry = s.text("entry", converter.name);
  // A folder stands for any file where a study is only read for its keys.
  if (std::filesystem::is_directory(converter.measured_file)) return;
  std::vector<std::string> names;
  try {
    for (analysis::AdcResult& adc : analysis::read_adcs(engine::open_result(converter.measured_file))) {
      names.push_back(adc.name);
      if (adc.name == entry) converter.measured = std::move(adc);
    }
  } catch (const std::exception& e) {
    s.fail("measured", e.what());
  }
  if (!converter.measured) {
    s.fail("entry", names.empty()
                        ? fmt::format("{} holds no measured converter (/adc); run a study with [adc]",
                                      converter.measured_file.string())
                        : fmt::format("'{}' is none of the converters measured in {}: {}", entry,
                                      converter.measured_file.string(), fmt::join(names, ", ")));
  }
}

analysis::MeasuredThresholds measured_at(const ConverterStudy& converter, const std::string& corner) {
  const analysis::AdcResult& adc = converter.measured.value();
  analysis::MeasuredThresholds found;
  found.one_comparator = adc.circuit.starts_with("sar");
  for (const analysis::AdcFigureRow& row : adc.figures) {
    if (row.corner == corner) found.lsb = row.lsb;
  }
  std::vector<std::string> corners;
  for (const analysis::AdcThresholdRow& row : adc.thresholds) {
    if (corners.empty() || corners.back() != row.corner) corners.push_back(row.corner);
    if (row.corner != corner) continue;
    if (row.unknown > 0) {
      throw StudyError(
          fmt::format("{}: {} dies of threshold {} of {} have no offset at {}, and they may be the worst: "
                      "measure it again with a wider search or a larger trim",
                      converter.measured_file.string(), row.unknown, row.k, adc.name, corner));
    }
    if (!std::isfinite(row.left_mean + row.left_sigma + row.noise)) {
      throw StudyError(fmt::format("{}: threshold {} of {} has no offset at {}: measure more dies",
                                   converter.measured_file.string(), row.k, adc.name, corner));
    }
    found.threshold.push_back(row.threshold);
    found.shift.push_back(row.left_mean);
    found.sigma.push_back(row.left_sigma);
    found.noise.push_back(row.noise);
  }
  if (found.threshold.empty() || found.lsb == 0.0) {
    throw StudyError(
        fmt::format("{}: {} was measured at {}, not at {}: give the study of converters the corners of "
                    "this one",
                    converter.measured_file.string(), adc.name, fmt::join(corners, ", "), corner));
  }
  return found;
}

void check_adc_study(const Section& root, const Study& study) {
  check_measured_study(root, study, "a study of converters ([adc])");
  for (const Corner& corner : corners_of(study)) {
    const double swing = study.adc->swing.at(corner);
    if (*corner.supply > swing) continue;
    root.fail("adc", fmt::format("swing {} V is not below the supply of {}", swing, corner.name()));
  }
}

void check_gain_cell_study(const Section& root, const Study& study) {
  check_measured_study(root, study, "a study of a gain cell ([gain_cell])");
  // Its benches set what they need themselves; a setting that would do nothing is no setting.
  const SimulatorStudy& simulator = study.simulator;
  if (!study.parameters.empty() || !simulator.compatibility.empty() || simulator.method || simulator.reltol ||
      simulator.abstol || simulator.vntol || simulator.chgtol || simulator.trtol) {
    root.fail(
        study.parameters.empty() ? "simulator" : "technology",
        "a study of a gain cell ([gain_cell]) takes neither switches of a kit nor a compatibility mode nor "
        "[simulator] settings; leave them out, or take cards that need none");
  }
  if (!study.converters.empty() || study.accuracy) {
    root.fail(study.accuracy ? "accuracy" : "converter",
              "a study of a gain cell ([gain_cell]) has no levels to read; leave the table out");
  }
  for (const Corner& corner : corners_of(study)) {
    if (study.gain_cell->park <= *corner.supply) continue;
    root.fail("gain_cell",
              fmt::format("park {} V is above the supply of {}", study.gain_cell->park, corner.name()));
  }
}

}  // namespace flare::studies
