#include "studies/parts/part_folder.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <optional>

#include "studies/toml/toml_file.hpp"

namespace flare::studies {

namespace {

namespace fs = std::filesystem;

bool is_word(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-';
  });
}

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

std::vector<std::string> variants_of(const fs::path& manifest) {
  std::vector<std::string> names;
  const toml::table table = read_toml(manifest, "a manifest");
  if (const toml::table* variants = table.get_as<toml::table>("variants")) {
    for (const auto& [name, node] : *variants) names.emplace_back(name.str());
  }
  return names;
}

/// The project's own parts of a kind.
std::vector<PartPlace> own_parts(const std::string& kind) {
  std::vector<PartPlace> parts;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(netlists_folder() / (kind + "s"), ignored)) {
    const fs::path manifest = entry.path() / (kind + ".toml");
    if (!is_file(manifest)) continue;
    parts.push_back({manifest, "", entry.path().filename().string()});
    for (const std::string& variant : variants_of(manifest)) parts.push_back({manifest, variant, variant});
  }
  std::sort(parts.begin(), parts.end(),
            [](const PartPlace& a, const PartPlace& b) { return a.name < b.name; });
  return parts;
}

std::optional<PartPlace> at_path(const fs::path& folder, const std::string& kind) {
  const std::string file = kind + ".toml";
  const fs::path clean = (folder / "").lexically_normal().parent_path();
  const std::string name = clean.filename().string();
  if (is_file(clean / file)) return PartPlace{clean / file, "", name};
  const fs::path above = clean.parent_path() / file;
  if (!is_file(above)) return std::nullopt;
  const std::vector<std::string> variants = variants_of(above);
  if (std::find(variants.begin(), variants.end(), name) == variants.end()) return std::nullopt;
  return PartPlace{above, name, name};
}

}  // namespace

fs::path netlists_folder() {
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  const fs::path installed = program.parent_path().parent_path() / "share/flare/netlists";
  return fs::is_directory(installed, ignored) ? installed : fs::path(FLARE_SOURCE_NETLISTS);
}

std::vector<std::string> part_names(const std::string& kind) {
  std::vector<std::string> names;
  for (const PartPlace& part : own_parts(kind)) names.push_back(part.name);
  return names;
}

PartPlace own_part(const std::string& kind, const std::string& name) {
  static const toml::table none;
  return find_part(Section(none, "", name), "", name, kind, {});
}

PartPlace find_part(const Section& section, std::string_view key, const std::string& text,
                    const std::string& kind, const fs::path& study) {
  const std::optional<PartPlace> beside = at_path(study.parent_path() / text, kind);
  const std::vector<PartPlace> own = own_parts(kind);
  const auto named =
      std::find_if(own.begin(), own.end(), [&](const PartPlace& part) { return part.name == text; });
  if (beside && named != own.end() && !fs::equivalent(beside->manifest, named->manifest)) {
    section.fail(key,
                 fmt::format("'{}' is one of the project's own and a folder beside the study; write './{}' "
                             "for the latter, or give the folder another name",
                             text, text));
  }
  if (named != own.end()) return *named;
  if (!beside) {
    const std::string close = nearest(text, part_names(kind));
    section.fail(key, fmt::format("'{}' is no {}; {}, or give the path of a folder with {}.toml in it{}",
                                  text, kind, fmt::format("there are {}", fmt::join(part_names(kind), ", ")),
                                  kind, close.empty() ? "" : fmt::format(" (did you mean '{}'?)", close)));
  }
  if (!is_word(beside->name)) {
    section.fail(key,
                 fmt::format("the folder's name, '{}', names groups of the result file: it may have letters, "
                             "digits, '_' and '-'",
                             beside->name));
  }
  return *beside;
}

}  // namespace flare::studies
