// Parameters as users know them, and what the simulator calls them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace flare::studies {

/// A parameter as users know it.
struct ParameterWord {
  std::string_view word;
  std::string_view simulator;     // what the simulator calls it
  std::string_view unit;          // "": any; a list "V|A" where it depends on the element
  std::string_view device_types;  // first letters of the elements that have it; "": any
  bool needs_unit = false;        // a bare number is refused
  bool shifts_only = false;
  bool scales_only = false;
};

/// The word's row; a parameter nobody knows here is the simulator's own, in its unit.
ParameterWord parameter_word(const std::string& label, bool of_model);

/// Words for parameters of an element, by the first letter of its name.
std::vector<std::string> parameter_words_of(char device_type);

}  // namespace flare::studies
