#include "flare_arch/base/json_object.hpp"

#include <fmt/format.h>

#include <fstream>
#include <stdexcept>

#include "engine/base/file_error.hpp"

namespace flare::arch {

nlohmann::json parse_json_object(std::string_view text, const char* what) {
  constexpr int deepest = 64;
  int depth = 0;
  bool quoted = false, escaped = false;
  for (const char c : text) {
    if (quoted) {
      quoted = escaped || c != '"';
      escaped = !escaped && c == '\\';
      continue;
    }
    quoted = c == '"';
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    if (depth > deepest) throw std::runtime_error(fmt::format("{} is nested too deeply", what));
  }
  nlohmann::json document = nlohmann::json::parse(text, nullptr, false);
  if (!document.is_object()) throw std::runtime_error(fmt::format("{} is not a JSON object", what));
  return document;
}

nlohmann::json read_json_object(const std::filesystem::path& file, std::uint64_t most_bytes) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(file, error);
  std::ifstream in(file, std::ios::binary);
  if (error || !in) throw engine::FileError(file.string() + ": cannot be opened");
  if (size > most_bytes) throw engine::FileError(file.string() + ": too large");
  std::string text(static_cast<std::size_t>(size), '\0');
  in.read(text.data(), static_cast<std::streamsize>(size));
  text.resize(static_cast<std::size_t>(in.gcount()));
  try {
    return parse_json_object(text, "the file");
  } catch (const std::runtime_error& e) {
    throw engine::FileError(file.string() + ": " + e.what());
  }
}

}  // namespace flare::arch
