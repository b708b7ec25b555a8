#include "analysis/rare_event/core/met_chance.hpp"

#include <algorithm>
#include <cmath>

#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {
namespace {

constexpr double corner_inputs = 4.0;

// ln of the probability that no look meets `inputs` inputs, each beyond `limit`.
double log_missed(const std::vector<Look>& looks, double limit, double inputs) {
  double log_missed = 0.0;
  for (const Look& look : looks) {
    const double met = std::exp(inputs * log_upper_tail(limit / look.scale));
    log_missed += static_cast<double>(look.draws) * std::log1p(-met);
  }
  return log_missed;
}

}  // namespace

MetChance chance_met(const std::vector<Look>& looks, double log_p) {
  if (std::isnan(log_p)) return {};
  return {-std::expm1(log_missed(looks, upper_tail_quantile(log_p), 1.0)),
          -std::expm1(log_missed(looks, upper_tail_quantile(log_p / corner_inputs), corner_inputs))};
}

std::uint64_t draws_to_meet(const std::vector<Look>& looks, double beta, double scale, double wanted) {
  const double missing = std::log1p(-wanted) - log_missed(looks, beta, 1.0);
  if (missing >= 0.0) return 0;
  return static_cast<std::uint64_t>(
      std::ceil(std::min(1e9, missing / std::log1p(-std::exp(log_upper_tail(beta / scale))))));
}

}  // namespace flare::analysis
