// Scaled-sigma extrapolation (Sun, Li, Liu, Luo & Gu 2015): failure shares at sigma scales s > 1, where
// failures are frequent, fitted by
//     ln P(s) = a + b ln s - c / s^2
// and read at s = 1. It goes beyond every run made, and its interval knows nothing of how far the formula
// holds: the status is `extrapolated`, never `estimated`.
#pragma once

#include "analysis/evaluation_ledger.hpp"
#include "analysis/normal_stream.hpp"

namespace flare::analysis {

RareEventSummary scaled_sigma(EvaluationLedger& ledger, std::uint64_t count, NormalStream& random,
                              Purpose purpose);

}  // namespace flare::analysis
