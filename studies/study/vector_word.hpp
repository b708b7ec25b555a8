// A vector as people write it, in the one form that ngspice and the engine know it by.
//
//   "V(BL)"  "bl"  " v( bl ) "      v(bl)              in V
//   "v(a, b)"                       v(a) minus v(b)    in V
//   "I(VD)"  "vd#branch"            i(vd)              in A
//   "-i(vd)"                        its negative
//   "@M1[id]"                       @m1[id]            in A; the unit of another parameter must be said
//
// The netlist is blind to case, and so is this.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace flare::studies {

/// A text that names no vector. what() says what was meant, as far as it can be told, and how to write it.
class VectorError : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

/// +-(vector [minus reference]).
struct VectorWord {
  std::string vector;
  std::string reference;  // empty: none
  bool negated = false;
  std::string unit;  // "V" or "A"; empty where the form does not tell

  bool operator==(const VectorWord&) const = default;
};

/// Throws VectorError.
VectorWord parse_vector(std::string_view text);

/// The same for a small-signal analysis, where a vector is complex: "v(o)" and "vm(o)" are its magnitude, "vdb(o)" that
/// in decibels and "vp(o)" its phase in degrees, likewise of a current. Throws VectorError.
VectorWord parse_small_signal(std::string_view text);

/// Of a noise analysis: "onoise", the density at the output, in the unit of the output, or "inoise", that referred to the
/// input, in the unit of the input; both the noise in a band of 1 Hz. Throws VectorError.
VectorWord parse_noise(std::string_view text, const std::string& output_unit, const std::string& input_unit);

}  // namespace flare::studies
