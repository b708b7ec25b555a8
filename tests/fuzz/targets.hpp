// What is fuzzed: every reader of something that comes from elsewhere.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace flare::testing {

struct FuzzTarget {
  std::string name;
  /// Inputs to start from; `sources` is the root of the tree, `scratch` a folder of the caller's.
  std::function<std::vector<std::string>(const std::filesystem::path& sources,
                                         const std::filesystem::path& scratch)>
      corpus;
  /// Reads one input. Every refusal that users see is caught inside; whatever else is thrown is a finding.
  std::function<void(const std::string& input, const std::filesystem::path& scratch)> read;
  /// Where reading is let begin only by a look in a process of its own: that look, false where it refuses. It may crash.
  std::function<bool(const std::string& input, const std::filesystem::path& scratch)> look = {};
};

std::vector<FuzzTarget> fuzz_targets();
/// Those of models and their data, which are among them.
std::vector<FuzzTarget> model_targets();

}  // namespace flare::testing
