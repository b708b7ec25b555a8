#include "analysis/verdict/held_limit.hpp"

#include <algorithm>
#include <cmath>

namespace flare::analysis {
namespace {

/// Sigma over the limit, counted outwards so that it rises.
struct Curve {
  std::vector<double> out;
  std::vector<double> sigma;

  /// Between neighbours; nothing where no two enclose the target.
  std::optional<double> crossing(double target) const {
    for (std::size_t i = 1; i < out.size(); ++i) {
      if (!(sigma[i - 1] <= target && sigma[i] >= target)) continue;
      const double rise = sigma[i] - sigma[i - 1];
      const double share = rise > 0.0 ? (target - sigma[i - 1]) / rise : 0.5;
      return out[i - 1] + share * (out[i] - out[i - 1]);
    }
    return std::nullopt;
  }
};

double outwards(Side side) { return side == Side::below ? -1.0 : 1.0; }

void sort_outwards(std::vector<LimitTail>& tails, Side side) {
  std::sort(tails.begin(), tails.end(), [&](const LimitTail& a, const LimitTail& b) {
    return outwards(side) * a.limit < outwards(side) * b.limit;
  });
}

template <class Sigma>
Curve curve_of(const std::vector<LimitTail>& tails, Side side, Sigma sigma) {
  Curve curve;
  for (const LimitTail& t : tails) {
    curve.out.push_back(outwards(side) * t.limit);
    curve.sigma.push_back(sigma(t.tail));
  }
  return curve;
}

}  // namespace

HeldLimit held_limit(std::vector<LimitTail> tails, Side side, double target) {
  HeldLimit held;
  sort_outwards(tails, side);
  TailStatus status = TailStatus::estimated;
  for (const LimitTail& t : tails) {
    held.runs = std::max(held.runs, t.tail.runs);
    status = weaker(status, t.tail.status);
    if (held.method.empty() || t.tail.status == TailStatus::refused) held.method = t.tail.method;
  }
  if (tails.empty() || status == TailStatus::refused || status == TailStatus::bound) {
    if (status == TailStatus::bound) held.method += ": only a bound near the limit; raise [estimator] budget";
    return held;
  }
  const double sigma = sigma_of_probability(target);
  const auto middle =
      curve_of(tails, side, [](const TailProbability& t) { return t.sigma(); }).crossing(sigma);
  const auto safe =
      curve_of(tails, side, [](const TailProbability& t) { return t.sigma_low(); }).crossing(sigma);
  const auto daring =
      curve_of(tails, side, [](const TailProbability& t) { return t.sigma_high(); }).crossing(sigma);
  if (!middle || !safe || !daring) {
    held.method += ": the limit is not enclosed by those that were tried; raise [estimator] budget";
    return held;
  }
  held.limit = outwards(side) * *middle;
  held.low = std::min({outwards(side) * *safe, outwards(side) * *daring, held.limit});
  held.high = std::max({outwards(side) * *safe, outwards(side) * *daring, held.limit});
  held.status = status;
  return held;
}

std::optional<double> expected_crossing(std::vector<LimitTail> tails, Side side, double target) {
  std::erase_if(tails, [](const LimitTail& t) { return !std::isfinite(t.tail.sigma()); });
  if (tails.size() < 2) return std::nullopt;
  sort_outwards(tails, side);
  const double sigma = sigma_of_probability(target);
  const Curve curve = curve_of(tails, side, [](const TailProbability& t) { return t.sigma(); });
  if (const auto within = curve.crossing(sigma)) return outwards(side) * *within;
  const bool before = sigma < curve.sigma.front();
  const std::size_t i = before ? 0 : curve.out.size() - 2;
  const double slope = (curve.sigma[i + 1] - curve.sigma[i]) / (curve.out[i + 1] - curve.out[i]);
  if (!(slope > 0.0)) return std::nullopt;
  const std::size_t from = before ? 0 : curve.out.size() - 1;
  return outwards(side) * (curve.out[from] + (sigma - curve.sigma[from]) / slope);
}

}  // namespace flare::analysis
