// /failures of the result file, of a study of a circuit rather than of a column: a row a corner.
#pragma once

#include <string>
#include <vector>

#include "analysis/tails/tail.hpp"
#include "engine/base/hdf5_io.hpp"

namespace flare::analysis {

struct FailureRow {
  std::string corner;
  TailProbability tail;
};

void write_failures(H5::H5File& file, const std::vector<FailureRow>& rows);
/// Empty where the file has none. Throws engine::FileError.
std::vector<FailureRow> read_failures(const H5::H5File& file);

}  // namespace flare::analysis
