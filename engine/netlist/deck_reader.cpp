#include "engine/netlist/deck_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <utility>

#include "engine/netlist/deck_trust.hpp"

namespace flare::engine {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

std::filesystem::path links_followed(const std::filesystem::path& path) {
  std::error_code error;
  const std::filesystem::path real = std::filesystem::weakly_canonical(path, error);
  return error ? std::filesystem::absolute(path).lexically_normal() : real;
}

bool is_include(std::string_view word) { return word.starts_with(".inc"); }

/// ngspice takes the micro sign (U+00B5) after a number as 1e-6 and the Greek letter that looks the same (U+03BC) as
/// nothing: the letter becomes the sign. Names of files keep theirs.
std::string with_micro_signs(std::string_view line) {
  constexpr std::string_view letter = "\xCE\xBC";
  constexpr std::string_view sign = "\xC2\xB5";
  std::string text(line);
  const std::string word = lower(line.substr(0, 4));
  if (is_include(word) || word == ".lib") return text;
  for (std::size_t at = text.find(letter); at != std::string::npos; at = text.find(letter, at + 1)) {
    const bool of_number = at > 0 && (text[at - 1] == '.' || (text[at - 1] >= '0' && text[at - 1] <= '9'));
    if (of_number) text.replace(at, letter.size(), sign);
  }
  return text;
}

/// ".lib NAME": a section begins here.
bool begins_section(std::string_view line, std::string* name) {
  if (line.size() < 5 || lower(line.substr(0, 4)) != ".lib" || !is_blank(line[4])) return false;
  const std::vector<std::string> words = words_of(without_comment(line));
  if (words.size() == 2) *name = lower(unquoted(words[1]));
  return words.size() == 2;
}

std::set<std::string> sections_of(const std::vector<std::string>& lines) {
  std::set<std::string> sections;
  std::string name;
  for (const std::string& line : lines) {
    if (line.starts_with('.') && begins_section(line, &name)) sections.insert(name);
  }
  return sections;
}

}  // namespace

SectionChoice::SectionChoice(const std::map<std::filesystem::path, std::string>& sections) {
  for (const auto& [key, section] : sections) {
    const bool bare = !key.has_parent_path();
    entries_.push_back({key, bare ? key : links_followed(key), lower(section)});
  }
  std::stable_partition(entries_.begin(), entries_.end(),
                        [](const Entry& entry) { return entry.key.has_parent_path(); });
}

const std::string* SectionChoice::find(const std::filesystem::path& file, std::filesystem::path* key) const {
  if (entries_.empty()) return nullptr;
  const std::filesystem::path real = links_followed(file);
  for (const Entry& entry : entries_) {
    const bool bare = !entry.key.has_parent_path();
    const bool same =
        bare ? entry.file == file.filename() || entry.file == real.filename() : entry.file == real;
    if (!same) continue;
    *key = entry.key;
    return &entry.section;
  }
  return nullptr;
}

std::shared_ptr<const Reader::Lines> Reader::split(std::string_view text, const std::string& name) {
  bytes_ += text.size();
  if (bytes_ > options_.limits.max_bytes) {
    throw DeckError(
        fmt::format("{}:1: the netlist is larger than {} MB; raise the limit if it is meant to be", name,
                    options_.limits.max_bytes >> 20));
  }
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  auto lines = std::make_shared<Lines>();
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    if (line.find('\0') != std::string_view::npos) {
      throw DeckError(
          fmt::format("{}:{}: this is not text in ASCII or UTF-8; give a netlist", name, lines->size() + 1));
    }
    lines->push_back(with_micro_signs(trim(line)));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

std::shared_ptr<const Reader::Lines> Reader::lines_of(const std::filesystem::path& file) {
  auto& cached = texts_[file.string()];
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
    if (!std::filesystem::is_regular_file(candidate, ignored)) continue;
    // "link/../x" lies beside what the link points to: no shorter path to the same file then.
    const std::filesystem::path shorter = candidate.lexically_normal();
    return std::filesystem::equivalent(shorter, candidate, ignored) ? shorter : candidate;
  }
  std::string places;
  for (const auto& candidate : tried) places += (places.empty() ? "" : ", ") + candidate.string();
  place.fail(fmt::format("there is no file {}; looked for {}", name, places));
}

std::uint32_t Reader::number_of(const std::filesystem::path& file) {
  const auto found = std::find(files_.begin(), files_.end(), file.string());
  const auto number = static_cast<std::uint32_t>(found - files_.begin());
  if (found == files_.end()) files_.push_back(file.string());
  return number;
}

void Reader::count_line(const Place& place) {
  if (++lines_ <= options_.limits.max_lines) return;
  place.fail(fmt::format("more than {} lines; raise the limit if that is meant", options_.limits.max_lines));
}

void Reader::append(std::string_view line, const Place& place) {
  count_line(place);
  statements_.push_back({std::string(line), place.at, &files_, in_control_});
}

void Reader::join(std::string_view text, const Place& place) {
  if (!may_continue_ || statements_.empty())
    place.fail("a continuation line with nothing to continue; remove the +");
  count_line(place);
  statements_.back().text += ' ';
  statements_.back().text += trim(text);
}

void Reader::include(const std::vector<std::string>& words, const Place& place) {
  if (words.size() != 2) place.fail(".include takes one file; write .include \"FILE\"");
  const std::filesystem::path file = resolve(unquoted(words[1]), place);
  read(*lines_of(file), file, place, nullptr);
}

void Reader::library(const std::vector<std::string>& words, const Place& place) {
  const std::filesystem::path file = resolve(unquoted(words[1]), place);
  std::filesystem::path key;
  const std::string* chosen = place.moved ? nullptr : choice_.find(file, &key);
  if (chosen && std::find(sections_taken_.begin(), sections_taken_.end(), key) == sections_taken_.end())
    sections_taken_.push_back(key);
  const std::string section = chosen ? *chosen : lower(unquoted(words[2]));
  const std::shared_ptr<const Lines> lines = lines_of(file);
  const std::set<std::string> sections = sections_of(*lines);
  if (!sections.contains(section)) {
    std::string all;
    for (const std::string& name : sections) all += (all.empty() ? "" : ", ") + name;
    place.fail(
        fmt::format("{} has no section {}; it has {}", file.string(), section, all.empty() ? "none" : all));
  }
  Place inside = place;
  inside.moved = place.moved || chosen;
  read(*lines, file, std::move(inside), &section);
}

void Reader::dot_statement(std::string_view line, const Place& place) {
  const std::string word = first_word(line);
  // ngspice reads on after it, also in an included file.
  if (word == ".end") return;
  if (word == ".title") {
    title_ = std::string(trim(line.substr(word.size())));
    return;
  }
  if (is_include(word)) return include(words_of(line), place);
  if (word == ".lib") {
    const std::vector<std::string> words = words_of(line);
    if (words.size() == 3) return library(words, place);
  }
  if (word == ".lib" || word == ".endl") place.fail(word + " cannot be read; write .lib \"FILE\" SECTION");
  if (word == ".control") in_control_ = true;
  append(line, place);
  may_continue_ = true;
}

/// Takes in one line that is not a comment.
void Reader::statement(std::string_view line, const Place& place) {
  if (in_control_) {
    if (first_word(line) != ".end") append(line, place);
    if (lower(line.substr(0, 5)) == ".endc") in_control_ = false;
    return;
  }
  const bool continues_last = std::exchange(must_continue_, line.ends_with("\\\\"));
  if (must_continue_) line = trim(line.substr(0, line.size() - 2));
  const bool plus = line.starts_with('+');
  line = without_comment(line);
  if (plus || continues_last) return join(plus ? line.substr(1) : line, place);
  if (line.empty()) return;
  may_continue_ = false;
  if (line.front() == '.') return dot_statement(line, place);
  append(line, place);
  may_continue_ = true;
}

/// Whether the first line of a netlist is but a title. ngspice reads files that it names.
bool Reader::title_line(std::string_view line, const Place& place) {
  title_ = line;
  if (!line.starts_with('.')) return true;
  const std::string word = first_word(line);
  if (word == ".lib" || word == ".title" || is_include(word)) return false;
  if (is_circuit_statement(word) || word == ".control") {
    place.fail(
        fmt::format("the first line of a netlist is its title: ngspice does not read {} there; put a "
                    "title line before it",
                    word));
  }
  return true;
}

void Reader::read(const Lines& lines, const std::filesystem::path& file, Place place,
                  const std::string* section) {
  const bool is_main = files_.empty();
  place.at = {number_of(file), 1};
  place.files = &files_;
  place.folder = file.parent_path();
  place.depth += is_main ? 0 : 1;
  if (place.depth > options_.limits.max_include_depth) {
    place.fail(fmt::format("files include each other more than {} deep; break the circle",
                           options_.limits.max_include_depth));
  }
  bool wanted = section == nullptr;  // outside every section
  bool inside = false;
  std::string name;
  may_continue_ = false;
  must_continue_ = false;
  place.at.line = 0;
  for (const std::string& line : lines) {
    ++place.at.line;
    if (is_main && place.at.line == 1 && title_line(line, place)) continue;
    if (line.empty() || line.front() == '*') continue;
    if (line.front() == '.' && !in_control_) {
      if (begins_section(line, &name)) {
        if (inside) place.fail("a library section inside another; end it with .endl first");
        inside = true;
        wanted = section != nullptr && name == *section;
        continue;
      }
      if (lower(std::string_view(line).substr(0, 5)) == ".endl") {
        if (!inside) place.fail(".endl without .lib; remove it");
        inside = false;
        wanted = section == nullptr;
        continue;
      }
    }
    if (wanted) statement(line, place);
  }
  if (inside) place.fail("a library section without its end; add .endl");
  may_continue_ = false;
  must_continue_ = false;
}

void Reader::read_main(const std::filesystem::path& file) {
  const std::filesystem::path path = file.lexically_normal();
  read(*lines_of(path), path, {}, nullptr);
}

void Reader::read_text(std::string_view text, const std::filesystem::path& origin) {
  read(*split(text, origin.string()), origin, {}, nullptr);
}

}  // namespace flare::engine
