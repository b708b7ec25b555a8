#include "engine/measures/expression.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <muParser.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <random>

#include "engine/base/units.hpp"

namespace flare::engine {
namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

double absolute(double x) { return std::fabs(x); }
double root(double x) { return x < 0.0 ? not_a_number : std::sqrt(x); }
double natural_log(double x) { return x > 0.0 ? std::log(x) : not_a_number; }
double exponential(double x) { return std::exp(x); }
double decibel(double x) { return x != 0.0 ? 20.0 * std::log10(std::fabs(x)) : not_a_number; }

// muParser's own pass over NaN; ours give NaN as soon as one argument is.
template <typename Better>
double best(const double* x, int n, Better better) {
  double result = x[0];
  for (int i = 1; i < n; ++i) {
    if (std::isnan(x[i]) || better(x[i], result)) result = x[i];
    if (std::isnan(result)) break;
  }
  return result;
}
double least(const double* x, int n) { return best(x, n, std::less<>()); }
double greatest(const double* x, int n) { return best(x, n, std::greater<>()); }

/// Of base unit d, by the quotient of a result whose inputs were scaled by 4^(their power of d): k where it is
/// exactly 4^k, nothing else.
std::optional<int> power_of_four(double scaled, double plain) {
  int exponent = 0;
  const double fraction = std::frexp(scaled / plain, &exponent);
  const bool power_of_two = fraction == 0.5 && std::ldexp(plain, exponent - 1) == scaled;
  if (!power_of_two || (exponent - 1) % 2 != 0) return std::nullopt;
  return (exponent - 1) / 2;
}

}  // namespace

class Expression::Parser : public mu::Parser {
 public:
  Parser() {
    ClearFun();
    ClearConst();
    DefineFun("abs", absolute);
    DefineFun("sqrt", root);
    DefineFun("log", natural_log);
    DefineFun("exp", exponential);
    DefineFun("db", decibel);
    DefineFun("min", least);
    DefineFun("max", greatest);
  }
};

Expression::Expression(const std::string& text) : parser_(std::make_unique<Parser>()), text_(text) {
  mu::Parser& parser = *parser_;
  // Of muParser's further operators comparisons, logic, powers and assignments are left out: what they would do to
  // units and to an undefined measure is nobody's guess.
  if (const auto odd = text.find_first_of("=<>!&|?:^;#\"'"); odd != std::string::npos) {
    throw ExpressionError(
        fmt::format("'{}' in \"{}\" is none of + - * / ( ) , names and numbers", text[odd], text));
  }
  try {
    parser.SetExpr(text);
    for (const auto& [name, value] : parser.GetUsedVar()) names_.push_back(name);
    std::sort(names_.begin(), names_.end());
    values_.resize(names_.size(), 1.0);
    for (std::size_t i = 0; i < names_.size(); ++i) parser.DefineVar(names_[i], &values_[i]);
    parser.Eval();
    if (parser.GetNumResults() != 1)
      throw ExpressionError(fmt::format("\"{}\" has more than one value", text));
  } catch (const mu::ParserError& error) {
    throw ExpressionError(fmt::format("\"{}\" is no arithmetic over measures: {}", text, error.GetMsg()));
  }
}

Expression::~Expression() = default;
Expression::Expression(Expression&&) noexcept = default;
Expression& Expression::operator=(Expression&&) noexcept = default;

double Expression::value(std::span<const double> values) {
  if (values.size() != values_.size()) throw std::invalid_argument("an expression needs one value a name");
  // A comparison with NaN would choose a side: nothing is said before everything is known.
  if (std::any_of(values.begin(), values.end(), [](double v) { return std::isnan(v); })) return not_a_number;
  std::copy(values.begin(), values.end(), values_.begin());
  return parser_->Eval();
}

// A quantity of dimension d grows by 4^d where the unit is made four times smaller; an expression has a dimension if
// and only if it grows by one and the same power wherever it is evaluated (Buckingham). Scaling by a power of four is
// exact in binary arithmetic through + - * / and sqrt, so the test is for equality. The points spread over many
// magnitudes, so that no term hides behind a larger one.
std::string Expression::unit(std::span<const std::string> units) {
  if (units.size() != values_.size()) throw std::invalid_argument("an expression needs one unit a name");
  std::vector<Dimension> dimensions;
  for (const std::string& unit : units) {
    const auto dimension = si_dimension(unit);
    if (!dimension) throw ExpressionError(fmt::format("'{}' is not an SI unit", unit));
    dimensions.push_back(*dimension);
  }
  const auto misfit = [&] {
    std::vector<std::string> of;
    for (std::size_t i = 0; i < names_.size(); ++i) of.push_back(names_[i] + " in " + units[i]);
    return ExpressionError(fmt::format(
        "the units of \"{}\" do not fit together ({}): only like units can be added and compared, only "
        "numbers without a unit have a logarithm, a power or decibels; unit = \"...\" overrides this",
        text_, fmt::join(of, ", ")));
  };
  std::mt19937_64 random(1);
  constexpr int points = 400;
  Dimension result{};
  std::array<bool, result.size()> known{};
  std::vector<double> at(units.size());
  std::vector<double> scaled(units.size());
  for (int p = 0; p < points; ++p) {
    const double widest = p % 2 == 0 ? 1.0 : 60.0;  // binary orders of magnitude
    for (double& x : at) {
      const double uniform = static_cast<double>(random() >> 11) * 0x1p-53;
      x = std::exp2(widest * (2.0 * uniform - 1.0));
    }
    const double plain = value(at);
    if (!std::isfinite(plain) || plain == 0.0) continue;
    for (std::size_t d = 0; d < result.size(); ++d) {
      for (std::size_t i = 0; i < at.size(); ++i) scaled[i] = std::ldexp(at[i], 2 * dimensions[i][d]);
      const std::optional<int> power = power_of_four(value(scaled), plain);
      if (!power || (known[d] && *power != result[d])) throw misfit();
      result[d] = *power;
      known[d] = true;
    }
  }
  if (!known[0]) {
    throw ExpressionError(
        fmt::format("\"{}\" has no value whatever its measures are; nothing can be asked of it", text_));
  }
  return si_unit(result);
}

}  // namespace flare::engine
