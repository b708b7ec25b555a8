// Where a part is: the project's own by name, anybody's by path.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "studies/toml/toml_section.hpp"

namespace flare::studies {

/// The project's own netlists: beside the installed program, or in the source tree it was built from.
std::filesystem::path netlists_folder();

/// A manifest, and which of its variants is meant (empty: the sizes as they stand).
struct PartPlace {
  std::filesystem::path manifest;
  std::string variant;
  std::string name;  // of the variant, or of the part's folder: a word
};

/// What stands at `key` of a study: the name of a part of the project's own (a folder of netlists/<kind>s, or a variant
/// that a manifest there lists), or a path, relative to the folder of `study`, of a folder with `<kind>.toml`; behind it
/// may stand the name of a variant: "cells/mine/small". Throws StudyError at the key, listing what there is.
PartPlace find_part(const Section& section, std::string_view key, const std::string& text,
                    const std::string& kind, const std::filesystem::path& study);

/// The project's own part of a name. Throws StudyError, listing the names there are.
PartPlace own_part(const std::string& kind, const std::string& name);

/// Names of the project's own parts of a kind, variants included, sorted.
std::vector<std::string> part_names(const std::string& kind);

}  // namespace flare::studies
