// What the parts of the elaboration share: an instance of a subcircuit, and the flat deck that grows.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/netlist/elaborated_circuit.hpp"
#include "engine/netlist/parameter_scope.hpp"
#include "engine/netlist/statement_tree.hpp"

namespace flare::engine {

/// A .model statement.
struct ModelDefinition {
  const Statement* statement = nullptr;
  std::string name;  // "nch.3"
  std::string base;  // "nch", of a bin; else the name
  std::string type;  // "nmos"
  struct Value {
    std::string key;
    std::string text;
    std::string rest;  // words behind it that are no assignment
  };
  std::vector<Value> values;

  bool binned() const { return name.size() > base.size(); }
};

/// One instance of a subcircuit; the top level is one.
struct Instance {
  const SubcircuitBody* body = nullptr;
  const Instance* caller = nullptr;
  std::unique_ptr<ParameterScope> scope;
  std::map<std::string, std::string> nodes;  // of the ports
  NetlistValue multiplier;                   // of a call with m= whose subcircuit has no m; null: 1
  std::map<std::string, std::vector<const ModelDefinition*>> models;  // by base name

  const std::string& path() const { return scope->path(); }
  /// "m.x1.m0" for "m0" of x1; at the top level the name itself.
  std::string flat_name(const std::string& element) const {
    return path().empty() ? element : std::string(1, element.front()) + "." + path() + element;
  }
};

/// The flat deck as it is written.
class FlatDeck {
 public:
  explicit FlatDeck(const Deck& deck);

  void add(std::string line, const Statement& statement);
  /// Notes that a value of the circuit depends on draws.
  void drawn(DrawnValue value) { values_.push_back(std::move(value)); }
  /// `value`, which depends on draws, for expressions that the simulator evaluates: "(2+v(flare_draw_1))", where a source
  /// holds that node at what the draws add. Newton's method starts from nodes at 0, so at the nominal value.
  std::string drawn_text(const NetlistValue& value, const Statement& statement);

  void add_global(const std::string& node) { globals_.insert(node); }
  std::string node(const Instance& instance, const std::string& name) const;

  Deck take() { return std::move(deck_); }
  std::vector<DrawnValue> take_values() { return std::move(values_); }

 private:
  Deck deck_;
  std::vector<DrawnValue> values_;
  std::set<std::string> globals_{"0", "gnd"};
  std::size_t drawn_nodes_ = 0;
};

/// How a value stands in the deck: its number, with all draws at zero, or "{...}" where it follows the temperature.
/// Throws DeckError for what depends on both.
std::string value_text(const NetlistValue& value, const Statement& statement);

/// Throws DeckError with the statement's place for what an expression lacks.
NetlistValue evaluated(const ParameterScope& scope, std::string_view text, const ValueContext& context);

/// One word of a statement, up to the next blank outside quotes, braces and parentheses.
std::string_view first_token(std::string_view text);

/// "{...}", "'...'": a value that must be an expression.
bool is_braced(std::string_view word);

}  // namespace flare::engine
