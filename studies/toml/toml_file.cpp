#include "studies/toml/toml_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "studies/toml/toml_section.hpp"

namespace flare::studies {

namespace {

constexpr std::size_t max_bytes = 1u << 20;
constexpr int max_key_parts = 64;  // "a.b.c" has three; tables within tables are taken down by recursion

/// The first line with a key of more parts than that; 0: none. Dots in quotes and comments are text.
std::size_t line_of_long_key(const std::string& text) {
  std::size_t line = 1;
  int dots = 0;
  char quote = '\0';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') {
      ++line;
      dots = 0;
      quote = '\0';
    } else if (quote != '\0') {
      if (c == '\\' && quote == '"') ++i;
      if (c == quote) quote = '\0';
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '#') {
      i = std::min(text.find('\n', i), text.size()) - 1;
    } else if (std::string_view("=,{}[]").find(c) != std::string_view::npos) {
      dots = 0;
    } else if (c == '.' && ++dots > max_key_parts) {
      return line;
    }
  }
  return 0;
}

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
  if (const std::size_t line = line_of_long_key(text); line > 0)
    throw StudyError(fmt::format("{}:{}: a key of more than {} parts", file.string(), line, max_key_parts));
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
