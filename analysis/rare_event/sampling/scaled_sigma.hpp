// Scaled-sigma extrapolation (Sun, Li, Liu, Luo & Gu 2015): failure shares at sigma scales s > 1, where
// failures are frequent, fitted by
//     ln P(s) = a + b ln s - c / s^2
// and read at s = 1. The formula is that of a few distant regions: it holds while failures are rare, so that
// no scale is used at which more than about one run in six fails. It goes beyond every run made: the status is
// `extrapolated`, never `estimated`.
//
// The shares are fitted by maximum likelihood, scales without a failure included. Refused where they do not
// follow the formula (deviance, the sign of c) or where runs at s = 1 contradict it. The interval is the hull of
// those of the fit, of the fit without its largest scale, and of a half-space with a free factor,
// ln P(s) = a + ln Phi(-beta/s): what the choice of the formula is worth is part of it.
#pragma once

#include "analysis/rare_event/core/evaluation_ledger.hpp"
#include "analysis/rare_event/core/normal_stream.hpp"

namespace flare::analysis {

RareEventSummary scaled_sigma(EvaluationLedger& ledger, std::uint64_t count, NormalStream& random,
                              Purpose purpose);

}  // namespace flare::analysis
