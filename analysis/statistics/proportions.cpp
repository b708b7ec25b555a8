#include "analysis/statistics/proportions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <cmath>
#include <numeric>
#include <stdexcept>

namespace flare::analysis {
namespace {

constexpr double z = 1.959963984540054;  // of 95 %, two-sided
constexpr double level = 0.05, power = 0.8, lost_share = 0.75;
constexpr std::int64_t surely_enough = 200;  // changed answers: the power is above 0.999

void check(const PairedCounts& c) {
  if (c.both < 0 || c.lost < 0 || c.gained < 0 || c.neither < 0 || c.all() < 1)
    throw std::invalid_argument("paired counts: at least one example is needed");
}

/// Two-sided p of `few` or fewer of `changed`, as many expected on either side.
double exact_p(std::int64_t few, std::int64_t changed) {
  if (2 * few >= changed) return 1;
  const boost::math::binomial half(static_cast<double>(changed), 0.5);
  return std::min(1.0, 2 * boost::math::cdf(half, static_cast<double>(few)));
}

/// Correlation of the pairs.
double correlation(const PairedCounts& c) {
  const auto e = static_cast<double>(c.both), f = static_cast<double>(c.lost),
             g = static_cast<double>(c.gained), h = static_cast<double>(c.neither);
  const double margins = (e + f) * (g + h) * (e + g) * (f + h);
  if (!(margins > 0)) return 0;
  const double product = e * h - f * g;
  const double corrected = product > 0 ? std::max(0.0, product - (e + f + g + h) / 2) : product;
  return corrected / std::sqrt(margins);
}

/// Chance that the test shows that many changed answers.
double power_of(std::int64_t changed) {
  std::int64_t most_gained = -1;
  while (exact_p(most_gained + 1, changed) <= level) ++most_gained;
  if (most_gained < 0) return 0;
  const boost::math::binomial gained(static_cast<double>(changed), 1 - lost_share);
  return boost::math::cdf(gained, static_cast<double>(most_gained));
}

}  // namespace

Limits wilson(std::int64_t hits, std::int64_t all) {
  if (all < 1 || hits < 0 || hits > all)
    throw std::invalid_argument("wilson: 0 to n hits of n >= 1 are expected");
  const auto n = static_cast<double>(all), x = static_cast<double>(hits);
  const double middle = x + z * z / 2, half = z * std::sqrt(x * (n - x) / n + z * z / 4);
  return {hits == 0 ? 0 : (middle - half) / (n + z * z), hits == all ? 1 : (middle + half) / (n + z * z)};
}

PairedCounts paired_counts(const std::vector<bool>& reference, const std::vector<bool>& tested) {
  if (reference.size() != tested.size())
    throw std::invalid_argument("paired counts: two settings on the same examples are expected");
  PairedCounts c;
  for (std::size_t i = 0; i < reference.size(); ++i)
    ++(reference[i] ? (tested[i] ? c.both : c.lost) : (tested[i] ? c.gained : c.neither));
  return c;
}

double mcnemar(const PairedCounts& counts) {
  check(counts);
  return exact_p(std::min(counts.lost, counts.gained), counts.lost + counts.gained);
}

Limits newcombe(const PairedCounts& counts) {
  check(counts);
  const std::int64_t n = counts.all(), before = counts.both + counts.lost,
                     after = counts.both + counts.gained;
  const double p1 = static_cast<double>(before) / static_cast<double>(n),
               p2 = static_cast<double>(after) / static_cast<double>(n), loss = counts.loss();
  const Limits l1 = wilson(before, n), l2 = wilson(after, n);
  const double phi = correlation(counts);
  const auto joined = [phi](double a, double b) {
    return std::sqrt(std::max(0.0, a * a - 2 * phi * a * b + b * b));
  };
  return {loss - joined(p1 - l1.low, l2.high - p2), loss + joined(l1.high - p1, p2 - l2.low)};
}

double detectable_loss(std::int64_t examples) {
  if (examples < 1) throw std::invalid_argument("detectable loss: at least one example is needed");
  // The power is a saw's teeth: from where on is it enough for every larger number?
  std::int64_t changed = surely_enough;
  while (power_of(changed - 1) >= power) --changed;
  return static_cast<double>(changed) * (2 * lost_share - 1) / static_cast<double>(examples);
}

std::string difference_text(const PairedCounts& counts, double p) {
  const Limits limits = newcombe(counts);
  const std::string seen = fmt::format("lost {}, gained {} of {}", counts.lost, counts.gained, counts.all());
  if (!(p <= level)) {
    const double least = detectable_loss(counts.all());
    const std::string would = least <= 1 ? fmt::format("a loss above {:.2g} % would have been", 100 * least)
                                         : fmt::format("on {} examples none would have been", counts.all());
    return fmt::format("no difference seen ({}; loss {:.2f} % [{:.2f}, {:.2f}]); {}", seen,
                       100 * counts.loss(), 100 * limits.low, 100 * limits.high, would);
  }
  return fmt::format("{}: a {} of {:.2f} % [{:.2f}, {:.2f}], p = {:.2g}", seen,
                     counts.loss() >= 0 ? "loss" : "gain", 100 * std::abs(counts.loss()),
                     100 * (counts.loss() >= 0 ? limits.low : -limits.high),
                     100 * (counts.loss() >= 0 ? limits.high : -limits.low), p);
}

std::vector<double> holm(const std::vector<double>& p) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < p.size(); ++i)
    if (!std::isnan(p[i])) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p[a] < p[b]; });
  std::vector<double> adjusted = p;
  double largest = 0;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    const double own = static_cast<double>(order.size() - rank) * p[order[rank]];
    largest = std::max(largest, std::min(1.0, own));
    adjusted[order[rank]] = largest;
  }
  return adjusted;
}

}  // namespace flare::analysis
