// What a search would have met, had it been there.
//
// A half-space of probability P in a direction of its own is beta = -Phi^-1(P) away, and a draw of s N(0, I) lies in it
// with probability Phi(-beta / s), in any dimension. A corner of four inputs, each beyond c, has P = Phi(-c)^4 and is met
// by one draw with Phi(-c / s)^4. Draws are independent, so
//     P(met) = 1 - prod over looks (1 - q(scale))^draws.
// Assumed: where known regions were left out of the draws, the hidden one lies in a direction of its own.
#pragma once

#include "analysis/rare_event/core/problem.hpp"

namespace flare::analysis {

/// Of regions of probability exp(log_p).
MetChance chance_met(const std::vector<Look>& looks, double log_p);

/// Draws at `scale`, beside `looks`, until a half-space at `beta` sigma is met with probability `wanted`.
std::uint64_t draws_to_meet(const std::vector<Look>& looks, double beta, double scale, double wanted);

}  // namespace flare::analysis
