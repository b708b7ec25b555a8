// A device kit as data: its library, and how ngspice must read it.
#pragma once

#include <filesystem>
#include <string>

#include "studies/parts/part_folder.hpp"

namespace flare::studies {

struct Kit {
  std::filesystem::path manifest;
  std::filesystem::path library;  // card file; its sections are the corners' processes
  std::string compatibility;      // ngspice's compatibility modes that the kit is written for; empty: none
};

/// Reads the manifest of a kit. Throws StudyError with file, line and remedy.
Kit read_kit(const PartPlace& place);

}  // namespace flare::studies
