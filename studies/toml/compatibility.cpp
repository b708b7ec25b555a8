#include "studies/toml/compatibility.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace flare::studies {

namespace {

/// ngspice looks for its words anywhere in the text and passes over the rest in silence ("hspice" is half of "hsa").
bool is_compatibility(std::string_view modes) {
  constexpr std::array<std::string_view, 10> words{"spe", "hs", "ps", "xs", "lt",
                                                   "ki",  "ll", "s3", "eg", "a"};
  return modes.empty() || modes == "mc" ||
         std::any_of(words.begin(), words.end(), [&](std::string_view word) {
           return modes.starts_with(word) && is_compatibility(modes.substr(word.size()));
         });
}

}  // namespace

std::string read_compatibility(Section& section, const std::string& otherwise) {
  std::string modes = section.text("compatibility", otherwise);
  if (!is_compatibility(modes)) {
    section.fail("compatibility",
                 fmt::format("'{}' is no mode of ngspice's; say e.g. \"hsa\" (HSPICE), \"psa\" (PSPICE), "
                             "\"lta\" (LTspice), or \"ltpsa\"",
                             modes));
  }
  return modes;
}

}  // namespace flare::studies
