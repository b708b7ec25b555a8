// Runs a netlist under the plain ngspice program, as a person would: the netlists must not need our engine.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace flare::netlist_test {

/// Two columns of a file written by ngspice's wrdata.
struct Curve {
  std::vector<double> x;
  std::vector<double> y;

  /// y at x, linear in between; x ascending.
  double at(double where) const;
};

struct BatchRun {
  std::map<std::string, double> measures;  // by name, lower case
  std::map<std::string, Curve> curves;     // by file name
  std::string output;                      // what ngspice printed
};

/// Runs `netlist` in a folder of its own. `files`: names the netlist writes with wrdata. `initialisation`: further
/// lines of the .spiceinit there ("set ngbehavior=hsa").
/// Throws std::runtime_error, with what ngspice printed, where it fails or a file is missing.
BatchRun run_ngspice(const std::string& netlist, const std::vector<std::string>& files = {},
                     const std::string& initialisation = {});

std::filesystem::path netlist_folder();

}  // namespace flare::netlist_test
