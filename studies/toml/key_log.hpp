// What a reader asked of the keys of a study: the reference of keys is made of it (key_reference.hpp), so that it cannot
// say anything else than the code that reads them.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

namespace flare::studies {

/// One key, over all studies that were read with the log.
struct KeyFacts {
  /// What it takes: "text", "quantity, V", "\"rise\", \"fall\"", "whole number, 1 … 64".
  std::set<std::string> values;
  std::set<std::string> defaults;  // as a study would write them; empty: none
  bool required = false;           // without a default, and not asked for only where it is there
};

/// By table and key. Entries of arrays of tables are one table, "variation[]"; in tables of the user's own names the key
/// is "*".
using KeyLog = std::map<std::pair<std::string, std::string>, KeyFacts>;

}  // namespace flare::studies
