// Strict reading of a study: every key that is there must be known, every quantity must have its unit, and
// every error names the file, the line, the key and the remedy.
#pragma once

#include <toml++/toml.h>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "studies/toml/key_log.hpp"

namespace flare::studies {

/// The user's input is wrong. what() is one line: file:line: key: what is wrong; what was expected.
class StudyError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One table of a study. Each getter marks its key as known; finish() refuses the keys nobody asked for.
class Section {
 public:
  /// `log`, where it is given, takes in what is asked of every key here and in sub-tables; it must outlive them.
  Section(const toml::table& table, std::string path, std::filesystem::path file, KeyLog* log = nullptr);

  /// Whether the key is there; asking makes it a known one.
  bool has(std::string_view key);
  bool has_text(std::string_view key);
  const std::string& path() const { return path_; }

  // Required where no default is given.
  std::string text(std::string_view key);
  std::string text(std::string_view key, const std::string& otherwise);
  /// One of `choices`.
  std::string choice(std::string_view key, std::initializer_list<std::string_view> choices,
                     const std::string& otherwise);
  /// A list of texts; one text alone is a list of one.
  std::vector<std::string> texts(std::string_view key);
  /// A list of texts, numbers and flags, each as it would be written in TOML.
  std::vector<std::string> values(std::string_view key);
  /// A text, or a number as it would be written.
  std::string text_or_number(std::string_view key);
  /// A number, or a quantity of any unit in quotes, in SI units.
  double parameter(std::string_view key);
  /// Every key there is, for tables whose keys are the user's own names; all count as known.
  std::vector<std::string> keys();
  bool flag(std::string_view key, bool otherwise);
  std::int64_t integer(std::string_view key, std::int64_t least, std::int64_t most);
  std::int64_t integer(std::string_view key, std::int64_t otherwise, std::int64_t least, std::int64_t most);
  std::vector<std::int64_t> integers(std::string_view key, std::int64_t least, std::int64_t most);
  double number(std::string_view key, double least, double most);
  double number(std::string_view key, double otherwise, double least, double most);
  /// In the SI unit `unit` (engine/base/units.hpp).
  double quantity(std::string_view key, std::string_view unit);
  double quantity(std::string_view key, std::string_view unit, double otherwise);
  std::vector<double> quantities(std::string_view key, std::string_view unit);
  /// A path relative to the folder of the file that names it; the file must exist.
  std::filesystem::path file(std::string_view key);

  /// A sub-table; where it is absent, an empty one.
  Section section(std::string_view key);
  /// An array of tables ([[key]]); empty where it is absent.
  std::vector<Section> sections(std::string_view key);

  /// Throws for the first key that nobody asked for, naming the nearest known one.
  void finish() const;

  /// "file:line: table.key", for what can only be found wrong later.
  std::string place(std::string_view key) const { return where(key); }

  /// Throws StudyError at `key` (or at the table itself where key is empty).
  [[noreturn]] void fail(std::string_view key, const std::string& message) const;

 private:
  const toml::node* find(std::string_view key);
  const toml::node& require(std::string_view key, std::string_view what);
  std::string where(std::string_view key) const;
  /// Into the log: what the key takes and its default. Before the key counts as known: one that is then is optional.
  void note(std::string_view key, const std::string& values,
            const std::optional<std::string>& otherwise = {});
  std::string text_of(std::string_view key);
  std::vector<std::string> texts_of(std::string_view key);

  const toml::table* table_;
  std::string path_;
  std::filesystem::path file_;
  std::set<std::string, std::less<>> known_;
  KeyLog* log_;
  bool own_names_ = false;  // the keys are the user's
};

/// `name` of `candidates` that is closest to `word` by edit distance; empty where none is close.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace flare::studies
