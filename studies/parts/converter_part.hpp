// A converter's circuit as data: its comparator, by roles. What columns convert with is still a formula
// (analysis/converters); this is what a netlist of one is built from.
#pragma once

#include <string>

#include "studies/parts/part.hpp"
#include "studies/parts/part_folder.hpp"

namespace flare::studies {

struct ConverterPart : Part {
  Call comparator;  // roles: input, reference, clock, output, output_bar, supply, ground
};

/// Reads the manifest of a converter. Throws StudyError with file, line and remedy.
ConverterPart read_converter_part(const PartPlace& place);

/// The project's own converter of a name. Throws StudyError, listing the names there are.
ConverterPart shipped_converter(const std::string& name);

}  // namespace flare::studies
