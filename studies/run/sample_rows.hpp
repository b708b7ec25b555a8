// Samples that are not one stretch of their stream.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "studies/run/study_run.hpp"

namespace flare::studies {

/// write_samples where run r has the index `indices[r]` in the stream.
void write_samples_of(H5::H5File& file, const std::string& path, const SampleSet& samples,
                      std::span<const std::uint64_t> indices);

}  // namespace flare::studies
