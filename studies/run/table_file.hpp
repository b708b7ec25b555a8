// Result files of commands that need no journal: put together in memory, written as OUT.part, renamed.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "engine/base/hdf5_io.hpp"

namespace flare::studies {

/// To be asked before work that would be lost: throws engine::FileError where `out` cannot become a file, StudyError
/// where a file is there that was not written with the same `format`.
void check_place(const std::filesystem::path& out, const std::string& format);

/// Writes `out` with the root attributes `format` and `flare_version` and what `write` adds. Nothing half-written
/// ever has the name `out`. Throws std::runtime_error "file: what went wrong".
void write_table_file(const std::filesystem::path& out, const std::string& format,
                      const std::function<void(H5::H5File&)>& write);

}  // namespace flare::studies
