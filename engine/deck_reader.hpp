// From files to statements: .include and .lib are followed, comments dropped, continuation lines joined.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/deck.hpp"
#include "engine/deck_lexer.hpp"

namespace flare::engine {

/// Reads files into statements, following .include and .lib.
class Reader {
 public:
  explicit Reader(const DeckOptions& options) : options_(options) {}

  void read_main(const std::filesystem::path& file);
  void read_text(std::string_view text, const std::filesystem::path& origin);
  std::vector<std::filesystem::path> sections_taken;
  std::vector<Statement> take() { return std::move(statements_); }
  const std::string& title() const { return title_; }

 private:
  using Lines = std::vector<std::string>;
  struct Place {
    std::string file;
    std::filesystem::path folder;
    std::size_t line = 0;
    std::size_t depth = 0;
    [[noreturn]] void fail(const std::string& what) const { fail_at(file, line, what); }
  };

  std::shared_ptr<const Lines> lines_of(const std::filesystem::path& file);
  std::shared_ptr<const Lines> split(std::string_view text, const std::string& name);
  std::filesystem::path resolve(const std::string& name, const Place& place) const;
  void read(const Lines& lines, const std::filesystem::path& file, std::size_t depth, bool has_title,
            const std::string* section);
  bool statement(std::string_view line, Place& place);
  void include(const std::vector<std::string>& words, const Place& place);
  void library(const std::vector<std::string>& words, const Place& place);
  void append(std::string_view line, const Place& place);
  void join(std::string_view line, const Place& place);

  const DeckOptions& options_;
  std::vector<Statement> statements_;
  std::string title_;
  std::map<std::string, std::shared_ptr<const Lines>> files_;
  std::size_t bytes_ = 0;
  std::size_t lines_ = 0;
  bool in_control_ = false;
  bool may_continue_ = false;  // a `+` belongs to the last statement
};

}  // namespace flare::engine
