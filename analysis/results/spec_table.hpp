// Tables of a study of a circuit rather than of a column: /failures, a row a corner and spec; /specs, the verdict, a row a
// spec; /limits, those that were asked for.
#pragma once

#include <string>
#include <vector>

#include "analysis/verdict/spec_verdict.hpp"
#include "engine/base/hdf5_io.hpp"

namespace flare::analysis {

void write_failures(H5::H5File& file, const std::vector<FailureRow>& rows);
/// Empty where the file has none. Throws engine::FileError.
std::vector<FailureRow> read_failures(const H5::H5File& file);

/// With what passes and the verdict in a sentence. Nothing is written where there are no rows.
void write_specs(H5::H5File& file, const std::vector<SpecRow>& rows, const Target& target);
std::vector<SpecRow> read_specs(const H5::H5File& file);

void write_limits(H5::H5File& file, const std::vector<LimitRow>& rows, const Target& target);
std::vector<LimitRow> read_limits(const H5::H5File& file);

}  // namespace flare::analysis
