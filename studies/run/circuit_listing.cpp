#include "studies/run/circuit_listing.hpp"

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace flare::studies {
namespace {

/// The netlist's own random numbers would be drawn once and kept. Kits multiply theirs by a switch: what counts is
/// whether the loaded circuit changes with them.
void refuse_draws(engine::Evaluator& evaluator, const engine::Deck& deck,
                  const engine::SimulatorOptions& options, const engine::Listing& without,
                  const NotElaborated& trouble) {
  if (deck.random_calls.empty()) return;
  // A draw that is compared or rounded shows only where it moves far enough.
  const auto shows = [&](double draw) {
    return evaluator.listing(engine::with_draw(deck, draw), options).lines != without.lines;
  };
  if (!shows(1.0) && !shows(-1.0) && !shows(6.0) && !shows(-6.0)) return;
  const engine::RandomCall& first = deck.random_calls.front();
  throw StudyError(fmt::format(
      "{}: {} would be drawn once, when the netlist is loaded, and kept for all samples{}, and cannot be "
      "made a variable: {}; or switch the netlist's draws off",
      first.place, first.call,
      deck.random_calls.size() > 1 ? fmt::format(" (as would {} more)", deck.random_calls.size() - 1)
                                   : std::string(),
      trouble.why));
}

/// Throws StudyError, with the statement's place, where a netlist needs what this ngspice has not. Its own words for that
/// name no file.
void refuse_osdi(const engine::Deck& deck) {
  try {
    engine::elaborate(deck);
  } catch (const engine::DeckError& reason) {
    if (std::string_view(reason.what()).find("OSDI") != std::string_view::npos)
      throw StudyError(reason.what());
  }
}

/// What ngspice has loaded. Where the netlist could not be elaborated either, that reason has a file and a line.
engine::Listing loaded_listing(engine::Evaluator& evaluator, const engine::Deck& deck,
                               const engine::SimulatorOptions& options, const NotElaborated& trouble) {
  try {
    return evaluator.listing(deck, options);
  } catch (const std::runtime_error&) {
    if (trouble.netlist) throw StudyError(trouble.why);
    refuse_osdi(deck);
    throw;
  }
}

}  // namespace

engine::Listing circuit_listing(engine::Evaluator& evaluator, const engine::Deck& deck,
                                const engine::SimulatorOptions& options, const NotElaborated& trouble) {
  engine::Listing listing = loaded_listing(evaluator, deck, options, trouble);
  refuse_draws(evaluator, deck, options, listing, trouble);
  return listing;
}

}  // namespace flare::studies
