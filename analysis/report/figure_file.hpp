// Figures as files.
#pragma once

#include <filesystem>
#include <string>

#include "engine/base/text_output.hpp"

namespace flare::analysis {

/// Throws engine::FileError where folder/NAME.svg cannot become a figure of this name: before work that would be lost.
void check_figure_place(const std::filesystem::path& folder, const std::string& name);

/// An SVG of draw_svg as a file, which replaces a figure of its name only.
engine::TextOutput figure_output(const std::filesystem::path& path, const std::string& svg);

}  // namespace flare::analysis
