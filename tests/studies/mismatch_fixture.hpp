// The mismatch of the shipped studies.
#pragma once

#include <string>

#include "studies/study/study.hpp"

namespace flare::studies {

inline DeviceVariation pelgrom_variation(const char* label, const char* parameter, double coefficient,
                                         engine::LawKind law, engine::Action action) {
  DeviceVariation variation;
  variation.label = label;
  variation.parameter = parameter;
  variation.device_types = std::string("m");
  variation.law.kind = law;
  variation.law.location = law == engine::LawKind::lognormal ? 1.0 : 0.0;
  variation.action = action;
  variation.unit = std::string("V");
  variation.pelgrom = coefficient;
  return variation;
}

/// 1.3 mV um and 0.7 % um.
inline Study mismatch_study() {
  Study study;
  study.devices = {
      pelgrom_variation("vth", "delvto", 1.3e-9, engine::LawKind::normal, engine::Action::shift),
      pelgrom_variation("beta", "mulu0", 0.7e-8, engine::LawKind::lognormal, engine::Action::scale)};
  return study;
}

}  // namespace flare::studies
