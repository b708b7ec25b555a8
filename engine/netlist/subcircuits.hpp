// The subcircuits of a netlist as whoever calls them sees them: ports, parameters, the elements inside.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/netlist/deck.hpp"

namespace flare::engine {

struct SubcircuitInterface {
  std::string name;                     // lower case, as all names here
  std::vector<std::string> ports;       // in order
  std::vector<std::string> parameters;  // that a call may set
  std::vector<std::string> elements;    // "ma", "xsub", ... of its own, in order
  std::string place;                    // "file:line"

  bool has_parameter(std::string_view parameter) const;
  bool has_element(std::string_view element) const;
};

/// Subcircuits of the top level, in order; of several with one name the first, as ngspice takes it.
std::vector<SubcircuitInterface> subcircuits_of(const Deck& deck);

}  // namespace flare::engine
