// Plain and quasi-Monte Carlo: no assumption on the failure set.
#pragma once

#include "analysis/rare_event/core/evaluation_ledger.hpp"
#include "analysis/rare_event/core/normal_stream.hpp"

namespace flare::analysis {

/// Independent runs whose Clopper-Pearson interval has about the half-width in sigma: p (1 - p) / (h
/// phi/1.96)^2.
std::uint64_t monte_carlo_runs_for(double p, double half_width);

/// `count` fresh runs; the exact binomial interval. None or all failing gives a bound.
RareEventSummary plain_monte_carlo(EvaluationLedger& ledger, std::uint64_t count, NormalStream& random,
                                   Purpose purpose);

/// Sobol points under 16 independent digital shifts; t interval over the shifts, where every shift saw at
/// least 5 failures; refused else. Throws std::invalid_argument past the dimension of Boost's direction
/// numbers.
RareEventSummary quasi_monte_carlo(EvaluationLedger& ledger, std::uint64_t count, std::uint64_t seed,
                                   Purpose purpose);

}  // namespace flare::analysis
