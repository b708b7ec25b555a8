// Estimators that need no search: plain and quasi-Monte Carlo, repeats of subset simulation, scaled sigma. Their
// runs are those of sampling/.
#pragma once

#include <memory>

#include "analysis/rare_event/estimators/estimator.hpp"

namespace flare::analysis {

/// A quarter of the runs, at most 1,000, tell how many are needed.
std::unique_ptr<Estimator> plain_runs();
std::unique_ptr<Estimator> sobol_points();
std::unique_ptr<Estimator> subset_repeats();
std::unique_ptr<Estimator> scaled_sigma_fit();

}  // namespace flare::analysis
