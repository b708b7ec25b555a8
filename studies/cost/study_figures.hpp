// Costs of circuits, from the result files of their studies into an architecture's parameters.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "flare_arch/cost/architecture.hpp"
#include "studies/toml/toml_section.hpp"

namespace flare::studies {

/// Puts what a result file knows in the place of defaults and returns what was taken, a line each:
///   a column study   energies of reads over k, pulse, offset that its error models allow, swing, cell area; for the kinds
///                    of arrays of its cell's technology (a clamped current read: mram, else sram)
///   a study of converters   energy, area, time and offset of a comparator, trim; of the first converter whose kind an
///                    array has
/// Ends are those of the corners that the file has. A column without energies of reads gives them by C * dV * V from its
/// levels, with an assumed capacitance: a line says so. Throws StudyError "file: what; remedy" for a SAWL that the study has
/// not, and for a file with neither energies nor levels nor converters.
std::vector<std::string> apply_study(arch::Architecture& architecture, const std::filesystem::path& result);

}  // namespace flare::studies
