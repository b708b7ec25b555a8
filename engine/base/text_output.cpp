#include "engine/base/text_output.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <system_error>

#include "engine/base/file_error.hpp"
#include "engine/base/output_file.hpp"

namespace flare::engine {

namespace {

constexpr std::size_t looked_at = 4096;

bool has_mark(const std::filesystem::path& path, const std::string& mark) {
  std::ifstream in(path, std::ios::binary);
  std::string start(looked_at, '\0');
  in.read(start.data(), static_cast<std::streamsize>(start.size()));
  start.resize(static_cast<std::size_t>(in.gcount()));
  return !mark.empty() && start.find(mark) != std::string::npos;
}

}  // namespace

std::string first_line(const std::string& text) {
  const std::size_t end = text.find('\n');
  return end == std::string::npos ? text : text.substr(0, end + 1);
}

void check_text_place(const std::filesystem::path& path, const std::string& mark) {
  check_output(path);
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored) || has_mark(path, mark)) return;
  throw FileError(path.string() +
                  ": is there already and was not written by this command; move it away, or choose another "
                  "place");
}

void make_output_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!std::filesystem::is_directory(folder))
    throw FileError(fmt::format("{}: cannot be made a folder{}; choose another", folder.string(),
                                error ? " (" + error.message() + ")" : std::string()));
  if (::access(folder.c_str(), W_OK) != 0)
    throw FileError(folder.string() + ": the folder cannot be written; choose another");
}

void write_texts(std::span<const TextOutput> outputs) {
  for (const TextOutput& output : outputs) check_text_place(output.path, output.mark);
  for (const TextOutput& output : outputs) write_output(output.path, output.text);
}

void write_text(const TextOutput& output) { write_texts({&output, 1}); }

}  // namespace flare::engine
