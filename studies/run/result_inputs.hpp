// The identity of a result: the study's text and the files that it depends on besides. A result is taken as done only
// while all of them hold what they held.
#pragma once

#include <string>
#include <vector>

#include "engine/base/content_hash.hpp"
#include "engine/base/hdf5_io.hpp"
#include "studies/study/study.hpp"

namespace flare::studies {

/// 64-bit identity of a study: its text as run, what its files hold, the versions of the program and of ngspice.
std::uint64_t study_identity(const Study& study, const std::vector<engine::InputFile>& inputs);

/// Table /inputs: file, hash.
void write_inputs(H5::H5File& file, const std::vector<engine::InputFile>& inputs);

/// What differs between the inputs that a result was made from and those there are now, as "FILE has changed", "FILE is
/// gone", ...; empty: nothing. By file name and content: a tree that was moved is the same input.
std::string changed_inputs(const H5::H5File& file, const std::vector<engine::InputFile>& inputs);

}  // namespace flare::studies
