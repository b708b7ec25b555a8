// /verdict of the result file: a row per cell, SAWL and converter.
//
// `level` is the worst level's k and `direction` ("down", "up") how it is misread; `corners`, `corners_full` and
// `p_screened_worse` say on what "the worst corner" rests. The attributes `rule`, `target` and `pick` say how to read it.
#pragma once

#include <string>
#include <vector>

#include "analysis/verdict/verdict.hpp"
#include "engine/base/hdf5_io.hpp"

namespace flare::analysis {

void write_verdict(H5::H5File& file, const std::vector<VerdictRow>& rows, const VerdictOptions& options = {});
/// Throws engine::FileError for a table that is absent or damaged.
std::vector<VerdictRow> read_verdict(const H5::H5File& file);
/// What the study asks to hold, in its own words; "6 sigma" where the file does not say it.
std::string read_target_text(const H5::H5File& file);

}  // namespace flare::analysis
