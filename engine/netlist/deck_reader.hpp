// From files to statements: .include and .lib are followed, comments dropped, continuation lines joined.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/netlist/deck.hpp"
#include "engine/netlist/deck_lexer.hpp"

namespace flare::engine {

/// The sections that a study takes instead of those the netlist names.
class SectionChoice {
 public:
  explicit SectionChoice(const std::map<std::filesystem::path, std::string>& sections);

  /// The section to take of the library `file`, and the key that says so; null where the netlist's own counts.
  const std::string* find(const std::filesystem::path& file, std::filesystem::path* key) const;

 private:
  struct Entry {
    std::filesystem::path key;
    std::filesystem::path file;  // links followed; a bare file name stays one
    std::string section;
  };
  std::vector<Entry> entries_;  // full paths before file names
};

/// Reads files into statements. The statements refer to the reader's file names.
class Reader {
 public:
  explicit Reader(const DeckOptions& options) : options_(options), choice_(options.library_sections) {}
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  void read_main(const std::filesystem::path& file);
  void read_text(std::string_view text, const std::filesystem::path& origin);

  std::vector<Statement> take() { return std::move(statements_); }
  const std::string& title() const { return title_; }
  const std::vector<std::string>& files() const { return files_; }
  const std::vector<std::filesystem::path>& sections_taken() const { return sections_taken_; }

 private:
  using Lines = std::vector<std::string>;
  struct Place {
    DeckPlace at;
    const std::vector<std::string>* files = nullptr;
    std::filesystem::path folder;
    std::size_t depth = 0;
    bool moved = false;  // inside a library whose section the study chose
    [[noreturn]] void fail(const std::string& what) const { fail_at((*files)[at.file], at.line, what); }
  };

  std::shared_ptr<const Lines> lines_of(const std::filesystem::path& file);
  std::shared_ptr<const Lines> split(std::string_view text, const std::string& name);
  std::filesystem::path resolve(const std::string& name, const Place& place) const;
  std::uint32_t number_of(const std::filesystem::path& file);

  void read(const Lines& lines, const std::filesystem::path& file, Place place, const std::string* section);
  bool title_line(std::string_view line, const Place& place);
  void statement(std::string_view line, const Place& place);
  void dot_statement(std::string_view line, const Place& place);
  void include(const std::vector<std::string>& words, const Place& place);
  void library(const std::vector<std::string>& words, const Place& place);
  void append(std::string_view line, const Place& place);
  void join(std::string_view text, const Place& place);
  void count_line(const Place& place);

  const DeckOptions& options_;
  SectionChoice choice_;
  std::vector<Statement> statements_;
  std::string title_;
  std::vector<std::string> files_;
  std::map<std::string, std::shared_ptr<const Lines>> texts_;
  std::vector<std::filesystem::path> sections_taken_;
  std::size_t bytes_ = 0;
  std::size_t lines_ = 0;
  bool in_control_ = false;
  bool may_continue_ = false;   // a `+` belongs to the last statement
  bool must_continue_ = false;  // the last line ended in \\: the next one belongs to it
};

}  // namespace flare::engine
