// Error models from a result file (HDF5), as the study writes them:
//   /error_models/<cell>/sawl<N>/<adc>/<corner>/confusion, with its attributes;
// or one that somebody measured and wrote there: only the matrix is needed. The attributes are the keys of
// MatrixDescription (measured_model.hpp), each with its default; another one is an error, so that none is misspelt.
#pragma once

#include <H5Cpp.h>

#include <filesystem>
#include <string>
#include <vector>

#include "engine/base/error_model.hpp"

namespace flare::engine {

/// Which column, converter and corner.
struct ModelKey {
  std::string cell;  // "sram8t"
  int sawl = 0;
  std::string adc;     // the converter's name
  std::string corner;  // "tt_0.90V_27C"

  std::string point_path() const;  // /points/<cell>/sawl<N>/<corner>
  std::string model_path() const;  // /error_models/<cell>/sawl<N>/<adc>/<corner>
};

void write_error_model(H5::H5File& file, const ModelKey& key, const ErrorModel& model);

/// Throws FileError "file: what is wrong" (all of it) for a model that is not there (the message lists those that
/// are) or one that is not valid. What is read is bounded in size.
ErrorModel read_error_model(const H5::H5File& file, const ModelKey& key);
/// The matrix at `path` anywhere in a file; sawl 0: as many levels as it has rows.
ErrorModel read_error_model(const H5::H5File& file, const std::string& path, int sawl = 0);

/// Every error model of the file, by cell, SAWL, converter and corner.
std::vector<ModelKey> list_error_models(const H5::H5File& file);

}  // namespace flare::engine
