#include "engine/deck_reader.hpp"

#include <fmt/format.h>

#include <fstream>
#include <set>
#include <utility>

namespace flare::engine {

std::shared_ptr<const Reader::Lines> Reader::split(std::string_view text, const std::string& name) {
  bytes_ += text.size();
  if (bytes_ > options_.limits.max_bytes) {
    throw DeckError(
        fmt::format("{}:1: the netlist is larger than {} MB; raise the limit if it is meant to be", name,
                    options_.limits.max_bytes >> 20));
  }
  auto lines = std::make_shared<Lines>();
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    if (line.find('\0') != std::string_view::npos) {
      throw DeckError(fmt::format("{}:{}: this is not text; give a netlist", name, lines->size() + 1));
    }
    lines->emplace_back(trim(line));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

std::shared_ptr<const Reader::Lines> Reader::lines_of(const std::filesystem::path& file) {
  auto& cached = files_[file.string()];
  if (cached) return cached;
  std::error_code error;
  const auto size = std::filesystem::file_size(file, error);
  if (error) throw DeckError(fmt::format("{}:1: {}; check the path", file.string(), error.message()));
  if (size > options_.limits.max_bytes)
    split(std::string(options_.limits.max_bytes + 1, '\n'), file.string());
  std::string text(size, '\0');
  std::ifstream stream(file, std::ios::binary);
  stream.read(text.data(), static_cast<std::streamsize>(size));
  if (!stream) throw DeckError(fmt::format("{}:1: cannot be read; check its permissions", file.string()));
  return cached = split(text, file.string());
}

std::filesystem::path Reader::resolve(const std::string& name, const Place& place) const {
  const std::filesystem::path path(name);
  std::vector<std::filesystem::path> tried;
  if (path.is_absolute()) {
    tried.push_back(path);
  } else {
    tried.push_back(place.folder / path);
    for (const auto& folder : options_.search_paths) tried.push_back(folder / path);
  }
  for (const auto& candidate : tried) {
    std::error_code ignored;
    if (std::filesystem::is_regular_file(candidate, ignored)) return candidate.lexically_normal();
  }
  std::string places;
  for (const auto& candidate : tried) places += (places.empty() ? "" : ", ") + candidate.string();
  place.fail(fmt::format("there is no file {}; looked for {}", name, places));
}

void Reader::append(std::string_view line, const Place& place) {
  if (++lines_ > options_.limits.max_lines) {
    place.fail(
        fmt::format("more than {} lines; raise the limit if that is meant", options_.limits.max_lines));
  }
  statements_.push_back({std::string(line), place.file, place.line, in_control_});
}

void Reader::join(std::string_view line, const Place& place) {
  if (!may_continue_ || statements_.empty())
    place.fail("a continuation line with nothing to continue; remove the +");
  if (++lines_ > options_.limits.max_lines) place.fail("too many lines; raise the limit if that is meant");
  statements_.back().text += ' ';
  statements_.back().text += trim(line.substr(1));
}

void Reader::include(const std::vector<std::string>& words, const Place& place) {
  if (words.size() != 2) place.fail(".include takes one file; write .include \"FILE\"");
  const std::filesystem::path file = resolve(unquoted(words[1]), place);
  read(*lines_of(file), file, place.depth + 1, false, nullptr);
}

void Reader::library(const std::vector<std::string>& words, const Place& place) {
  const std::filesystem::path file = resolve(unquoted(words[1]), place);
  const auto chosen = options_.library_sections.find(std::filesystem::absolute(file).lexically_normal());
  const std::string section = lower(chosen == options_.library_sections.end() ? words[2] : chosen->second);
  if (chosen != options_.library_sections.end()) sections_taken.push_back(chosen->first);
  const std::shared_ptr<const Lines> lines = lines_of(file);
  std::set<std::string> sections;
  for (const std::string& line : *lines) {
    if (line.empty() || line.front() != '.' || lower(line.substr(0, 4)) != ".lib") continue;
    const std::vector<std::string> inner = words_of(without_comment(line));
    if (inner.size() == 2) sections.insert(lower(inner[1]));
  }
  if (!sections.contains(section)) {
    std::string all;
    for (const std::string& name : sections) all += (all.empty() ? "" : ", ") + name;
    place.fail(
        fmt::format("{} has no section {}; it has {}", file.string(), section, all.empty() ? "none" : all));
  }
  read(*lines, file, place.depth + 1, false, &section);
}

/// Takes in one line that is not a comment. False at .end.
bool Reader::statement(std::string_view line, Place& place) {
  if (in_control_) {
    append(line, place);
    if (lower(line.substr(0, 5)) == ".endc") in_control_ = false;
    return true;
  }
  if (line.front() == '+') {
    join(without_comment(line), place);
    return true;
  }
  line = without_comment(line);
  if (line.empty()) return true;
  may_continue_ = false;
  if (line.front() == '.') {
    const std::string word = lower(line.substr(0, line.find_first_of(" \t(=")));
    const std::vector<std::string> words = words_of(line);
    if (word == ".end") return false;
    if (word == ".include" || word == ".inc") {
      include(words, place);
      return true;
    }
    if (word == ".lib" && words.size() == 3) {
      library(words, place);
      return true;
    }
    if (word == ".lib" || word == ".endl") place.fail(word + " cannot be read; write .lib \"FILE\" SECTION");
    if (word == ".control") in_control_ = true;
    if (word == ".title") {
      title_ = std::string(trim(line.substr(6)));
      return true;
    }
  }
  append(line, place);
  may_continue_ = true;
  return true;
}

void Reader::read(const Lines& lines, const std::filesystem::path& file, std::size_t depth, bool has_title,
                  const std::string* section) {
  Place place{file.string(), file.parent_path(), 0, depth};
  if (depth > options_.limits.max_include_depth) {
    place.line = 1;
    place.fail(fmt::format("files include each other more than {} deep; break the circle",
                           options_.limits.max_include_depth));
  }
  bool wanted = section == nullptr;  // outside every section
  bool inside = false;
  may_continue_ = false;
  for (const std::string& line : lines) {
    ++place.line;
    if (place.line == 1 && has_title) {
      title_ = line;
      continue;
    }
    if (line.empty() || line.front() == '*') continue;
    const std::string start = lower(std::string_view(line).substr(0, 5));
    const bool is_lib = start.rfind(".lib", 0) == 0 && (line.size() == 4 || is_blank(line[4]));
    if (is_lib && !in_control_) {
      const std::vector<std::string> words = words_of(without_comment(line));
      if (words.size() == 2) {  // a section begins
        if (inside) place.fail("a library section inside another; end it with .endl first");
        inside = true;
        wanted = section != nullptr && lower(words[1]) == *section;
        continue;
      }
    }
    if (start == ".endl" && !in_control_) {
      if (!inside) place.fail(".endl without .lib; remove it");
      inside = false;
      wanted = section == nullptr;
      continue;
    }
    if (wanted && !statement(line, place)) break;
  }
  if (inside) place.fail("a library section without its end; add .endl");
  may_continue_ = false;
}

void Reader::read_main(const std::filesystem::path& file) {
  const std::filesystem::path path = file.lexically_normal();
  read(*lines_of(path), path, 0, true, nullptr);
}

void Reader::read_text(std::string_view text, const std::filesystem::path& origin) {
  read(*split(text, origin.string()), origin, 0, true, nullptr);
}

}  // namespace flare::engine
