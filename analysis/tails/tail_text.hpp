// A tail in words and figures, the same on the terminal, on the page and in sentences.
#pragma once

#include <string>

#include "analysis/tails/tail.hpp"

namespace flare::analysis {

/// Where there is no number.
inline constexpr const char* no_number = "\u2013";

/// "3.78e-11", "< 8.6e-04" for a bound, "< 1e-300", an en dash where refused.
std::string probability_text(const TailProbability& tail, int digits = 2);
/// "3.3e-11 .. 4.4e-11", "0 .. 8.6e-04".
std::string probability_interval_text(const TailProbability& tail);
/// "6.51", "> 3.13" for a bound.
std::string sigma_text(const TailProbability& tail);
/// "6.49 .. 6.53", "3.13 .." for a bound.
std::string sigma_interval_text(const TailProbability& tail);
/// "6.51 sigma (95 % interval 6.49 to 6.53, estimated)", "at least 3.13 sigma (bound)".
std::string sigma_sentence(const TailProbability& tail);

/// The method without what follows it, and what follows it: why there is no number, and what to do.
std::string method_name(const TailProbability& tail);
std::string method_reason(const TailProbability& tail);

}  // namespace flare::analysis
