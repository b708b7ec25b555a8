// A small result file by the contract, made from column-shaped functions instead of a simulator.
#pragma once

#include <filesystem>
#include <string>

namespace flare::analysis::testing {

struct SyntheticOptions {
  std::string title = "A synthetic column";
  std::string study = "title = \"A synthetic column\"\nseed = 7\n";
  std::string cell = "sram8t";
  std::size_t runs = 300;
  bool accuracy = true;
  bool screening = true;
  bool complete = true;
};

/// SAWL 2, 4, 8, 16; tt, ss and ff corners in full, six more screened; converters "flash" and "enob5".
void write_synthetic_result(const std::filesystem::path& path, const SyntheticOptions& options = {});

}  // namespace flare::analysis::testing
