// Moments with the samples' own inputs as control variates.
//
// A level is nearly a linear function of its many normal inputs x. The index s = b.x/|b|, b from a linear
// fit, is then nearly the standardised level, and the expectations of its Hermite polynomials He_1 ... He_6
// are known to be 0 whatever the level does. Regressing u, u^2, u^3, u^4 (u: the standardised level) on them,
// the intercepts estimate E[u^j] with the variance of the residuals alone: the estimate assumes nothing, the
// better the index predicts, the narrower the interval. A few hundred runs so give a skewness that plain
// moments need tens of thousands for. (Control variates: e.g. Owen, Monte Carlo theory, methods and examples,
// 2013, section 8.9.)
//
// b is cross-fitted: the index of a run comes from a fit to the other folds, so no run helps to predict
// itself. Standard errors are heteroscedasticity-consistent (HC3; MacKinnon and White, J. Econometrics 29, 1985).
#pragma once

#include <vector>

#include "analysis/levels/moments.hpp"
#include "engine/base/matrix.hpp"

namespace flare::analysis {

/// `points`: one row of standard-normal coordinates per sample. Falls back to estimate_moments (regression ==
/// false in the result) where the runs are too few for the coordinates (fewer than 1.6 d + 40) or where the
/// index explains less than half of the variance. Throws as estimate_moments, and where the rows do not match.
Moments estimate_moments(const std::vector<double>& samples, const engine::Matrix& points,
                         std::size_t unknown = 0);

}  // namespace flare::analysis
