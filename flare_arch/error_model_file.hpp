// Error models from a result file (HDF5), as the study writes them:
//   /error_models/<cell>/sawl<N>/<adc>/<corner>/confusion, with its attributes;
// or one that somebody measured and wrote there: only the matrix is needed. The attributes are the keys of
// MatrixDescription (measured_model.hpp), each with its default; another one is an error, so that none is misspelt.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "flare_arch/error_model.hpp"

namespace flare::arch {

struct ErrorModelKey {
  std::string cell;
  int sawl = 0;
  std::string adc, corner;
};

/// Throws engine::FileError "file: what is wrong" (all of it) for a file that cannot be read, a model that is not
/// there (the message lists those that are) or one that is not valid. What is read is bounded in size.
ErrorModel load_error_model(const std::filesystem::path& file, const std::string& cell, int sawl,
                            const std::string& adc, const std::string& corner);

/// The matrix at `path` anywhere in a file; sawl 0: as many levels as it has rows.
ErrorModel load_error_model(const std::filesystem::path& file, const std::string& path, int sawl = 0);

/// Every error model of the file, in the file's order.
std::vector<ErrorModelKey> list_error_models(const std::filesystem::path& file);

}  // namespace flare::arch
