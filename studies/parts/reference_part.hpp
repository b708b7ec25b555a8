// A circuit that makes a converter's references, as data: replica columns and how they are joined. netlists/README.md.
#pragma once

#include <string>

#include "studies/parts/part.hpp"
#include "studies/parts/part_folder.hpp"

namespace flare::studies {

struct ReferencePart : Part {
  Call share;  // roles: bitline of a replica, reference, share (1 V closes it)
};

/// Reads the manifest of a reference. Throws StudyError with file, line and remedy.
ReferencePart read_reference_part(const PartPlace& place);

/// The project's own reference of a name. Throws StudyError, listing the names there are.
ReferencePart shipped_reference(const std::string& name);

}  // namespace flare::studies
