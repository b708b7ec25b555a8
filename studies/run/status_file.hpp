// What a running study says of itself to others, beside its result: OUT.h5.status.
#pragma once

#include <filesystem>
#include <string>

namespace flare::studies {

struct RunStatus {
  std::string host;
  int process = 0;
  std::string stage;
  std::string count;  // "1200 of 4000 runs"
  double fraction = 0.0;
  double seconds_left = -1.0;  // of the stage; negative: not known
};

std::filesystem::path status_path(const std::filesystem::path& result);

/// Replaces the file whole; what cannot be written is not missed, and what is no status stays. Host and process are this
/// one's.
void write_status(const std::filesystem::path& file, RunStatus status);
/// Removes it, if it is one.
void remove_status(const std::filesystem::path& file);
/// Throws std::runtime_error for a file that is none.
RunStatus read_status(const std::filesystem::path& file);

double age_in_seconds(const std::filesystem::path& file);

}  // namespace flare::studies
