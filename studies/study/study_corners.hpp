// Corners: which process, supply and temperature a circuit is simulated at, and whatever else a corner sets.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "studies/toml/toml_section.hpp"

namespace flare::studies {

/// What is not said stays as the netlist has it.
struct Corner {
  std::string title;                            // the user's name for it; empty: made of what it sets
  std::string process;                          // section of the study's cards
  std::optional<double> supply;                 // V
  std::optional<double> temperature;            // degC
  std::map<std::string, double> sources;        // by flat name: V or A
  std::map<std::string, double> parameters;     // .param of the netlist
  std::map<std::string, std::string> sections;  // of further libraries, by file name: one per device class

  /// "tt_0.90V_27C": exact, so that two corners never share a name. "netlist" where nothing is set.
  std::string name() const;
  bool operator==(const Corner&) const = default;
};

struct Corners {
  std::vector<Corner> all;
  Corner nominal;
  // "file:line: key", for errors found later
  std::string process_place;
  std::string supply_place;
};

/// [corners]: lists, all combinations of which are corners, and [[corners.named]], one corner each. Without the table:
/// the netlist as it stands. Leaves the keys that say what is done with the corners to the caller.
Corners read_corners(Section& section);

}  // namespace flare::studies
