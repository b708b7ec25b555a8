// Standard deviation of an offset over dies, sharpened by what first order predicts of each die.
//
// An offset is nearly linear in the deviations of the devices: x = sum s_v z_v, whose sigma is known without sampling. With the line
// y = a + b x + r through the dies (control variate; Owen, Monte Carlo theory, ch. 8.9)
//     sigma^2 = b^2 sigma_x^2 + sigma_r^2,
// so that only the part that is not linear is left to the sample. The interval is from what each die does to the estimate,
// 2 b sigma_x^2 (x - mean) r n/S_xx + r^2 - sigma_r^2, whose mean square over n is its variance (no assumption on r).
#pragma once

#include <vector>

namespace flare::studies {

struct OffsetSpread {
  double sigma = 0.0;
  double low = 0.0, high = 0.0;  // 95 %
};

/// `offsets` by die, NaN where unknown; `predicted`: x of the same dies; `predicted_sigma`: of x over all dies, above 0. NaN
/// for fewer than 4 known dies, or where x is the same in all of them.
OffsetSpread offset_spread(const std::vector<double>& offsets, const std::vector<double>& predicted,
                           double predicted_sigma);

}  // namespace flare::studies
