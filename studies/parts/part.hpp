// Parts: circuits as data. A part is a folder with a netlist and a manifest (TOML) that says which subcircuit plays which
// role. Whoever builds a circuit out of parts names roles; the manifest knows the ports, the sizes and what varies.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/netlist/subcircuits.hpp"
#include "studies/toml/toml_section.hpp"

namespace flare::studies {

/// Parameters of subcircuits by name, in SI units.
using Parameters = std::map<std::string, double>;

/// What every part of a netlist has.
struct Part {
  std::string name;  // "sram8t_min": names groups of the result file
  std::string title;
  std::filesystem::path manifest;
  std::filesystem::path netlist;
  Parameters sizes;
};

/// How a subcircuit of a part is called.
struct Call {
  std::string subcircuit;
  std::vector<std::string> ports;   // roles, in the order of its ports
  std::vector<std::string> varies;  // elements of it that mismatch moves
  std::vector<std::string> takes;   // the part's sizes that it has as parameters
  std::string multiplicity;         // parameter that makes one instance stand for several; empty: it has none

  bool has_port(std::string_view role) const;
};

/// The line that calls: "x0 b0 rwl vdd 0 sram8t_read la=2.5e-07 wa=4.5e-07". `nodes` has a node for every role;
/// `sizes` those the call takes; `more` is appended as it is.
std::string call_line(const std::string& instance, const Call& call,
                      const std::map<std::string, std::string>& nodes, const Parameters& sizes,
                      const Parameters& more = {});

/// Reads a manifest. Everything wrong in it is a StudyError with its file, its line and the remedy.
class Manifest {
 public:
  explicit Manifest(std::filesystem::path file);

  Section& root() { return root_; }
  /// Keys `title` and `netlist`, tables [sizes] and [variants]. `variant`: the one that is meant; empty: the sizes as
  /// they stand.
  Part part(const std::string& name, const std::string& variant);

  /// A table of parameters: numbers, or quantities with their units.
  Parameters parameters(Section section);
  /// Every size must reach a subcircuit: one that does nothing is a mistake.
  void check_sizes(const std::vector<const Call*>& calls);
  /// A table that says how a subcircuit of the netlist is called. `roles`: those its ports may have; `needed`: those
  /// it cannot do without. Marks keys subcircuit, ports, varies and multiplicity as known; the caller finishes it.
  Call call(Section& section, const std::vector<std::string>& roles, const std::vector<std::string>& needed,
            const Parameters& sizes);
  /// The parameters in `section` must be those of the subcircuit that `call` names.
  Parameters parameters_of(Section section, const Call& call);
  /// What stands at `key` must be a parameter of the subcircuit that `call` names.
  void check_parameter(Section& section, std::string_view key, const Call& call, const std::string& name);

 private:
  void read_netlist();
  Parameters sizes(const std::string& variant);
  const engine::SubcircuitInterface& interface(Section& section, const std::string& name);

  std::filesystem::path file_;
  toml::table table_;
  Section root_;
  std::filesystem::path netlist_;
  std::vector<engine::SubcircuitInterface> subcircuits_;
};

}  // namespace flare::studies
