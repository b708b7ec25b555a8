// The standard normal law, with relative accuracy in both tails.
#pragma once

namespace flare::engine {

/// P(Z > z).
double normal_tail(double z);

/// The z with P(Z < z) = u, u in (0, 1).
double normal_quantile(double u);

}  // namespace flare::engine
