// Real numbers from the complex vectors of a small-signal analysis, by the names that SPICE has for them: "vm(o)" is the
// magnitude of v(o), "vdb(o)" 20 log10 of it, "vp(o)" its phase in degrees; likewise of "i".
#pragma once

#include <complex>
#include <string>
#include <string_view>
#include <vector>

namespace flare::engine {

/// "m", "db" or "p" of such a name; empty for any other vector.
std::string_view complex_part(std::string_view name);

/// What the simulator keeps so that a measured vector can be had: "v(o)" of "vdb(o)"; any other vector itself.
std::string saved_vector(const std::string& name);

/// A part of a vector over the frequency. A phase is continuous: without jumps of 360 degrees.
std::vector<double> part_of(const std::vector<std::complex<double>>& values, std::string_view part);

}  // namespace flare::engine
