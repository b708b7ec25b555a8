// The files behind folders of examples.
#pragma once

#include <filesystem>
#include <vector>

namespace flare::arch {

std::vector<std::filesystem::path> image_dataset_files(const std::filesystem::path& folder);
/// The training split beside a table of text; empty: none.
std::filesystem::path training_table(const std::filesystem::path& file);
std::vector<std::filesystem::path> idx_dataset_files(const std::filesystem::path& folder);

}  // namespace flare::arch
