// The columns of a study as netlists that run under plain ngspice.
#pragma once

#include <string>
#include <vector>

#include "engine/simulate/evaluator.hpp"
#include "studies/study/study.hpp"

namespace flare::studies {

struct NamedNetlist {
  std::string name;  // "sram8t_sawl8_k3"
  std::string text;
};

/// Every level of every SAWL at the nominal corner, without variation, read with the pulse that the study reads it with.
/// Each prints `level`, which is the study's. Makes one run a SAWL, to time the pulse.
std::vector<NamedNetlist> level_netlists(const Study& study, engine::Evaluator& evaluator);

}  // namespace flare::studies
