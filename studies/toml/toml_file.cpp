#include "studies/toml/toml_file.hpp"

#include <fmt/format.h>

#include <fstream>
#include <sstream>

#include "studies/toml/toml_section.hpp"

namespace flare::studies {

namespace {

constexpr std::size_t max_bytes = 1u << 20;

}  // namespace

std::string read_toml_text(const std::filesystem::path& file, std::string_view what) {
  std::error_code error;
  const auto size = std::filesystem::file_size(file, error);
  if (error)
    throw StudyError(fmt::format("{}: there is no such file; expected {} (TOML)", file.string(), what));
  if (size > max_bytes)
    throw StudyError(fmt::format("{}: larger than 1 MiB; expected {}", file.string(), what));
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) throw StudyError(file.string() + ": cannot be read");
  return text.str();
}

toml::table parse_toml(const std::string& text, const std::filesystem::path& file) {
  try {
    return toml::parse(text, file.string());
  } catch (const toml::parse_error& e) {
    throw StudyError(
        fmt::format("{}:{}: not TOML: {}", file.string(), e.source().begin.line, e.description()));
  }
}

toml::table read_toml(const std::filesystem::path& file, std::string_view what) {
  return parse_toml(read_toml_text(file, what), file);
}

}  // namespace flare::studies
