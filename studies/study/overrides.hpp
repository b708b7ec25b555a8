// Keys of a study changed from outside: --set and sweeps.
#pragma once

#include <toml++/toml.h>
#include <string>

namespace flare::studies {

/// Applies "a.b=value"; the value is TOML, a bare word a text. One table of an array is meant by its place, from 0, or by
/// what it is called: "variation[0].sigma", "converter[flash].enob", "measure.delay.at"; what has no `name` by its
/// `parameter`, `param`, `source` or `key`, where only one has it. Throws StudyError.
void apply_override(toml::table& table, const std::string& assignment);

}  // namespace flare::studies
