// [[sweep]]: keys of a study that take several values; all combinations are its points.
#pragma once

#include <string>
#include <vector>

#include "studies/toml/toml_section.hpp"

namespace flare::studies {

struct SweepAxis {
  std::string place;                // "file:line: table", for errors
  std::string key;                  // as of --set: "technology.parameters.wn", "variation[vth].pelgrom"
  std::vector<std::string> values;  // as TOML
  std::string unit;                 // that all values have, as written; empty: none, or not alike
  std::vector<double> numbers;      // in the unit; NaN of a word
};

/// Empty where the study has none. Throws StudyError: too many points, a key twice, a range of different units.
std::vector<SweepAxis> read_sweep(Section& root);

/// Points: the first axis moves slowest.
std::size_t sweep_points(const std::vector<SweepAxis>& axes);
/// Which value of each axis point `p` has.
std::vector<std::size_t> sweep_place(const std::vector<SweepAxis>& axes, std::size_t p);
/// "a.b=value" of every axis at point `p`.
std::vector<std::string> sweep_assignments(const std::vector<SweepAxis>& axes, std::size_t p);

}  // namespace flare::studies
