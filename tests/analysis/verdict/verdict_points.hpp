// Converted points for verdicts: three SAWL, two corners.
#pragma once

#include <string>
#include <vector>

#include "analysis/tails/normal_tail.hpp"
#include "analysis/verdict/verdict.hpp"

namespace flare::analysis::testing {

/// `sigma` with an interval of +-`half`; a refused one has no number.
inline NamedPoint point(int sawl, const std::string& corner, double sigma, double half, TailStatus status) {
  NamedPoint result;
  result.key = {"sram8t", sawl, "ideal", corner};
  result.enob = 3.17;
  result.error.status = status;
  if (status != TailStatus::refused) {
    result.error.p = Probability(normal_tail(sigma));
    result.error.low = Probability(normal_tail(sigma + half));
    result.error.high = Probability(normal_tail(sigma - half));
  }
  result.error.runs = 500;
  result.error.method = "fit shifted-lognormal";
  result.level = static_cast<std::size_t>(sawl);
  result.direction = Direction::down;
  return result;
}

inline std::vector<NamedPoint> some_points() {
  return {point(4, "tt_0.90V_27C", 9.0, 0.5, TailStatus::extrapolated),
          point(4, "ss_0.81V_-40C", 7.5, 0.5, TailStatus::extrapolated),
          point(8, "tt_0.90V_27C", 6.8, 0.5, TailStatus::extrapolated),
          point(8, "ss_0.81V_-40C", 6.2, 0.5, TailStatus::extrapolated),
          point(16, "ss_0.81V_-40C", 4.4, 0.4, TailStatus::extrapolated)};
}

}  // namespace flare::analysis::testing
