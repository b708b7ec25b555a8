// A netlist elaborated: parameters, functions, conditions and subcircuits resolved into a flat numeric deck, and every
// draw that it makes turned into a standard-normal coordinate.
//
// The names are ngspice's own ("m.x1.m0", node "x1.d"), so that measures and variations mean the same devices. Only the
// models in use are kept; of a binned one, the bins that a device's size may fall in; equal models of several instances
// are one ("nch"), a model that depends on draws stays its instance's ("x1:nch"). Where an element's or a model's value
// depends on draws, the deck holds it with all of them at zero and a DrawnValue says how it follows them.
//
// What cannot be taken over is refused with the statement: a condition, a node or a text that hangs on a draw, OSDI
// devices, code models inside subcircuits.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/netlist/deck.hpp"
#include "engine/netlist/netlist_expression.hpp"
#include "engine/netlist/parameter_scope.hpp"

namespace flare::engine {

/// A value of the loaded circuit that depends on draws.
struct DrawnValue {
  bool model = false;     // of a model card, else of a device
  std::string device;     // flat name of the device, or of the model: "m.x1.m0", "x1:nch.3"
  std::string parameter;  // as ngspice's alter and altermod know it: "delvto", "resistance", "dc"
  NetlistValue value;
  std::string place;  // "file:line" of the statement
};

struct ElaboratedCircuit {
  Deck deck;
  std::vector<NetlistDraw> draws;  // all that were evaluated; values refer to them by index
  std::vector<DrawnValue> values;
  std::vector<std::size_t> moving;  // draws that some value depends on, in order
  std::vector<std::size_t> still;   // draws that would matter, were their spread not zero
};

struct ElaborationOptions {
  std::string compatibility;  // ngspice's modes, which decide what ^ means
  /// Keep all bins of a model, for a study that itself moves a width or a length.
  bool all_bins = false;
  DeckLimits limits;
};

/// The flat deck, with Deck::elaborated set. Throws DeckError "file:line: what; remedy".
Deck elaborated_deck(const Deck& deck, const ElaborationOptions& options = {});

/// The same as plain data, its deck without Deck::elaborated.
ElaboratedCircuit elaborate(const Deck& deck, const ElaborationOptions& options = {});

}  // namespace flare::engine
