#include "engine/base/normal_law.hpp"

#include <boost/math/special_functions/erf.hpp>
#include <cmath>
#include <numbers>

namespace flare::engine {

double normal_tail(double z) { return 0.5 * std::erfc(z / std::numbers::sqrt2); }

double normal_quantile(double u) {
  // erfc_inv keeps its digits in both tails.
  return u < 0.5 ? -std::numbers::sqrt2 * boost::math::erfc_inv(2.0 * u)
                 : std::numbers::sqrt2 * boost::math::erfc_inv(2.0 * (1.0 - u));
}

}  // namespace flare::engine
