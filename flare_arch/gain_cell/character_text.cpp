#include "flare_arch/gain_cell/character_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "engine/base/file_error.hpp"
#include "flare_arch/array/random_streams.hpp"
#include "flare_arch/base/json_object.hpp"

namespace flare::arch {
namespace {

/// Bytes of the character that begins so; a stray byte counts as one.
std::size_t length_of(unsigned char first) {
  return first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
}

/// A character as an error message shows it.
std::string shown(const std::string& character) {
  const auto first = static_cast<unsigned char>(character.front());
  const bool is_visible = first > ' ' && first != 0x7f && length_of(first) == character.size() &&
                          (character.size() > 1 || first < 0x80);
  return is_visible ? fmt::format("'{}'", character) : fmt::format("of byte 0x{:02x}", first);
}

}  // namespace

Characters Characters::load(const std::filesystem::path& model, int vocabulary) {
  const std::filesystem::path path = file(model);
  if (!std::filesystem::exists(path))
    throw engine::FileError(path.string() +
                            ": missing; a model of characters with {\"character\": id, ...} is expected");
  std::map<std::string, std::int32_t> ids;
  const nlohmann::json document = read_json_object(path);
  for (const auto& [character, id] : document.items()) {
    if (character.empty() || length_of(static_cast<unsigned char>(character.front())) != character.size())
      throw engine::FileError(
          fmt::format("{}: '{}' is no single character; text is read for models of characters only",
                      path.string(), character.substr(0, 40)));
    if (!id.is_number_integer() || id.get<std::int64_t>() < 0 || id.get<std::int64_t>() >= vocabulary)
      throw engine::FileError(fmt::format("{}: the id of '{}' must be 0 to {}, as the model has",
                                          path.string(), character, vocabulary - 1));
    ids.emplace(character, id.get<std::int32_t>());
  }
  return Characters(std::move(ids));
}

std::vector<std::int32_t> Characters::ids(const std::string& text, std::int64_t most) const {
  std::vector<std::int32_t> result;
  std::int64_t line = 1;
  for (std::size_t at = 0;
       at < text.size() && (most == 0 || static_cast<std::int64_t>(result.size()) < most);) {
    const std::size_t length = std::min(length_of(static_cast<unsigned char>(text[at])), text.size() - at);
    const std::string character = text.substr(at, length);
    const auto found = ids_.find(character);
    if (found == ids_.end())
      throw std::invalid_argument(fmt::format(
          "line {}: the character {} is not one of the model's {}; take it out of the text, or train "
          "a model that has it",
          line, shown(character), ids_.size()));
    result.push_back(found->second);
    line += character == "\n" ? 1 : 0;
    at += length;
  }
  return result;
}

std::vector<std::int32_t> read_text(const std::filesystem::path& file, const Characters& characters,
                                    std::int64_t most) {
  std::ifstream in(file, std::ios::binary);
  if (!in || std::filesystem::is_directory(file))
    throw engine::FileError(file.string() + ": cannot be read; a text file is expected");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  try {
    std::vector<std::int32_t> ids = characters.ids(text, most);
    if (ids.size() < 2) throw std::invalid_argument("fewer than two characters: nothing to predict");
    return ids;
  } catch (const std::invalid_argument& e) {
    throw engine::FileError(fmt::format("{}: {}", file.string(), e.what()));
  }
}

std::vector<TextWindow> windows_of(const std::vector<std::int32_t>& tokens, int length) {
  if (length < 1) throw std::invalid_argument("text: windows of 1 or more tokens are expected");
  std::vector<TextWindow> windows;
  const auto step = static_cast<std::size_t>(length);
  for (std::size_t at = 0; at + 1 < tokens.size(); at += step) {
    const std::size_t end = std::min(at + step, tokens.size() - 1);
    const auto begin = tokens.begin();
    const auto here = static_cast<std::ptrdiff_t>(at), there = static_cast<std::ptrdiff_t>(end);
    windows.push_back({{begin + here, begin + there}, {begin + here + 1, begin + there + 1}});
  }
  return windows;
}

/// Of the arrays of StreamPurpose::repeat: no array's repeats have so high a number.
constexpr std::uint32_t text_windows = 0x7e870000u;

std::vector<TextWindow> random_windows(const std::vector<std::int32_t>& tokens, int length,
                                       std::int64_t count, std::uint64_t seed, std::uint32_t draw) {
  const auto starts = static_cast<std::ptrdiff_t>(tokens.size()) - length;
  if (starts < 1)
    throw std::invalid_argument(
        fmt::format("a text of {} characters has no whole window of {}", tokens.size(), length));
  UniformSequence uniforms(StreamKey(seed, StreamPurpose::repeat, text_windows + draw), 0, 0, 0);
  std::vector<TextWindow> windows;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto first =
        tokens.begin() + static_cast<std::ptrdiff_t>(uniforms.next() * static_cast<double>(starts));
    windows.push_back({{first, first + length}, {first + 1, first + length + 1}});
  }
  return windows;
}

}  // namespace flare::arch
