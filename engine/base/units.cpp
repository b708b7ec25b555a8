#include "engine/base/units.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <optional>

namespace flare::engine {

namespace {

struct Unit {
  double factor = 1.0;
  Dimension dimension{};
  bool celsius = false;  // the one unit with an offset
};

struct BaseUnit {
  std::string_view name;
  double factor;
  Dimension dimension;
};

//                                        V   A   s   m   K  step sigma
constexpr std::array<BaseUnit, 16> base_units{{
    {"V", 1.0, {1, 0, 0, 0, 0, 0, 0}},
    {"A", 1.0, {0, 1, 0, 0, 0, 0, 0}},
    {"s", 1.0, {0, 0, 1, 0, 0, 0, 0}},
    {"m", 1.0, {0, 0, 0, 1, 0, 0, 0}},
    {"F", 1.0, {-1, 1, 1, 0, 0, 0, 0}},
    {"Ohm", 1.0, {1, -1, 0, 0, 0, 0, 0}},
    {"ohm", 1.0, {1, -1, 0, 0, 0, 0, 0}},
    {"S", 1.0, {-1, 1, 0, 0, 0, 0, 0}},
    {"H", 1.0, {1, -1, 1, 0, 0, 0, 0}},
    {"Hz", 1.0, {0, 0, -1, 0, 0, 0, 0}},
    {"W", 1.0, {1, 1, 0, 0, 0, 0, 0}},
    {"J", 1.0, {1, 1, 1, 0, 0, 0, 0}},
    {"K", 1.0, {0, 0, 0, 0, 1, 0, 0}},
    {"%", 0.01, {0, 0, 0, 0, 0, 0, 0}},
    {"step", 1.0, {0, 0, 0, 0, 0, 1, 0}},
    {"sigma", 1.0, {0, 0, 0, 0, 0, 0, 1}},
}};

struct Prefix {
  char letter;
  double factor;
};
constexpr std::array<Prefix, 9> prefixes{{{'a', 1e-18},
                                          {'f', 1e-15},
                                          {'p', 1e-12},
                                          {'n', 1e-9},
                                          {'u', 1e-6},
                                          {'m', 1e-3},
                                          {'k', 1e3},
                                          {'M', 1e6},
                                          {'G', 1e9}}};

constexpr const char* all_units =
    "V A s m F Ohm S H Hz W J K degC % step sigma, with a prefix a f p n u m k M G, such as mV, um2 or fF/um";

struct Spelling {
  std::string_view sign;  // UTF-8
  std::string_view ascii;
};
// The signs that editors and data sheets use; the micro and the ohm sign each have two.
constexpr std::array<Spelling, 11> spellings{{{"\u00B5", "u"},
                                              {"\u03BC", "u"},
                                              {"\u03A9", "Ohm"},
                                              {"\u2126", "Ohm"},
                                              {"\u00B0C", "degC"},
                                              {"\u00B2", "2"},
                                              {"\u00B3", "3"},
                                              {"\u00B7", "*"},
                                              {"\u2212", "-"},
                                              {"\u00A0", " "},
                                              {"\u202F", " "}}};

std::string in_ascii(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const auto* found = std::find_if(spellings.begin(), spellings.end(),
                                     [&](const Spelling& s) { return text.starts_with(s.sign); });
    if (found == spellings.end()) {
      result += text.front();
      text.remove_prefix(1);
    } else {
      result += found->ascii;
      text.remove_prefix(found->sign.size());
    }
  }
  return result;
}

std::optional<BaseUnit> find_base(std::string_view name) {
  for (const BaseUnit& unit : base_units) {
    if (unit.name == name) return unit;
  }
  return std::nullopt;
}

/// One factor of a product, without its power: "mV", "um", "%".
std::optional<Unit> simple_unit(std::string_view name) {
  if (name == "1") return Unit{};
  if (name == "degC") return Unit{1.0, {0, 0, 0, 0, 1, 0, 0}, true};
  if (name == "steps") name = "step";
  if (const auto base = find_base(name)) return Unit{base->factor, base->dimension};
  if (name.size() < 2) return std::nullopt;
  for (const Prefix& prefix : prefixes) {
    if (prefix.letter != name.front()) continue;
    const auto base = find_base(name.substr(1));
    if (base && base->name != "%" && base->name != "step" && base->name != "sigma") {
      return Unit{prefix.factor * base->factor, base->dimension};
    }
  }
  return std::nullopt;
}

/// "mV um", "fF/um", "um^2", "" (no unit).
std::optional<Unit> parse_unit(std::string_view text) {
  Unit product;
  int sign = 1;
  std::size_t i = 0;
  while (i < text.size()) {
    const char c = text[i];
    if (c == ' ' || c == '*') {
      ++i;
      continue;
    }
    if (c == '/') {
      if (sign < 0) return std::nullopt;
      sign = -1;
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < text.size() &&
           (std::isalpha(static_cast<unsigned char>(text[end])) != 0 || text[end] == '%'))
      ++end;
    if (end == i && text[i] == '1') ++end;
    if (end == i) return std::nullopt;
    const auto factor = simple_unit(text.substr(i, end - i));
    if (!factor) return std::nullopt;
    int power = 1;
    if (end < text.size() && text[end] == '^') ++end;
    if (end < text.size() && text[end] >= '2' && text[end] <= '4') power = text[end++] - '0';
    for (std::size_t d = 0; d < product.dimension.size(); ++d) {
      product.dimension[d] += sign * power * factor->dimension[d];
    }
    product.factor *= std::pow(factor->factor, sign * power);
    product.celsius = product.celsius || factor->celsius;
    i = end;
    sign = 1;
  }
  if (sign < 0) return std::nullopt;  // a quotient of nothing
  return product;
}

/// `number`, written as `digits`, times a factor. Powers of ten move the decimal point, so that "450 nm" is the same
/// double as 450e-9.
double scaled(std::string_view digits, double number, double factor) {
  const int power = static_cast<int>(std::lround(std::log10(factor)));
  if (std::fabs(factor * std::pow(10.0, -power) - 1.0) > 1e-12) return number * factor;
  const std::size_t mantissa = std::min(digits.find_first_of("eE"), digits.size());
  int exponent = 0;
  if (mantissa < digits.size()) {
    const std::size_t at = mantissa + (digits[mantissa + 1] == '+' ? 2 : 1);
    std::from_chars(digits.data() + at, digits.data() + digits.size(), exponent);
  }
  const std::string moved = fmt::format("{}e{}", digits.substr(0, mantissa), exponent + power);
  double value = 0.0;
  const auto [end, error] = std::from_chars(moved.data(), moved.data() + moved.size(), value);
  return error == std::errc() && end == moved.data() + moved.size() ? value : number * factor;
}

/// What to write instead of a unit that is not known: the right case of a known one, or all there are.
std::string unknown_unit_remedy(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const auto same = [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); };
  if (text == "C" || text == "deg") return "; write degC";
  for (const BaseUnit& unit : base_units) {
    if (std::equal(text.begin(), text.end(), unit.name.begin(), unit.name.end(), same))
      return fmt::format("; write {}", unit.name);
  }
  return fmt::format("; units are {}", all_units);
}

}  // namespace

double quantity(std::string_view given, std::string_view expected) {
  const std::optional<Unit> wanted = parse_unit(expected);
  if (!wanted) throw UnitError(fmt::format("'{}' is not a unit", expected));
  const auto fail = [&](std::string_view what, std::string_view remedy = "") {
    throw UnitError(fmt::format(
        "'{}' {}; expected {}{}", given, what,
        expected == "1" ? "a number without unit or a percentage" : fmt::format("a quantity in {}", expected),
        remedy));
  };
  const std::string text = in_ascii(given);
  std::size_t start = text.find_first_not_of(' ');
  if (start == std::string::npos) start = text.size();
  double number = 0.0;
  const auto [rest, error] = std::from_chars(text.data() + start, text.data() + text.size(), number);
  if (error != std::errc() || !std::isfinite(number)) fail("does not start with a number");
  const std::string_view unit_text =
      std::string_view(text).substr(static_cast<std::size_t>(rest - text.data()));
  const std::optional<Unit> unit = parse_unit(unit_text);
  if (!unit) fail("has a unit that is not known", unknown_unit_remedy(unit_text));
  const bool bare = unit_text.find_first_not_of(' ') == std::string_view::npos;
  if (bare && wanted->dimension != Dimension{}) {
    fail("has no unit", fmt::format("; write \"{:g} {}\" if that is meant", number, expected));
  }
  if (unit->dimension != wanted->dimension) fail("has the wrong unit");
  if (wanted->celsius) return unit->celsius ? number : number * unit->factor - 273.15;
  if (unit->celsius) fail("is a temperature in degC");
  return scaled(std::string_view(text).substr(start, static_cast<std::size_t>(rest - text.data()) - start),
                number, unit->factor / wanted->factor);
}

double si_quantity(std::string_view given) {
  const std::string text = in_ascii(given);
  const std::size_t unit_at = std::min(text.find_first_not_of(" +-.0123456789eE"), text.size());
  const std::optional<Unit> unit = parse_unit(std::string_view(text).substr(unit_at));
  if (!unit || unit->celsius) return quantity(given, "1");
  return quantity(given, si_unit(unit->dimension));
}

std::string format_quantity(double value, std::string_view unit, int digits) {
  if (value == 0.0 || !std::isfinite(value) || unit == "degC" || unit == "%" || unit == "1" || unit.empty() ||
      unit == "step" || unit == "sigma") {
    return unit.empty() || unit == "1" ? fmt::format("{:.{}g}", value, digits)
                                       : fmt::format("{:.{}g} {}", value, digits, unit);
  }
  Prefix best{' ', 1.0};
  const double magnitude = std::fabs(value) * (1.0 + 1e-12);
  if (magnitude < 0.1 || magnitude >= 1000.0) {
    for (const Prefix& p : prefixes) {
      if (magnitude >= p.factor) best = p;
    }
    if (magnitude >= 0.1 && magnitude < 1000.0) best = {' ', 1.0};
  }
  const std::string prefix = best.letter == ' ' ? "" : std::string(1, best.letter);
  return fmt::format("{:.{}g} {}{}", value / best.factor, digits, prefix, unit);
}

std::optional<Dimension> si_dimension(std::string_view unit) {
  const std::optional<Unit> parsed = parse_unit(unit);
  if (!parsed || parsed->factor != 1.0 || parsed->celsius) return std::nullopt;
  return parsed->dimension;
}

std::string si_unit(const Dimension& dimension) {
  for (const std::string_view name : {"Hz", "Ohm", "F", "W", "J"}) {
    if (find_base(name)->dimension == dimension) return std::string(name);
  }
  constexpr std::array<std::string_view, 7> symbols{"V", "A", "s", "m", "K", "step", "sigma"};
  std::string above;
  std::string below;
  for (std::size_t d = 0; d < symbols.size(); ++d) {
    const int power = std::abs(dimension[d]);
    // Powers are read up to 4; what lies beyond is said by a further factor.
    for (int left = power; left > 0; left -= 4) {
      const int part = std::min(left, 4);
      const std::string factor = std::string(symbols[d]) + (part > 1 ? std::to_string(part) : "");
      if (dimension[d] < 0) {
        below += "/" + factor;
      } else {
        above += (above.empty() ? "" : " ") + factor;
      }
    }
  }
  return (above.empty() ? "1" : above) + below;
}

}  // namespace flare::engine
