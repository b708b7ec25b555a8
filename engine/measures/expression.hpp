// Arithmetic over named numbers, as a measure that is made of other measures: "t_c - t_b", "20*db(v_out/v_in)".
//
// Operators + - * / and parentheses; abs(x), sqrt(x), log(x) (natural), exp(x), db(x) = 20 log10|x|, min(x, ...)
// and max(x, ...). Numbers are plain SI numbers without a unit.
#pragma once

#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace flare::engine {

/// A text that is no expression, or one whose units do not fit. what() says what is wrong with it.
class ExpressionError : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

class Expression {
 public:
  /// Throws ExpressionError where `text` cannot be read.
  explicit Expression(const std::string& text);
  ~Expression();
  Expression(Expression&&) noexcept;
  Expression& operator=(Expression&&) noexcept;

  /// The names it uses, each once, in alphabetical order.
  const std::vector<std::string>& names() const { return names_; }

  /// Its value for one value a name, in the order of names(). NaN where a value is NaN or an operation has no
  /// result (log(-1)), infinite where it divides by zero.
  double value(std::span<const double> values);

  /// The SI unit of the result for one SI unit a name ("V", "s", "1"): that of the terms of a sum, the product of
  /// factors, "1" of a ratio. Throws ExpressionError where different units are added or compared, a function other
  /// than abs, min, max and sqrt gets a unit, or the result's unit is no whole power.
  std::string unit(std::span<const std::string> units);

 private:
  class Parser;
  std::unique_ptr<Parser> parser_;
  std::string text_;
  std::vector<std::string> names_;
  std::vector<double> values_;  // the parser reads the names' values here
};

}  // namespace flare::engine
