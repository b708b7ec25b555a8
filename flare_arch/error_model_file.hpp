// Error models from a result file (HDF5), as the study writes them:
//   /error_models/<cell>/sawl<N>/<adc>/<corner>/confusion, with its attributes.
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

/// Throws std::runtime_error "file: what is wrong" for a file that cannot be read, a model that is not there
/// (the message lists those that are) or one that is not valid. What is read is bounded in size.
ErrorModel load_error_model(const std::filesystem::path& file, const std::string& cell, int sawl,
                            const std::string& adc, const std::string& corner);

/// Every error model of the file, in the file's order.
std::vector<ErrorModelKey> list_error_models(const std::filesystem::path& file);

}  // namespace flare::arch
