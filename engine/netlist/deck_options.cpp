#include "engine/netlist/deck_options.hpp"

#include <fmt/format.h>

#include <map>

#include "engine/base/nearest_name.hpp"

namespace flare::engine {
namespace {

// From the options table of ngspice 39, the variables that its devices and its code models read, and chapter 15.1 of
// its manual.
constexpr std::string_view numerics = "method reltol abstol vntol chgtol trtol bypass temp";

constexpr std::string_view passed =
    // convergence and the matrix
    "gmin gshunt rshunt cshunt rseries pivtol pivrel itl1 itl2 itl4 itl6 srcsteps gminsteps gminfactor "
    "dyngmin "
    "noopiter noopac nodedamping absdv reldv copynodesets klu sparse epsmin "
    // time steps
    "maxord xmu minbreak nostepsizelimit trytocompact "
    // devices
    "tnom scale scalm defm defl defw defad defas oldlimit badmos3 wnflag "
    // code models
    "convlimit convstep convabsstep ramptime noopalter maxopalter maxevtiter autopartial";

constexpr std::string_view output =
    // what is printed, saved or warned of
    "acct noacct list nomod nopage node opts numdgt warn maxwarns indverbosity ng_nomodcheck keepopinfo "
    "interp "
    "autostop noinit savecurrents savecurrents_bsim3 savecurrents_bsim4 savecurrents_mos1 probe_alli_nox "
    "sqrnoise "
    // known and without effect
    "limtim limpts lvlcod lvltim cptime itl3 itl5 "
    // other simulators' words of the same kind, which ngspice passes over
    "post post_version probe csdf ingold brief measdgt measfail measform measout co autodgt nowarn statfl "
    "artist psf "
    "captab parser";

const std::map<std::string, OptionKind>& kinds() {
  static const std::map<std::string, OptionKind> table = [] {
    std::map<std::string, OptionKind> all;
    for (const std::string& key : words_of(numerics)) all[key] = OptionKind::numerics;
    for (const std::string& key : words_of(passed)) all[key] = OptionKind::passed;
    for (const std::string& key : words_of(output)) all[key] = OptionKind::output;
    return all;
  }();
  return table;
}

[[noreturn]] void refuse_unknown(const Statement& statement, const std::string& key) {
  // Read from the initialisation file, before any netlist.
  if (key == "ngbehavior") {
    statement.fail(
        "ngspice does not take ngbehavior from a netlist; remove it and name the compatibility mode in the "
        "study");
  }
  std::vector<std::string> known;
  for (const auto& entry : kinds()) known.push_back(entry.first);
  const std::string nearest = nearest_name(key, known);
  statement.fail(fmt::format("ngspice does not know the option {}; {}", key,
                             nearest.empty() ? "remove it" : "did you mean " + nearest + "?"));
}

}  // namespace

std::vector<OptionEntry> option_entries(std::string_view statement) {
  const std::vector<std::string> words = words_of(statement);
  std::vector<OptionEntry> entries;
  for (std::size_t i = 1; i < words.size(); ++i) {
    OptionEntry entry{lower(words[i]), {}};
    if (i + 2 < words.size() && words[i + 1] == "=") {
      entry.value = words[i + 2];
      i += 2;
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::vector<DeckOption> options_of(const Statement& statement) {
  std::vector<DeckOption> options;
  for (OptionEntry& entry : option_entries(statement.text)) {
    const auto kind = kinds().find(entry.key);
    if (kind == kinds().end()) refuse_unknown(statement, entry.key);
    options.push_back({std::move(entry.key), std::move(entry.value), statement.place(), kind->second});
  }
  return options;
}

double length_unit(const std::vector<Statement>& statements) {
  double scale = 1.0;
  for (const Statement& statement : statements) {
    if (statement.text.front() != '.' || !is_options_statement(first_word(statement.text))) continue;
    for (const OptionEntry& option : option_entries(statement.text)) {
      if (option.key == "scale") scale = spice_number(unquoted(option.value)).value_or(scale);
    }
  }
  return scale;
}

}  // namespace flare::engine
