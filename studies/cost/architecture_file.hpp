// Architectures as TOML: what a cost is of, every number with unit and source. studies/cost/flare.toml shows all keys.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "flare_arch/cost/architecture.hpp"
#include "studies/toml/toml_section.hpp"

namespace flare::studies {

/// Reads and checks an architecture; `overrides` are "a.b=value" texts. A number in [parameters.NAME] that is not the
/// default needs a `source`; without `low` and `high` it is taken as exact. Throws StudyError.
arch::Architecture read_architecture(const std::filesystem::path& file,
                                     const std::vector<std::string>& overrides = {});

/// The same of a text; `file` names it in errors.
arch::Architecture parse_architecture(const std::string& text, const std::filesystem::path& file);

/// All of an architecture as TOML that reads back as the same: every key, every parameter with its ends and source.
std::string architecture_text(const arch::Architecture& architecture);

/// "3.3 fJ", "0.41 um2", "0.5": a quantity of a parameter's unit.
std::string parameter_text(double value, const std::string& unit);

}  // namespace flare::studies
