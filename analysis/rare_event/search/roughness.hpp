// Noise of a margin, looked for by nudges far below a run's own step.
//
// A deterministic simulator that stops at a grid of its own (time steps, tolerances) gives the same answer when a run is
// repeated, and another one a millionth of a sigma away: no gradient explains that. Noise that every run draws anew
// shows itself the same way.
#pragma once

#include "analysis/rare_event/core/estimator_session.hpp"

namespace flare::analysis {

/// Standard deviation of the margin around `point`, where a margin `at_point` was seen: 0 where nudges of 1e-6 and 1e-4
/// sigma change it by no more than a thousandth of `spread` (two runs). Else eight more runs measure it. 0 where
/// a run gives no margin.
double roughness_at(EvaluationLedger& ledger, const engine::Vector& point, double at_point, double spread);

}  // namespace flare::analysis
