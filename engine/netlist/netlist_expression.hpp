// Expressions of a netlist's parameters: what they are worth, and what they still depend on.
//
// A Term is a number, a draw of the netlist (a standard-normal coordinate), the temperature, or an operation on other
// terms. Terms are made folded: what holds numbers only is a number, and zero times anything is zero, so that a kit's
// draws that a switch turns off leave nothing behind.
//
// The grammar is that of ngspice's numparam: from weak to strong ?:, ||, &&, comparisons, + -, * / % \, ^ (or **), all
// of them from left to right; a unary minus is weaker than ^ at the start of an expression and belongs to the number
// behind an operator. log is the natural logarithm. A power of a negative base is a matter of the compatibility mode.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace flare::engine {

enum class Operation : std::uint8_t {
  number,
  draw,         // coordinate of a draw
  still_draw,   // 0: a draw whose spread is zero, kept so that it can be told
  temperature,  // `temper`, degC
  add,
  subtract,
  multiply,
  divide,
  remainder,       // %
  whole_quotient,  // backslash
  power,           // ^ of ngspice: |x|^y
  power_hspice,    // ^ in mode hs: x^round(y) where x < 0
  power_ltspice,   // ^ in mode lt: 0 where x < 0 and y is not whole
  less,
  greater,
  at_most,
  at_least,
  equal,
  unequal,
  both,    // &&
  either,  // ||
  negate,  // !
  choose,  // ?:
  square,
  root,
  sine,
  cosine,
  tangent,
  exponential,
  logarithm,
  logarithm10,
  absolute,
  pow,
  pwr,
  maximum,
  minimum,
  truncate,
  nearest,
  sign,
  ceiling,
  floor,
  arcsine,
  arccosine,
  arctangent,
  sinh,
  cosh,
  tanh,
  asinh,
  acosh,
  atanh,
  uniform,  // 2 Phi(x) - 1: a standard-normal coordinate spread evenly over -1 ... 1
};

/// Value of an operation on up to three numbers, as ngspice calculates it.
double operate(Operation operation, const std::array<double, 3>& of);

struct Term;
using NetlistValue = std::shared_ptr<const Term>;

struct Term {
  Operation operation = Operation::number;
  double number = 0.0;
  std::size_t draw = 0;  // of a draw: which
  std::vector<NetlistValue> of{};
  bool draws = false;        // depends on a draw
  bool temperature = false;  // depends on the temperature
  // Of the expression written out, where a term that two others hold counts twice: whoever walks through it pays that.
  std::size_t size = 1;
  std::size_t depth = 1;
};

NetlistValue number(double value);
NetlistValue draw(std::size_t which, bool still);
NetlistValue temperature();
/// The operation, folded as far as it goes. Throws NetlistExpressionError for an expression that is larger or deeper than any
/// kit's.
NetlistValue combine(Operation operation, std::vector<NetlistValue> of);

inline bool is_number(const NetlistValue& e) { return e->operation == Operation::number; }
/// With all draws at zero and the temperature (degC) where it is asked for.
double nominal(const NetlistValue& e, double temperature = 27.0);
/// Adds the draws that an expression depends on; with `still` those that never move.
void collect_draws(const NetlistValue& e, bool still, std::vector<bool>* which);

/// An expression that cannot be read or evaluated; what() says why, without its place.
class NetlistExpressionError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What the names in an expression mean. Both throw NetlistExpressionError for what they do not know.
class Names {
 public:
  virtual ~Names() = default;
  virtual NetlistValue name(const std::string& lower_case) = 0;
  /// A call that is no function of ngspice's: of the netlist, or a draw. `text`: as it stands.
  virtual NetlistValue call(const std::string& lower_case, std::vector<NetlistValue> arguments,
                            std::string_view text) = 0;
  /// Whether a call goes to `call` rather than to ngspice's function of that name.
  virtual bool defines(const std::string& lower_case) const = 0;
};

/// Reads an expression; braces and apostrophes count as parentheses. `power`: what ^ and ** mean.
NetlistValue parse_expression(std::string_view text, Names& names, Operation power);

/// What ^ means in ngspice's compatibility modes `compatibility`.
Operation power_of(std::string_view compatibility);

/// As ngspice reads it again, to the last bit. Throws NetlistExpressionError where it depends on a draw.
std::string to_text(const NetlistValue& e);

}  // namespace flare::engine
