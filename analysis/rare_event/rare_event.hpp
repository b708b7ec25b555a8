// Probability of a rare failure, with an interval that holds or a refusal.
//
// Work in standard-normal space, x ~ N(0, I_d). A run at x gives a margin (the design fails where it is <=
// 0), or only pass or fail, or no answer at all (*unknown*: the simulator did not converge). Wanted is
//     P = Pr(margin(x) <= 0),   sigma = -Phi^-1(P);   6 sigma is P = 9.866e-10.
//
//     RareEventOptions options;
//     options.target_half_width = 0.1;  // of the 95 % interval, in sigma
//     options.max_runs = 3000;
//     const RareEventSummary s = estimate_failure_probability(d, evaluator, options);
//     std::cout << s.brief_report();
//
// What to believe. `estimated` numbers come only from fresh runs of a proposal that was frozen before them;
// the runs that explored never enter. A result whose own diagnostics contradict it is `refused` with the
// reason and carries no number. No method bounds a region nobody has seen: full_report() says how it
// searched. Margins may change when a run is repeated: `automatic` notices, and answers near a plane or
// refuses (estimators/noisy_lines.hpp).
//
// Which method:
//   automatic            explores, freezes, estimates afresh, audits; picks among the engines below and ends
//                        with subset simulation, or a bound, before it refuses. Default.
//   monte_carlo          no assumption at all; affordable for P above about 1e-3.
//   quasi_monte_carlo    Sobol points, 16 random shifts; smooth problems of few dimensions and large P.
//   subset_simulation    independent repeats of adaptive splitting; any dimension, wide interval; needs margins.
//   mean_shift           one Gaussian moved to the nearest failing point (plus a defensive share).
//   mixture_importance   Gaussian mixture fitted to the failing population (plus a defensive share).
//   line_sampling        importance line sampling over disjoint cells, one cell a failure region.
//   radial_sampling      lines from the origin in uniformly distributed directions: shells and spheres.
//   scaled_sigma         extrapolates log P over an inflated sigma. Status is `extrapolated`, always.
#pragma once

#include <stop_token>

#include "analysis/rare_event/core/problem.hpp"

namespace flare::analysis {

/// Estimates Pr(fail) for x ~ N(0, I_dimension). Throws std::invalid_argument for dimension 0, options that
/// are not valid, an empty evaluator or one that answers with the wrong number of rows; what the evaluator
/// throws passes through. A requested stop gives a refused summary with the reason, within one batch.
RareEventSummary estimate_failure_probability(std::size_t dimension, const BatchEvaluator& evaluator,
                                              const RareEventOptions& options = {},
                                              std::stop_token stop = {});

}  // namespace flare::analysis
