// The inverse question: which limit of an output holds at a target?
//
// Tails at a few limits, as sigma with its interval, are functions of the limit that rise outwards, nearly straight lines
// where they lie close. Joined by straight lines, each crosses the target once: the estimate's crossing is the answer, those
// of the interval's two ends are its interval.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "analysis/tails/tail.hpp"

namespace flare::analysis {

struct HeldLimit {
  static constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
  double limit = nothing;  // NaN where refused
  double low = nothing;    // 95 % interval, low <= limit <= high
  double high = nothing;
  TailStatus status = TailStatus::refused;
  std::size_t runs = 0;
  std::string method;  // of a refused one "...: why; what to do"
};

/// A tail beyond a limit.
struct LimitTail {
  double limit = 0.0;
  TailProbability tail;
};

/// Refused where the crossings are not all within the limits, or a tail is. `target`: largest p that passes.
HeldLimit held_limit(std::vector<LimitTail> tails, Side side, double target);

/// Where the estimate's crossing would be, continued in a straight line; nothing where fewer than two tails have a number.
std::optional<double> expected_crossing(std::vector<LimitTail> tails, Side side, double target);

}  // namespace flare::analysis
