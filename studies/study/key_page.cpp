// The page of all keys: studies/KEYS.md.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "engine/simulate/testbench.hpp"
#include "studies/study/key_reference.hpp"

namespace flare::studies {

namespace {

/// "variation[]" stands in a study as [[variation]].
std::string heading(std::string_view table) {
  if (table.empty()) return "The study itself";
  const bool many = table.ends_with("[]");
  std::string name(many ? table.substr(0, table.size() - 2) : table);
  if (const auto at = name.find("[]"); at != std::string::npos) name.erase(at, 2);
  return many ? fmt::format("`[[{}]]`", name) : fmt::format("`[{}]`", name);
}

/// A text that was looked at before it was read as a quantity is no other value than that.
std::string values_text(const KeyFacts& facts) {
  std::set<std::string> values = facts.values;
  const bool quantity = std::any_of(values.begin(), values.end(),
                                    [](const std::string& value) { return value.starts_with("quantity"); });
  if (quantity) values.erase("text");
  return fmt::format("{}", fmt::join(values, "; "));
}

/// What the engine takes where neither the study nor the netlist says it.
std::string engine_default(std::string_view key) {
  const engine::SimulatorOptions options;
  if (key == "method") return fmt::format("\"{}\"", options.method);
  const double value = key == "reltol"   ? options.reltol
                       : key == "abstol" ? options.abstol
                       : key == "vntol"  ? options.vntol
                       : key == "chgtol" ? options.chgtol
                                         : options.trtol;
  return fmt::format("{}", value);
}

std::string default_text(const KeyFacts& facts, const KeyDescription& key) {
  if (key.otherwise.find("{}") != std::string_view::npos) {
    return fmt::format(fmt::runtime(key.otherwise), engine_default(key.key));
  }
  if (!key.otherwise.empty()) return std::string(key.otherwise);
  if (facts.required) return "needed";
  std::string text;
  for (const std::string& value : facts.defaults) {
    if (!value.empty()) text += (text.empty() ? "`" : " or `") + value + "`";
  }
  return text.empty() ? "–" : text;
}

}  // namespace

std::string key_reference() {
  const KeyLog log = keys_read();
  std::string page =
      "# Keys of a study\n\n"
      "Written by `flare keys` from the code that reads them. *Needed*: there is no default; of keys that "
      "belong to one kind of their table, where it is that kind. A `*` stands for names of your own.\n";
  std::string_view table = "none";
  for (const KeyDescription& key : key_descriptions()) {
    if (key.table != table) {
      table = key.table;
      page +=
          fmt::format("\n## {}\n\n| key | takes | default | meaning |\n|---|---|---|---|\n", heading(table));
    }
    const KeyFacts& facts = log.at({std::string(key.table), std::string(key.key)});
    page += fmt::format("| `{}` | {} | {} | {} |\n", key.key, values_text(facts), default_text(facts, key),
                        key.meaning);
  }
  return page;
}

}  // namespace flare::studies
