// Parameters and functions of a netlist, as they hold in one instance of a subcircuit, and the draws they make.
//
// As in ngspice, a body sees its own parameters, then those of whoever calls it, up to the top level; of several
// definitions of a name in one body the last counts, whatever stands between; what a call gives takes their place.
// Unlike ngspice, which draws a parameter anew wherever it is used, a parameter that holds a draw has one value.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/netlist/deck_lexer.hpp"
#include "engine/netlist/netlist_expression.hpp"

namespace flare::engine {

enum class DrawKind {
  normal,   // agauss, gauss
  uniform,  // aunif, unif: spread is half the width
  either,   // limit: nominal + spread or nominal - spread
};

/// A call of a random function, in one instance.
struct NetlistDraw {
  std::string name;   // "x1.mis_vth": the instance and the parameter or the element's value that it stands in
  std::string place;  // "file:line"
  std::string call;   // "agauss(0,var_vth,1)"
  DrawKind kind = DrawKind::normal;
  bool die = false;  // at the top level: one for the whole die
  /// Of the call, with all other draws at zero. The standard deviation of one that never moves is 0, as of a relative
  /// gauss(0, ...).
  double mean = 0.0;
  double sigma = 0.0;
};

/// What an expression is evaluated for: names its draws.
struct ValueContext {
  std::string name;
  const Statement* statement = nullptr;
  bool die = false;
};

/// All draws of a netlist, in order.
class Draws {
 public:
  explicit Draws(std::set<std::string> defined) : defined_(std::move(defined)) {}

  /// agauss, gauss, aunif, unif or limit, where the compatibility mode defines no function of that name.
  bool knows(const std::string& function) const;
  /// Value of a call. Throws NetlistExpressionError on a wrong number of arguments.
  NetlistValue add(const std::string& function, const std::vector<NetlistValue>& arguments,
                   std::string_view text, const ValueContext& context);
  const std::vector<NetlistDraw>& all() const { return all_; }

 private:
  std::set<std::string> defined_;
  std::vector<NetlistDraw> all_;
  std::map<std::string, int> names_;  // how many draws have asked for each
};

class ParameterScope {
 public:
  /// `caller`: where unknown names are looked for; null at the top level. `path`: "x1.x2.", "" at the top.
  ParameterScope(const ParameterScope* caller, std::string path, Draws& draws, Operation power)
      : caller_(caller), path_(std::move(path)), draws_(draws), power_(power) {}
  ParameterScope(const ParameterScope&) = delete;
  ParameterScope& operator=(const ParameterScope&) = delete;

  const std::string& path() const { return path_; }
  bool is_top() const { return caller_ == nullptr; }

  /// All parameters and functions that a .param, .func or .subckt statement defines; `skip`: of its beginning.
  void define(const Statement& statement, std::size_t skip = 0);
  /// A parameter that the call gives: stands against every definition of the body.
  void give(const std::string& name, NetlistValue value);

  bool has(const std::string& name) const { return parameters_.contains(name) || given_.contains(name); }
  /// Whether a name means a parameter here.
  bool finds(const std::string& name) const;
  /// Whether a call is one of the netlist's functions or a draw, rather than ngspice's.
  bool defines(const std::string& function_name) const {
    return function(function_name) != nullptr || draws_.knows(function_name);
  }
  /// Throws NetlistExpressionError.
  NetlistValue evaluate(std::string_view text, const ValueContext& context) const;
  /// The name of a draw in an element's or a model's value.
  ValueContext context(const std::string& element, const std::string& value,
                       const Statement& statement) const;

 private:
  friend class ScopedNames;
  struct Parameter {
    std::string text;
    const Statement* statement = nullptr;
    mutable NetlistValue value;
    mutable bool busy = false;
  };
  struct Function {
    std::vector<std::string> arguments;
    std::string body;
  };

  NetlistValue parameter(const std::string& name) const;
  const Function* function(const std::string& name) const;
  void define_function(std::string_view name_and_arguments, std::string_view body);

  /// Parameters whose evaluation waits for another one's, in this scope and those that called it.
  int& waiting() const;
  static constexpr int most_waiting = 256;

  mutable int waiting_ = 0;
  const ParameterScope* caller_;
  std::string path_;
  Draws& draws_;
  Operation power_;
  std::map<std::string, Parameter> parameters_;
  std::map<std::string, NetlistValue> given_;
  std::map<std::string, Function> functions_;
};

}  // namespace flare::engine
