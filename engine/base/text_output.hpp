// Pages, figures, netlists and other texts that commands write. Each appears whole, or none does; what stands in their place
// is replaced only where it carries the mark of an earlier one.
#pragma once

#include <filesystem>
#include <span>
#include <string>

namespace flare::engine {

struct TextOutput {
  std::filesystem::path path;
  std::string text;
  /// Stands within the first 4,096 bytes of every text that this place may hold, and of nobody else's. Empty: nothing may
  /// stand there.
  std::string mark;
};

/// The first line, with its end: what tables as CSV and netlists are known by.
std::string first_line(const std::string& text);

/// Throws FileError where `path` cannot become a file, or holds what is without `mark`.
void check_text_place(const std::filesystem::path& path, const std::string& mark);

/// Makes the folder, and those above it, where there is none. Throws FileError where it cannot be made or written.
void make_output_folder(const std::filesystem::path& folder);

/// check_text_place of all, then all of them. Throws what it and write_output do.
void write_texts(std::span<const TextOutput> outputs);
void write_text(const TextOutput& output);

}  // namespace flare::engine
