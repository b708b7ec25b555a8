// How a value that varies differs from what the netlist says.
#pragma once

#include <optional>

namespace flare::engine {

/// What a point does to one knob: a setting is (what replaces it, else its nominal) times its factors plus its shifts.
struct Move {
  std::optional<double> replacement;
  double factor = 1.0;
  double shift = 0.0;

  double of(double nominal) const { return replacement.value_or(nominal) * factor + shift; }
};

}  // namespace flare::engine
