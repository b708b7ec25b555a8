// Reading of inputs whose first look may crash by rights, since it is made in a process of its own: here many of them in
// one child, so that a million take minutes and not hours.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "tests/fuzz/mutation.hpp"
#include "tests/fuzz/targets.hpp"

namespace flare::testing {

struct Contained {
  long crashed_looks = 0;       // looks that crashed or hung: the file would have been refused
  std::optional<long> finding;  // number of the input that a look let pass and reading did not survive
  std::string input;            // that one
  std::string how;
};

/// Reads the next `count` inputs; stops at the first finding.
Contained read_contained(const FuzzTarget& target, InputStream inputs, long count,
                         const std::filesystem::path& scratch);

}  // namespace flare::testing
