// Quantities as people write them ("0.9 V", "1.3 mV um", "0.7 % um", "27 degC", "20 fF", "0.03 step"), in SI inside.
#pragma once

#include <array>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace flare::engine {

/// A quantity that cannot be read or has another dimension than was asked for. what() says what was expected.
class UnitError : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

/// Value of `text` in the SI unit of `expected`, itself a unit such as "V", "V m", "s", "degC", "1" (a plain
/// number or a percentage), "step" (of a bitline level) or "sigma". Temperatures come out in degC; "K" is
/// accepted where "degC" is expected. Units: V A s m F Ohm S H Hz W J K degC % step sigma, SI prefixes a f p n
/// u m k M G, products by a space or "*", quotients by "/", powers as "um2" or "um^2". The signs for micro, ohm,
/// degrees Celsius, squares and minus (UTF-8) are taken as well. Throws UnitError.
double quantity(std::string_view text, std::string_view expected);

/// Value of `text`, a quantity of any unit or a plain number, in the SI unit of its own dimension: "450 nm" is 4.5e-7,
/// "11.5 kOhm" 11500, "3" 3. Throws UnitError.
double si_quantity(std::string_view text);

/// "0.9 V", "-40 degC", "1.2 ps": `digits` significant digits with the SI prefix that suits.
std::string format_quantity(double value, std::string_view unit, int digits = 3);

/// Exponents of V, A, s, m, K, step and sigma in a unit.
using Dimension = std::array<int, 7>;

/// The dimension of a unit in which SI values are given ("V s", "A/V", "1"); nothing where `unit` is not a unit or
/// has a factor or an offset of its own ("mV", "%", "degC").
std::optional<Dimension> si_dimension(std::string_view unit);

/// A text for the SI unit of a dimension that quantity() reads: "s", "Ohm", "V s", "A/V", "1".
std::string si_unit(const Dimension& dimension);

}  // namespace flare::engine
