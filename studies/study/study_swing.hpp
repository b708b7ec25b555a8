// How far a bitline falls over its levels.
#pragma once

#include "studies/study/study_corners.hpp"
#include "studies/toml/toml_section.hpp"

namespace flare::studies {

/// In volts, the same at every corner, or as a share of the corner's supply, as a converter whose range follows it asks.
struct Swing {
  double value = 0.4;  // V, or a share
  bool of_supply = false;

  /// V. A corner without a supply has none to take a share of.
  double at(const Corner& corner) const;
};

/// `swing` of a table: a quantity in V, or a percentage of the supply below 100 %; above 0.
Swing read_swing(Section& section);

}  // namespace flare::studies
