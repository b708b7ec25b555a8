#include "engine/netlist/netlist_expression.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace flare::engine {
namespace {

double truth(bool value) { return value ? 1.0 : 0.0; }

double ltspice_power(double x, double y) {
  if (x >= 0.0) return std::pow(x, y);
  const bool whole = std::fabs(std::nearbyint(y) - y) <= 1e-14 * std::fabs(y);
  return whole ? std::pow(x, std::round(y)) : 0.0;
}

double hspice_power(double x, double y) {
  if (x == 0.0) return 0.0;
  return x < 0.0 ? std::pow(x, std::round(y)) : std::pow(x, y);
}

double sign_of(double x) { return x > 0.0 ? 1.0 : x == 0.0 ? 0.0 : -1.0; }

double of_one(Operation operation, double x) {
  switch (operation) {
    case Operation::negate:
      return truth(x == 0.0);
    case Operation::square:
      return x * x;
    case Operation::root:
      return std::sqrt(x);
    case Operation::sine:
      return std::sin(x);
    case Operation::cosine:
      return std::cos(x);
    case Operation::tangent:
      return std::tan(x);
    case Operation::exponential:
      return std::exp(x);
    case Operation::logarithm:
      return std::log(x);
    case Operation::logarithm10:
      return std::log10(x);
    case Operation::absolute:
      return std::fabs(x);
    case Operation::truncate:
      return std::trunc(x);
    case Operation::nearest:
      return std::nearbyint(x);
    case Operation::sign:
      return sign_of(x);
    case Operation::ceiling:
      return std::ceil(x);
    case Operation::floor:
      return std::floor(x);
    case Operation::arcsine:
      return std::asin(x);
    case Operation::arccosine:
      return std::acos(x);
    case Operation::arctangent:
      return std::atan(x);
    case Operation::sinh:
      return std::sinh(x);
    case Operation::cosh:
      return std::cosh(x);
    case Operation::tanh:
      return std::tanh(x);
    case Operation::asinh:
      return std::asinh(x);
    case Operation::acosh:
      return std::acosh(x);
    case Operation::atanh:
      return std::atanh(x);
    case Operation::uniform:
      return std::erf(x / std::sqrt(2.0));
    default:
      break;
  }
  throw std::invalid_argument("unknown operation");
}

NetlistValue leaf(Term term) { return std::make_shared<const Term>(std::move(term)); }

bool is_zero(const NetlistValue& e) { return is_number(e) && e->number == 0.0; }

/// What can be said although not all operands are numbers; null where nothing can.
NetlistValue simplified(Operation operation, const std::vector<NetlistValue>& of) {
  switch (operation) {
    case Operation::multiply:
      if (is_zero(of[0]) || is_zero(of[1])) return number(0.0);
      break;
    case Operation::divide:
      if (is_zero(of[0])) return number(0.0);
      break;
    case Operation::add:
      if (is_zero(of[0])) return of[1];
      if (is_zero(of[1])) return of[0];
      break;
    case Operation::subtract:
      if (is_zero(of[1])) return of[0];
      break;
    case Operation::choose:
      if (is_number(of[0])) return of[0]->number != 0.0 ? of[1] : of[2];
      break;
    default:
      break;
  }
  return nullptr;
}

std::string_view infix(Operation operation) {
  switch (operation) {
    case Operation::add:
      return "+";
    case Operation::subtract:
      return "-";
    case Operation::multiply:
      return "*";
    case Operation::divide:
      return "/";
    case Operation::less:
      return "<";
    case Operation::greater:
      return ">";
    case Operation::at_most:
      return "<=";
    case Operation::at_least:
      return ">=";
    case Operation::equal:
      return "==";
    case Operation::unequal:
      return "!=";
    case Operation::both:
      return "&&";
    case Operation::either:
      return "||";
    default:
      return {};
  }
}

/// Functions that mean the same to ngspice's parameters and to its B sources.
std::string_view function_text(Operation operation) {
  static constexpr std::array<std::pair<Operation, std::string_view>, 17> functions{{
      {Operation::root, "sqrt"},
      {Operation::sine, "sin"},
      {Operation::cosine, "cos"},
      {Operation::tangent, "tan"},
      {Operation::exponential, "exp"},
      {Operation::logarithm, "ln"},
      {Operation::logarithm10, "log10"},
      {Operation::absolute, "abs"},
      {Operation::maximum, "max"},
      {Operation::minimum, "min"},
      {Operation::sign, "sgn"},
      {Operation::ceiling, "ceil"},
      {Operation::floor, "floor"},
      {Operation::arctangent, "atan"},
      {Operation::sinh, "sinh"},
      {Operation::cosh, "cosh"},
      {Operation::tanh, "tanh"},
  }};
  for (const auto& [known, text] : functions) {
    if (known == operation) return text;
  }
  return {};
}

}  // namespace

double operate(Operation operation, const std::array<double, 3>& of) {
  const double x = of[0];
  const double y = of[1];
  switch (operation) {
    case Operation::add:
      return x + y;
    case Operation::subtract:
      return x - y;
    case Operation::multiply:
      return x * y;
    case Operation::divide:
      return x / y;
    case Operation::remainder:
      return x - y * std::trunc(x / y);
    case Operation::whole_quotient:
      return std::trunc(std::fabs(x / y));
    case Operation::power:
    case Operation::pwr:
      return std::pow(std::fabs(x), y);
    case Operation::power_hspice:
      return hspice_power(x, y);
    case Operation::power_ltspice:
      return ltspice_power(x, y);
    case Operation::pow:
      return std::pow(x, y);
    case Operation::less:
      return truth(x < y);
    case Operation::greater:
      return truth(x > y);
    case Operation::at_most:
      return truth(x <= y);
    case Operation::at_least:
      return truth(x >= y);
    case Operation::equal:
      return truth(x == y);
    case Operation::unequal:
      return truth(x != y);
    case Operation::both:
      return truth(x != 0.0 && y != 0.0);
    case Operation::either:
      return truth(x != 0.0 || y != 0.0);
    case Operation::choose:
      return x != 0.0 ? y : of[2];
    case Operation::maximum:
      return std::max(x, y);
    case Operation::minimum:
      return std::min(x, y);
    default:
      return of_one(operation, x);
  }
}

constexpr std::size_t largest_expression = 20'000, deepest_expression = 500;

NetlistValue number(double value) { return leaf({.operation = Operation::number, .number = value}); }

NetlistValue draw(std::size_t which, bool still) {
  return leaf({.operation = still ? Operation::still_draw : Operation::draw, .draw = which, .draws = true});
}

NetlistValue temperature() { return leaf({.operation = Operation::temperature, .temperature = true}); }

NetlistValue combine(Operation operation, std::vector<NetlistValue> of) {
  if (std::all_of(of.begin(), of.end(), is_number)) {
    std::array<double, 3> values{};
    for (std::size_t i = 0; i < of.size(); ++i) values[i] = of[i]->number;
    return number(operate(operation, values));
  }
  if (NetlistValue simple = simplified(operation, of)) return simple;
  Term term{.operation = operation};
  for (const NetlistValue& e : of) {
    term.draws |= e->draws;
    term.temperature |= e->temperature;
    term.size += e->size;
    term.depth = std::max(term.depth, e->depth + 1);
  }
  if (term.size > largest_expression || term.depth > deepest_expression)
    throw NetlistExpressionError(
        fmt::format("the expression has more than {} terms or {} levels once its parameters "
                    "are written out",
                    largest_expression, deepest_expression));
  term.of = std::move(of);
  return leaf(std::move(term));
}

double nominal(const NetlistValue& e, double temperature) {
  switch (e->operation) {
    case Operation::number:
      return e->number;
    case Operation::draw:
    case Operation::still_draw:
      return 0.0;
    case Operation::temperature:
      return temperature;
    default:
      break;
  }
  std::array<double, 3> values{};
  for (std::size_t i = 0; i < e->of.size(); ++i) values[i] = nominal(e->of[i], temperature);
  return operate(e->operation, values);
}

void collect_draws(const NetlistValue& e, bool still, std::vector<bool>* which) {
  if (!e->draws) return;
  if (e->operation == (still ? Operation::still_draw : Operation::draw)) {
    if (which->size() <= e->draw) which->resize(e->draw + 1);
    (*which)[e->draw] = true;
  }
  for (const NetlistValue& part : e->of) collect_draws(part, still, which);
}

std::string to_text(const NetlistValue& e) {
  if (is_number(e)) return fmt::format("{}", e->number);
  if (e->operation == Operation::still_draw) return "0";
  if (e->operation == Operation::temperature) return "temper";
  if (e->operation == Operation::choose) {
    return fmt::format("(({})?({}):({}))", to_text(e->of[0]), to_text(e->of[1]), to_text(e->of[2]));
  }
  if (e->operation == Operation::square) {
    const std::string x = to_text(e->of[0]);
    return fmt::format("({}*{})", x, x);
  }
  if (const std::string_view sign = infix(e->operation); !sign.empty()) {
    return fmt::format("({}{}{})", to_text(e->of[0]), sign, to_text(e->of[1]));
  }
  const std::string_view function = function_text(e->operation);
  if (function.empty())
    throw NetlistExpressionError("an operation on the temperature that cannot be written out");
  std::string text = fmt::format("{}({}", function, to_text(e->of[0]));
  for (std::size_t i = 1; i < e->of.size(); ++i) text += fmt::format(",{}", to_text(e->of[i]));
  return text + ")";
}

Operation power_of(std::string_view compatibility) {
  if (compatibility.find("hs") != std::string_view::npos) return Operation::power_hspice;
  if (compatibility.find("lt") != std::string_view::npos) return Operation::power_ltspice;
  return Operation::power;
}

}  // namespace flare::engine
