// A device kit as data: its library, and how ngspice must read it.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "studies/parts/part_folder.hpp"
#include "studies/toml/toml_section.hpp"

namespace flare::studies {

struct Kit {
  std::filesystem::path manifest;
  std::filesystem::path library;             // card file; its sections are the corners' processes
  std::map<std::string, double> parameters;  // of the library's top level: its switches
  std::string compatibility;  // ngspice's compatibility modes that the kit is written for; empty: none
};

/// The table `parameters`: names of .params and the numbers they are to be. Throws StudyError.
std::map<std::string, double> read_parameters(Section& section);

/// Reads the manifest of a kit. Throws StudyError with file, line and remedy.
Kit read_kit(const PartPlace& place);

}  // namespace flare::studies
