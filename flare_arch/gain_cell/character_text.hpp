// Text for a model of characters: one token a character.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace flare::arch {

class Characters {
 public:
  /// vocab.json of a model's folder: {"a": 0, ...}, every key one character, every id below `vocabulary`. Throws
  /// engine::FileError with the remedy.
  static Characters load(const std::filesystem::path& model, int vocabulary);
  static std::filesystem::path file(const std::filesystem::path& model) { return model / "vocab.json"; }

  explicit Characters(std::map<std::string, std::int32_t> ids) : ids_(std::move(ids)) {}

  std::size_t size() const { return ids_.size(); }
  /// Ids of a text in UTF-8; the first `most` characters, 0: all. Throws std::invalid_argument "line N: ..." for a
  /// character that the model lacks.
  std::vector<std::int32_t> ids(const std::string& text, std::int64_t most = 0) const;

 private:
  std::map<std::string, std::int32_t> ids_;
};

/// The file's characters as ids. Throws engine::FileError for a file that cannot be read, has a character that the model
/// lacks, or fewer than two characters.
std::vector<std::int32_t> read_text(const std::filesystem::path& file, const Characters& characters,
                                    std::int64_t most = 0);

/// What follows what: targets[i] is the token after inputs[i].
struct TextWindow {
  std::vector<std::int32_t> inputs, targets;
};

/// The text in windows of `length` tokens, one after the other; the last may be shorter. Every token but the first is a
/// target once.
std::vector<TextWindow> windows_of(const std::vector<std::int32_t>& tokens, int length);
/// `count` whole windows that begin anywhere, drawn by `seed` and `draw`: other draws of a seed are independent. Throws
/// std::invalid_argument for a text that is shorter than one.
std::vector<TextWindow> random_windows(const std::vector<std::int32_t>& tokens, int length,
                                       std::int64_t count, std::uint64_t seed, std::uint32_t draw);

}  // namespace flare::arch
