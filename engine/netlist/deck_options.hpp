// The options of a netlist: which of them move numbers, and who has the say.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/netlist/deck_lexer.hpp"

namespace flare::engine {

/// What an option of ngspice 39 is about.
enum class OptionKind {
  numerics,  // accuracy and temperature, which a study sets as well: method, reltol, temp, ...
  passed,    // moves numbers and only the netlist says it: gmin, scale, defw, rshunt, ...
  output,    // printing and saving, or without effect in ngspice: acct, savecurrents, post, ...
};

/// One entry of an .options statement.
struct DeckOption {
  std::string key;    // lower case
  std::string value;  // as it stands; empty for a flag
  std::string place;  // "file:line"
  OptionKind kind = OptionKind::passed;
};

struct OptionEntry {
  std::string key;
  std::string value;
};

/// The entries of an .options statement as they stand.
std::vector<OptionEntry> option_entries(std::string_view statement);

/// The option `scale`: the unit of the lengths that the netlist gives, m; of several the last counts.
double length_unit(const std::vector<Statement>& statements);

/// The entries with their kinds. Throws DeckError on one that ngspice does not know: it would ignore it silently.
std::vector<DeckOption> options_of(const Statement& statement);

}  // namespace flare::engine
