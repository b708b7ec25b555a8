#include "studies/study/vector_word.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace flare::studies {

namespace {

/// Lower case and without blanks.
std::string squeezed(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isspace(byte) == 0) result += static_cast<char>(std::tolower(byte));
  }
  return result;
}

/// Signs that may stand in the name of a node or a device; engine/simulate/ngspice.cpp holds them to be safe.
bool is_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("_.#:+-/%<>[]!$").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

void check_name(std::string_view name, std::string_view text) {
  if (is_name(name)) return;
  throw VectorError(fmt::format(
      "'{}' is not a vector: expected v(node), v(a,b), i(source), -i(source) or @device[parameter]; "
      "in a name stand letters, digits and _ . # : + - / % < > [ ] ! $; arithmetic is for an expression "
      "over measures",
      text));
}

bool is_ground(std::string_view node) { return node == "0" || node == "gnd"; }

VectorWord voltage(std::string_view inner, bool negated, std::string_view text) {
  const std::size_t comma = inner.find(',');
  std::string_view plus = inner.substr(0, comma);
  std::string_view minus = comma == std::string_view::npos ? std::string_view() : inner.substr(comma + 1);
  check_name(plus, text);
  if (comma != std::string_view::npos) check_name(minus, text);
  if (is_ground(plus)) {
    std::swap(plus, minus);
    negated = !negated;
  }
  if (plus.empty() || is_ground(plus)) throw VectorError(fmt::format("'{}' is ground, which is 0 V", text));
  if (is_ground(minus)) minus = {};
  return {fmt::format("v({})", plus), minus.empty() ? "" : fmt::format("v({})", minus), negated, "V"};
}

/// The parameter that holds the current of a device which ngspice has no i(...) of, its current being no unknown of
/// the circuit; empty for the others.
std::string_view current_parameter(char kind) {
  switch (kind) {
    case 'r':
    case 'c':
      return "i";
    case 'd':
    case 'm':
    case 'j':
    case 'z':
      return "id";
    case 'q':
      return "ic";
    default:
      return {};
  }
}

VectorWord current(std::string_view device, bool negated, std::string_view text) {
  check_name(device, text);
  const std::size_t dot = device.rfind('.');
  if (device.front() == 'x' && dot != std::string_view::npos && dot + 1 < device.size()) {
    throw VectorError(
        fmt::format("'{}': ngspice calls a device of a subcircuit by its kind first: expected i({}.{})", text,
                    device[dot + 1], device));
  }
  const std::string_view own = current_parameter(device.front());
  if (!own.empty()) {
    throw VectorError(
        fmt::format("'{}': i(...) is the current of a voltage source or an inductor; expected @{}[{}], or "
                    "a source of 0 V in series",
                    text, device, own));
  }
  return {fmt::format("i({})", device), "", negated, "A"};
}

/// @device[parameter]: a current where the parameter is one of those that are.
VectorWord parameter(std::string_view word, bool negated, std::string_view text) {
  static constexpr std::array currents{"i", "id", "ids", "ig", "is", "ib", "ie", "ibd", "ibs", "isub"};
  const std::size_t open = word.rfind('[');
  if (open == std::string_view::npos || word.back() != ']') {
    throw VectorError(fmt::format("'{}': expected @device[parameter], e.g. @m1[id]", text));
  }
  const std::string_view device = word.substr(1, open - 1);
  const std::string_view name = word.substr(open + 1, word.size() - open - 2);
  check_name(device, text);
  check_name(name, text);
  // [ic] is the collector's current of a bipolar transistor and the initial voltage of a capacitor.
  const bool is_current = std::find(currents.begin(), currents.end(), name) != currents.end() ||
                          (name == "ic" && device.front() == 'q');
  return {std::string(word), "", negated, is_current ? "A" : ""};
}

void refuse_functions(std::string_view function, std::string_view text) {
  static constexpr std::array small_signal{"vdb", "vm", "vp",  "vr", "vi",  "idb",  "im", "ip",  "ir",
                                           "ii",  "db", "mag", "ph", "cph", "real", "re", "imag"};
  if (std::find(small_signal.begin(), small_signal.end(), function) == small_signal.end()) return;
  throw VectorError(
      fmt::format("'{}' is of a small-signal analysis, analysis = \"ac\", where there are v, vm, vdb and vp; "
                  "decibels of a ratio "
                  "of measures are expression = \"db(a / b)\"",
                  text));
}

}  // namespace

VectorWord parse_vector(std::string_view text) {
  const std::string all = squeezed(text);
  std::string_view word = all;
  const bool negated = word.starts_with('-');
  if (negated || word.starts_with('+')) word.remove_prefix(1);
  if (word.starts_with('@')) return parameter(word, negated, text);
  const std::size_t open = word.find('(');
  if (open == std::string_view::npos) {
    constexpr std::string_view branch = "#branch";
    if (word.ends_with(branch)) return current(word.substr(0, word.size() - branch.size()), negated, text);
    return voltage(word, negated, text);
  }
  const std::string_view function = word.substr(0, open);
  const std::string_view inner =
      word.ends_with(')') ? word.substr(open + 1, word.size() - open - 2) : std::string_view();
  refuse_functions(function, text);
  if (function == "v") return voltage(inner, negated, text);
  if (function == "i") return current(inner, negated, text);
  check_name("", text);
  return {};
}

VectorWord parse_small_signal(std::string_view text) {
  const std::string all = squeezed(text);
  const std::size_t open = all.find('(');
  const std::string function = open == std::string::npos ? "v" : all.substr(0, open);
  static constexpr std::array functions{"v", "vm", "vdb", "vp", "i", "im", "idb", "ip"};
  if (all.starts_with('@') || std::find(functions.begin(), functions.end(), function) == functions.end()) {
    throw VectorError(fmt::format(
        "'{}': of a small-signal analysis there are v(node) or vm(node), vdb(node) and vp(node), and the "
        "same of a source's current: i, im, idb, ip",
        text));
  }
  // The node or the source is read as it is elsewhere.
  const VectorWord word =
      parse_vector(open == std::string::npos ? all : fmt::format("{}{}", function[0], all.substr(open)));
  if (word.negated || !word.reference.empty()) {
    throw VectorError(fmt::format(
        "'{}': a magnitude has no sign, and that of a difference is not kept; measure across an E source",
        text));
  }
  const bool magnitude = function.size() == 1 || function.ends_with('m');
  return {fmt::format("{}{}{}", word.vector[0], magnitude ? "m" : function.substr(1), word.vector.substr(1)),
          "", false, magnitude ? word.unit : "1"};
}

VectorWord parse_noise(std::string_view text, const std::string& output_unit, const std::string& input_unit) {
  const std::string word = squeezed(text);
  if (word == "onoise") return {"onoise_spectrum", "", false, output_unit};
  if (word == "inoise") return {"inoise_spectrum", "", false, input_unit};
  throw VectorError(fmt::format(
      "'{}': a noise analysis has \"onoise\", the density at the output, and \"inoise\", that referred to "
      "the input",
      text));
}

}  // namespace flare::studies
