#include "studies/study/overrides.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <vector>

#include "studies/toml/toml_section.hpp"

namespace flare::studies {

namespace {

[[noreturn]] void refuse(const std::string& assignment, const std::string& why) {
  throw StudyError(fmt::format("--set {}: {}", assignment, why));
}

/// "variation[vth].sigma" in its parts: variation, vth, sigma.
std::vector<std::string> parts_of(const std::string& key, const std::string& assignment) {
  std::vector<std::string> parts(1);
  for (const char c : key) {
    if (c == ']') continue;
    if (c == '.' || c == '[') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  if (std::any_of(parts.begin(), parts.end(), [](const std::string& part) { return part.empty(); }))
    refuse(assignment, "an empty part in the key");
  return parts;
}

std::optional<std::size_t> index_of(const std::string& part) {
  std::size_t index = 0;
  const char* end = part.data() + part.size();
  const auto [rest, error] = std::from_chars(part.data(), end, index);
  return error == std::errc() && rest == end ? std::optional<std::size_t>(index) : std::nullopt;
}

/// What a table of an array is called.
std::string called(const toml::node& node) {
  static constexpr std::array keys{"name", "parameter", "param", "source", "key"};
  const toml::table* table = node.as_table();
  for (const char* key : keys) {
    if (table == nullptr) break;
    if (const auto text = table->at_path(key).value<std::string>()) return *text;
  }
  return {};
}

toml::table& element_of(toml::array& array, const std::string& part, const std::string& assignment) {
  std::vector<toml::table*> found;
  std::vector<std::string> names;
  const std::optional<std::size_t> index = index_of(part);
  for (std::size_t i = 0; i < array.size(); ++i) {
    toml::table* table = array[i].as_table();
    if (table == nullptr) continue;
    names.push_back(called(array[i]));
    if (names.back().empty()) names.back() = std::to_string(i);
    if (index ? *index == i : names.back() == part) found.push_back(table);
  }
  if (found.size() == 1) return *found.front();
  if (found.empty())
    refuse(assignment, fmt::format("there is no '{}' among {}", part, fmt::join(names, ", ")));
  refuse(assignment, fmt::format("{} tables are called '{}'; say its place, from 0 to {}", found.size(), part,
                                 array.size() - 1));
}

toml::table value_of(const std::string& text) {
  toml::table parsed;
  try {
    parsed = toml::parse("value = " + text);
  } catch (const toml::parse_error&) {
    parsed.insert_or_assign("value", text);  // a bare word
  }
  return parsed;
}

}  // namespace

void apply_override(toml::table& table, const std::string& assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0)
    refuse(assignment, "expected KEY=VALUE, e.g. --set estimator.runs=500");
  const std::vector<std::string> parts = parts_of(assignment.substr(0, equals), assignment);
  const toml::table value = value_of(assignment.substr(equals + 1));
  toml::table* place = &table;
  for (std::size_t p = 0; p + 1 < parts.size(); ++p) {
    if (!place->contains(parts[p])) place->insert(parts[p], toml::table{});
    toml::node* node = place->get(parts[p]);
    if (toml::array* array = node->as_array(); array != nullptr && p + 2 < parts.size()) {
      place = &element_of(*array, parts[++p], assignment);
      continue;
    }
    place = node->as_table();
    if (place == nullptr) refuse(assignment, fmt::format("'{}' is not a table", parts[p]));
  }
  place->insert_or_assign(parts.back(), *value.get("value"));
}

}  // namespace flare::studies
