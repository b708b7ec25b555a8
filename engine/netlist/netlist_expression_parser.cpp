#include <fmt/format.h>

#include <cctype>
#include <charconv>
#include <map>
#include <utility>

#include "engine/netlist/deck_lexer.hpp"
#include "engine/netlist/netlist_expression.hpp"

namespace flare::engine {
namespace {

struct Function {
  Operation operation;
  std::size_t arguments;
};

const std::map<std::string, Function, std::less<>>& functions() {
  static const std::map<std::string, Function, std::less<>> known{
      {"sqr", {Operation::square, 1}},        {"sqrt", {Operation::root, 1}},
      {"sin", {Operation::sine, 1}},          {"cos", {Operation::cosine, 1}},
      {"tan", {Operation::tangent, 1}},       {"exp", {Operation::exponential, 1}},
      {"ln", {Operation::logarithm, 1}},      {"log", {Operation::logarithm, 1}},
      {"log10", {Operation::logarithm10, 1}}, {"abs", {Operation::absolute, 1}},
      {"pow", {Operation::pow, 2}},           {"pwr", {Operation::pwr, 2}},
      {"max", {Operation::maximum, 2}},       {"min", {Operation::minimum, 2}},
      {"int", {Operation::truncate, 1}},      {"nint", {Operation::nearest, 1}},
      {"sgn", {Operation::sign, 1}},          {"ceil", {Operation::ceiling, 1}},
      {"floor", {Operation::floor, 1}},       {"asin", {Operation::arcsine, 1}},
      {"acos", {Operation::arccosine, 1}},    {"atan", {Operation::arctangent, 1}},
      {"arctan", {Operation::arctangent, 1}}, {"sinh", {Operation::sinh, 1}},
      {"cosh", {Operation::cosh, 1}},         {"tanh", {Operation::tanh, 1}},
      {"asinh", {Operation::asinh, 1}},       {"acosh", {Operation::acosh, 1}},
      {"atanh", {Operation::atanh, 1}},       {"ternary_fcn", {Operation::choose, 3}},
  };
  return known;
}

/// Braces, apostrophes and quotes as parentheses, all in lower case.
std::string with_parentheses(std::string_view text) {
  std::string result = lower(text);
  char quote = '\0';
  for (char& c : result) {
    if (c == '{') c = '(';
    if (c == '}') c = ')';
    if (c != '\'' && c != '"') continue;
    const bool closes = c == quote;
    quote = closes ? '\0' : c;
    c = closes ? ')' : '(';
  }
  return result;
}

bool begins_name(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '[' || c == ']' || c == '$';
}

bool in_name(char c) { return begins_name(c) || is_identifier(c); }

class Parser {
 public:
  Parser(std::string text, Names& names, Operation power)
      : text_(std::move(text)), names_(names), power_(power) {}

  NetlistValue parse() {
    NetlistValue whole = choice();
    if (at_ < text_.size()) fail(fmt::format("'{}' is not understood", text_.substr(at_)));
    return whole;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    constexpr std::size_t longest = 200;
    throw NetlistExpressionError(
        fmt::format("{} in '{}{}'", what, text_.substr(0, longest), text_.size() > longest ? "..." : ""));
  }

  char peek() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  bool take(std::string_view sign) {
    peek();
    if (text_.compare(at_, sign.size(), sign) != 0) return false;
    at_ += sign.size();
    return true;
  }

  void expect(char c) {
    if (!take(std::string_view(&c, 1))) fail(fmt::format("a '{}' is missing", c));
  }

  /// Parentheses, signs and alternatives within each other: each takes its part of the stack.
  class Nested {
   public:
    explicit Nested(Parser& parser) : parser_(parser) {
      if (++parser_.nested_ > most_nested)
        parser_.fail(fmt::format("more than {} levels of parentheses", most_nested));
    }
    ~Nested() { --parser_.nested_; }
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;

   private:
    Parser& parser_;
  };
  static constexpr int most_nested = 200;

  NetlistValue choice() {
    const Nested nested(*this);
    NetlistValue condition = disjunction();
    if (!take("?")) return condition;
    NetlistValue yes = choice();
    expect(':');
    NetlistValue no = choice();
    return combine(Operation::choose, {condition, yes, no});
  }

  NetlistValue disjunction() {
    NetlistValue left = conjunction();
    while (take("||")) left = combine(Operation::either, {left, conjunction()});
    return left;
  }

  NetlistValue conjunction() {
    NetlistValue left = comparison();
    while (take("&&")) left = combine(Operation::both, {left, comparison()});
    return left;
  }

  bool take_comparison(Operation* operation) {
    static constexpr std::array<std::pair<std::string_view, Operation>, 8> signs{{
        {"==", Operation::equal},
        {"!=", Operation::unequal},
        {"<>", Operation::unequal},
        {"<=", Operation::at_most},
        {">=", Operation::at_least},
        {"<", Operation::less},
        {">", Operation::greater},
        {"=", Operation::equal},
    }};
    for (const auto& [sign, meaning] : signs) {
      if (!take(sign)) continue;
      *operation = meaning;
      return true;
    }
    return false;
  }

  NetlistValue comparison() {
    NetlistValue left = sum();
    Operation operation{};
    while (take_comparison(&operation)) left = combine(operation, {left, sum()});
    return left;
  }

  NetlistValue sum() {
    const bool signed_first = starts_;
    NetlistValue left;
    if (signed_first && take("-")) {
      starts_ = false;
      left = combine(Operation::subtract, {number(0.0), product()});
    } else {
      if (signed_first) take("+");
      left = product();
    }
    while (true) {
      if (take("+")) {
        left = combine(Operation::add, {left, product()});
      } else if (take("-")) {
        left = combine(Operation::subtract, {left, product()});
      } else {
        return left;
      }
    }
  }

  NetlistValue product() {
    NetlistValue left = powers();
    while (true) {
      const char c = peek();
      if (c == '*' && text_.compare(at_, 2, "**") != 0) {
        ++at_;
        left = combine(Operation::multiply, {left, powers()});
      } else if (c == '/' || c == '%' || c == '\\') {
        ++at_;
        const Operation operation = c == '/'   ? Operation::divide
                                    : c == '%' ? Operation::remainder
                                               : Operation::whole_quotient;
        left = combine(operation, {left, powers()});
      } else {
        return left;
      }
    }
  }

  NetlistValue powers() {
    NetlistValue left = atom();
    while (take("**") || take("^")) left = combine(power_, {left, atom()});
    return left;
  }

  /// Behind an operator ngspice takes a minus for the sign of the next number, wherever that stands.
  NetlistValue atom() {
    const Nested nested(*this);
    starts_ = false;
    if (peek() == '!' && text_.compare(at_, 2, "!=") != 0) {
      ++at_;
      return combine(Operation::negate, {atom()});
    }
    const bool minus = take("-");
    const char c = peek();
    if (std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '.')
      return number(minus ? -literal() : literal());
    if (minus)
      fail("ngspice misreads a minus between an operator and what is no number: put it in parentheses;");
    if (take("(")) return within();
    if (begins_name(c)) return named();
    fail(c == '\0' ? std::string("something is missing at the end") : fmt::format("'{}' is out of place", c));
  }

  /// What stands in parentheses that are open, and its closing one.
  NetlistValue within() {
    starts_ = true;
    NetlistValue inside = choice();
    expect(')');
    return inside;
  }

  double literal() {
    double value = 0.0;
    const char* begin = text_.data() + at_;
    const auto [rest, error] = std::from_chars(begin, text_.data() + text_.size(), value);
    if (error != std::errc()) fail(fmt::format("'{}' is no number", text_.substr(at_)));
    at_ = static_cast<std::size_t>(rest - text_.data());
    value *= suffix();
    while (at_ < text_.size() && begins_name(text_[at_])) ++at_;
    return value;
  }

  double suffix() const {
    switch (at_ < text_.size() ? text_[at_] : '\0') {
      case 't':
        return 1e12;
      case 'g':
        return 1e9;
      case 'k':
        return 1e3;
      case 'm':
        return text_.compare(at_, 3, "meg") == 0 ? 1e6 : 1e-3;
      case 'u':
        return 1e-6;
      case 'n':
        return 1e-9;
      case 'p':
        return 1e-12;
      case 'f':
        return 1e-15;
      case 'a':
        return 1e-18;
      default:
        return 1.0;
    }
  }

  NetlistValue named() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && in_name(text_[at_])) ++at_;
    const std::string name = text_.substr(begin, at_ - begin);
    if (peek() != '(') return name == "temper" ? temperature() : names_.name(name);
    ++at_;
    std::vector<NetlistValue> arguments;
    if (!take(")")) {
      do {
        starts_ = true;
        arguments.push_back(choice());
      } while (take(","));
      expect(')');
    }
    const std::string_view whole = std::string_view(text_).substr(begin, at_ - begin);
    if (names_.defines(name)) return names_.call(name, std::move(arguments), whole);
    const auto known = functions().find(name);
    if (known == functions().end()) return names_.call(name, std::move(arguments), whole);
    if (arguments.size() != known->second.arguments)
      fail(fmt::format("{} takes {} arguments, not {}", name, known->second.arguments, arguments.size()));
    return combine(known->second.operation, std::move(arguments));
  }

  std::string text_;
  Names& names_;
  Operation power_;
  int nested_ = 0;
  std::size_t at_ = 0;
  bool starts_ = true;  // nothing stands before in this expression or its parentheses
};

}  // namespace

NetlistValue parse_expression(std::string_view text, Names& names, Operation power) {
  return Parser(with_parentheses(text), names, power).parse();
}

}  // namespace flare::engine
