#include "studies/toml/toml_section.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "engine/base/nearest_name.hpp"
#include "engine/base/units.hpp"

namespace flare::studies {

namespace {

std::string written(std::string_view text) {
  return text.empty() ? std::string() : fmt::format("\"{}\"", text);
}

std::string written(std::initializer_list<std::string_view> choices) {
  std::string all;
  for (const std::string_view choice : choices) {
    if (!choice.empty()) all += (all.empty() ? "" : ", ") + written(choice);
  }
  return all;
}

/// "variation[2]" is one of the tables "variation[]".
std::string table_of(const std::string& path) {
  std::string table;
  bool index = false;
  for (const char c : path) {
    if (c == ']') index = false;
    if (!index) table += c;
    if (c == '[') index = true;
  }
  return table;
}

}  // namespace

Section::Section(const toml::table& table, std::string path, std::filesystem::path file, KeyLog* log)
    : table_(&table), path_(std::move(path)), file_(std::move(file)), log_(log) {}

void Section::note(std::string_view key, const std::string& values,
                   const std::optional<std::string>& otherwise) {
  if (log_ == nullptr) return;
  KeyFacts& facts = (*log_)[{table_of(path_), own_names_ ? "*" : std::string(key)}];
  facts.values.insert(values);
  if (otherwise) facts.defaults.insert(*otherwise);
  if (!otherwise && !known_.contains(key)) facts.required = true;
}

std::string Section::where(std::string_view key) const {
  const toml::node* node = key.empty() ? nullptr : table_->get(key);
  const auto line = (node != nullptr ? node->source() : table_->source()).begin.line;
  const std::string full = path_.empty() ? std::string(key)
                           : key.empty() ? path_
                                         : path_ + "." + std::string(key);
  const std::string place = line > 0 ? fmt::format("{}:{}", file_.string(), line) : file_.string();
  return full.empty() ? place : place + ": " + full;
}

void Section::fail(std::string_view key, const std::string& message) const {
  throw StudyError(where(key) + ": " + message);
}

bool Section::has(std::string_view key) { return find(key) != nullptr; }

bool Section::has_text(std::string_view key) {
  const toml::node* node = find(key);
  return node != nullptr && node->is_string();
}

const toml::node* Section::find(std::string_view key) {
  known_.emplace(key);
  return table_->get(key);
}

const toml::node& Section::require(std::string_view key, std::string_view what) {
  const toml::node* node = find(key);
  if (node == nullptr) fail("", fmt::format("needs the key '{}' ({})", key, what));
  return *node;
}

std::string Section::text(std::string_view key) {
  note(key, "text");
  return text_of(key);
}

std::string Section::text_of(std::string_view key) {
  const auto value = require(key, "a text").value_exact<std::string>();
  if (!value) fail(key, "must be a text in quotes");
  return *value;
}

std::string Section::text(std::string_view key, const std::string& otherwise) {
  note(key, "text", written(otherwise));
  return find(key) == nullptr ? otherwise : text_of(key);
}

std::string Section::choice(std::string_view key, std::initializer_list<std::string_view> choices,
                            const std::string& otherwise) {
  note(key, written(choices), written(otherwise));
  std::string chosen = find(key) == nullptr ? otherwise : text_of(key);
  if (std::find(choices.begin(), choices.end(), chosen) == choices.end()) {
    fail(key, fmt::format("'{}' is not one of {}", chosen, fmt::join(choices, ", ")));
  }
  return chosen;
}

std::vector<std::string> Section::texts(std::string_view key) {
  note(key, "list of texts");
  return texts_of(key);
}

std::vector<std::string> Section::texts_of(std::string_view key) {
  const toml::node& node = require(key, "a list of texts");
  if (const auto single = node.value_exact<std::string>()) return {*single};
  const toml::array* array = node.as_array();
  if (array == nullptr || array->empty()) fail(key, "must be a list of texts in quotes, or one text");
  std::vector<std::string> values;
  for (const toml::node& element : *array) {
    const auto value = element.value_exact<std::string>();
    if (!value) {
      fail(key, fmt::format("must be a list of texts in quotes{}",
                            element.is_number() ? ", each with its unit" : ""));
    }
    values.push_back(*value);
  }
  return values;
}

std::string Section::text_or_number(std::string_view key) {
  note(key, "text or number");
  const toml::node& node = require(key, "a text or a number");
  if (const auto value = node.value_exact<std::string>()) return *value;
  const auto number = node.is_number() ? node.value<double>() : std::nullopt;
  if (!number) fail(key, "must be a text in quotes or a number");
  return fmt::format("{}", *number);
}

double Section::parameter(std::string_view key) {
  note(key, "number, or quantity of any unit");
  const toml::node& node = require(key, "a number, or a quantity in quotes");
  const auto text = node.value_exact<std::string>();
  const auto number = node.is_number() ? node.value<double>() : std::nullopt;
  if (!text && !number) fail(key, "must be a number, or a quantity in quotes with its unit");
  try {
    const double value = text ? engine::si_quantity(*text) : *number;
    if (!std::isfinite(value)) fail(key, "must be finite");
    return value;
  } catch (const engine::UnitError& e) {
    fail(key, e.what());
  }
}

std::vector<std::string> Section::keys() {
  own_names_ = true;
  std::vector<std::string> names;
  for (const auto& [key, node] : *table_) {
    names.emplace_back(key.str());
    known_.insert(names.back());
  }
  return names;
}

bool Section::flag(std::string_view key, bool otherwise) {
  note(key, "true or false", otherwise ? "true" : "false");
  const toml::node* node = find(key);
  if (node == nullptr) return otherwise;
  const auto value = node->value_exact<bool>();
  if (!value) fail(key, "must be true or false");
  return *value;
}

std::int64_t Section::integer(std::string_view key, std::int64_t least, std::int64_t most) {
  note(key, fmt::format("whole number, {} … {}", least, most));
  const auto value = require(key, "a whole number").value_exact<std::int64_t>();
  if (!value || *value < least || *value > most) {
    fail(key, fmt::format("must be a whole number from {} to {}", least, most));
  }
  return *value;
}

std::int64_t Section::integer(std::string_view key, std::int64_t otherwise, std::int64_t least,
                              std::int64_t most) {
  note(key, fmt::format("whole number, {} … {}", least, most), fmt::format("{}", otherwise));
  return find(key) == nullptr ? otherwise : integer(key, least, most);
}

std::vector<std::int64_t> Section::integers(std::string_view key, std::int64_t least, std::int64_t most) {
  note(key, fmt::format("list of whole numbers, {} … {}", least, most));
  const std::string expected = fmt::format("must be a list of whole numbers from {} to {}", least, most);
  const toml::array* array = require(key, "a list of whole numbers").as_array();
  if (array == nullptr || array->empty()) fail(key, expected);
  std::vector<std::int64_t> values;
  for (const toml::node& node : *array) {
    const auto value = node.value_exact<std::int64_t>();
    if (!value || *value < least || *value > most) fail(key, expected);
    values.push_back(*value);
  }
  return values;
}

double Section::number(std::string_view key, double least, double most) {
  note(key, fmt::format("number, {} … {}", least, most));
  const toml::node& node = require(key, "a number");
  const auto value = node.is_number() ? node.value<double>() : std::nullopt;
  if (!value || !(*value >= least && *value <= most)) {
    fail(key, fmt::format("must be a number from {} to {}, without quotes", least, most));
  }
  return *value;
}

double Section::number(std::string_view key, double otherwise, double least, double most) {
  note(key, fmt::format("number, {} … {}", least, most), fmt::format("{}", otherwise));
  return find(key) == nullptr ? otherwise : number(key, least, most);
}

double Section::quantity(std::string_view key, std::string_view unit) {
  note(key, fmt::format("quantity, {}", unit));
  const auto value =
      require(key, fmt::format("a quantity in {}, in quotes", unit)).value_exact<std::string>();
  if (!value) fail(key, fmt::format("must be a quantity in quotes with its unit, in {}", unit));
  try {
    return engine::quantity(*value, unit);
  } catch (const engine::UnitError& e) {
    fail(key, e.what());
  }
}

double Section::quantity(std::string_view key, std::string_view unit, double otherwise) {
  note(key, fmt::format("quantity, {}", unit), written(engine::format_quantity(otherwise, unit)));
  return find(key) == nullptr ? otherwise : quantity(key, unit);
}

std::vector<double> Section::quantities(std::string_view key, std::string_view unit) {
  note(key, fmt::format("list of quantities, {}", unit));
  std::vector<double> values;
  require(key, fmt::format("quantities in {}, in quotes", unit));
  for (const std::string& value : texts_of(key)) {
    try {
      values.push_back(engine::quantity(value, unit));
    } catch (const engine::UnitError& e) {
      fail(key, e.what());
    }
  }
  return values;
}

std::filesystem::path Section::file(std::string_view key) {
  note(key, "file");
  const std::filesystem::path path = file_.parent_path() / text_of(key);
  if (!std::filesystem::exists(path)) {
    fail(key, fmt::format("no file {} (paths are relative to the folder of this file)",
                          path.lexically_normal().string()));
  }
  return path.lexically_normal();
}

Section Section::section(std::string_view key) {
  static const toml::table none;
  const std::string full = path_.empty() ? std::string(key) : path_ + "." + std::string(key);
  const toml::node* node = find(key);
  if (node == nullptr) return {none, full, file_, log_};
  if (!node->is_table()) fail(key, fmt::format("must be a table: [{}]", full));
  return {*node->as_table(), full, file_, log_};
}

std::vector<Section> Section::sections(std::string_view key) {
  const std::string full = path_.empty() ? std::string(key) : path_ + "." + std::string(key);
  const toml::node* node = find(key);
  std::vector<Section> all;
  if (node == nullptr) return all;
  if (!node->is_array_of_tables()) fail(key, fmt::format("must be one or more tables: [[{}]]", full));
  for (const toml::node& element : *node->as_array()) {
    all.emplace_back(*element.as_table(), fmt::format("{}[{}]", full, all.size()), file_, log_);
  }
  return all;
}

std::vector<std::string> Section::values(std::string_view key) {
  note(key, "list of texts or numbers");
  const toml::node& node = require(key, "a list");
  if (!node.is_array() || node.as_array()->empty()) fail(key, "must be a list of one value or more");
  std::vector<std::string> all;
  for (const toml::node& element : *node.as_array()) {
    if (!element.is_value()) fail(key, "must be a list of texts, numbers or flags");
    std::ostringstream text;
    element.visit([&](const auto& value) { text << value; });
    all.push_back(text.str());
  }
  return all;
}

void Section::finish() const {
  const std::vector<std::string> candidates(known_.begin(), known_.end());
  for (const auto& [key, node] : *table_) {
    const std::string name(key.str());
    if (known_.contains(name)) continue;
    const std::string close = nearest(name, candidates);
    fail(name,
         "unknown key" + (close.empty() ? fmt::format("; the keys here are {}", fmt::join(candidates, ", "))
                                        : "; did you mean '" + close + "'?"));
  }
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  return engine::nearest_name(word, candidates);
}

}  // namespace flare::studies
