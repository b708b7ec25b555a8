// A number of a cost model with its doubt: nominal, low and high, unit, and where it comes from.
//
// Every parameter is written so that more of it costs more - a time a bit rather than a bandwidth, a factor of area rather
// than an efficiency. Costs rise with each of them, so that all low and all high ends give the ends of a cost.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace flare::arch {

/// At which end of the parameters a cost is taken.
enum class Bound { low, nominal, high };
constexpr std::array<Bound, 3> bounds = {Bound::low, Bound::nominal, Bound::high};

/// How a number came to be.
enum class ParameterKind {
  spice,    // simulated with the shipped cards, or read from a study's result
  cited,    // published; the source says where
  derived,  // arithmetic on others of these, said in the source
  assumed,  // an engineering judgement; the source says on what it rests
};
std::string_view to_string(ParameterKind kind);
/// False for a word that is none.
bool read_kind(std::string_view word, ParameterKind& kind);

struct Parameter {
  std::string name;
  double value = 0, low = 0, high = 0;  // SI units of `unit`; low <= value <= high
  std::string unit;                     // "J", "s", "m^2", "W", "V", "F", "1"
  ParameterKind kind = ParameterKind::assumed;
  std::string source;

  double at(Bound bound) const { return bound == Bound::low ? low : bound == Bound::high ? high : value; }
  /// False, with the reason in `error`: ends that do not enclose the value, not finite, negative, or no source.
  bool is_valid(std::string* error) const;
};

/// Parameters by name, in the order of their table.
class ParameterSet {
 public:
  ParameterSet() = default;
  explicit ParameterSet(std::vector<Parameter> parameters) : parameters_(std::move(parameters)) {}

  /// Throws std::out_of_range for a name that is not there.
  const Parameter& get(std::string_view name) const;
  double at(std::string_view name, Bound bound) const { return get(name).at(bound); }
  bool has(std::string_view name) const;
  /// Puts `parameter` in the place of the one of its name. Throws std::out_of_range where there is none.
  void replace(Parameter parameter);
  const std::vector<Parameter>& all() const { return parameters_; }

 private:
  std::vector<Parameter> parameters_;
};

/// Every parameter of the cost model with its default: 28 nm, 0.9 V (default_parameters.cpp).
ParameterSet default_parameters();

/// A cost at the three ends.
struct Range {
  double low = 0, nominal = 0, high = 0;

  double& at(Bound bound) { return bound == Bound::low ? low : bound == Bound::high ? high : nominal; }
  double at(Bound bound) const { return bound == Bound::low ? low : bound == Bound::high ? high : nominal; }
};

}  // namespace flare::arch
