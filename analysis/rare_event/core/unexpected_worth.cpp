#include "analysis/rare_event/core/unexpected_worth.hpp"

#include <algorithm>
#include <boost/math/distributions/beta.hpp>
#include <cmath>
#include <cstdint>
#include <functional>
#include <iterator>

#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {
namespace {

constexpr double beyond_limit = 0.01;  // chance that a share lies above its limit

double quantile_of(std::vector<double> values, double share) {
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size()));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

/// Upper limit of a share, one-sided.
double upper_limit(std::uint64_t hits, std::size_t runs) {
  if (hits >= runs) return 1.0;
  const auto k = static_cast<double>(hits), n = static_cast<double>(runs);
  return quantile(complement(boost::math::beta_distribution<>(k + 1.0, n - k), beyond_limit));
}

/// What all looks at an inflated sigma have in common: bends, which grow as the square of the scale. Medians over all of
/// them together: a minority that jumps does not move them.
struct Bends {
  double alike = 0.0;  // of an excess, by its shell: in all directions across the axis
  double rest = 0.0;   // standard deviation of what is left, by the square of the scale

  void take_out(std::vector<Excess>& excesses) const {
    for (Excess& excess : excesses) excess.value -= alike * excess.shell;
  }
};

Bends take_bends_out(std::vector<ExcessLook>& looks) {
  std::vector<double> alike, rest;
  for (const ExcessLook& look : looks) {
    for (const Excess& excess : look.runs) {
      if (look.scale > 1.4 && excess.shell > 0.0) alike.push_back(excess.value / excess.shell);
    }
  }
  Bends bends;
  if (!alike.empty()) bends.alike = quantile_of(alike, 0.5);
  for (ExcessLook& look : looks) {
    bends.take_out(look.runs);
    for (const Excess& excess : look.runs) {
      if (look.scale > 1.4) rest.push_back(excess.value / (look.scale * look.scale));
    }
  }
  // Of the lower half: what jumps up is not in it.
  if (!rest.empty()) bends.rest = (quantile_of(rest, 0.5) - quantile_of(rest, 0.25)) / 0.6745;
  return bends;
}

/// The excesses of one look, carried to the limit.
class Excesses {
 public:
  Excesses(double scale, const std::vector<Excess>& excesses, double beta, Carried carried) : scale_(scale) {
    for (const Excess& excess : excesses) {
      const bool grows = carried == Carried::with_the_way && excess.value > 0.0;
      sorted_.push_back(excess.value / (grows ? std::min(1.0, excess.way + excess.value / beta) : 1.0));
    }
    std::sort(sorted_.begin(), sorted_.end(), std::greater<>());
  }

  const std::vector<double>& sorted() const { return sorted_; }  // largest first

  /// The chance, at 1 sigma, of an excess of e or more: `farther`, what looks at a larger scale say, kept between the
  /// share that this one met and its upper limit.
  double held(double e, double farther) const {
    if (sorted_.empty()) return farther;
    const double met = static_cast<double>(count(e)) / static_cast<double>(sorted_.size());
    return std::clamp(farther, at_one_sigma(met), at_one_sigma(upper_limit(count(e), sorted_.size())));
  }

 private:
  std::uint64_t count(double e) const {
    return static_cast<std::uint64_t>(std::upper_bound(sorted_.begin(), sorted_.end(), e, std::greater<>()) -
                                      sorted_.begin());
  }
  double at_one_sigma(double share) const { return normal_tail(scale_ * sigma_of_probability(share)); }

  double scale_;
  std::vector<double> sorted_;
};

/// H/P summed over excesses in falling order.
class WorthSum {
 public:
  WorthSum(double beta, double log_p) : beta_(beta), log_p_(log_p) {}

  /// `held`: the chance of an excess of e or more. Returns the part that is added.
  double add(double e, double held) {
    const double part = std::max(0.0, held - before_) * std::expm1(log_upper_tail(beta_ - e) - log_p_);
    before_ = std::max(before_, held);
    sum_ += part;
    return part;
  }
  double sum() const { return sum_; }

 private:
  double beta_, log_p_;
  double before_ = 0.0;
  double sum_ = 0.0;
};

}  // namespace

bool is_on_the_way(double way, Carried carried) {
  return way >= (carried == Carried::unchanged ? -0.25 : 0.5) && way <= 1.5;
}

UnexpectedWorth worth_of_excesses(std::vector<ExcessLook> looks, const ExpectedTail& tail, Carried carried) {
  // Less changes P by less than the chance to meet it.
  const double least = std::max(1.0 / tail.beta, tail.least);
  // Standard deviations of what bends leave; what is carried grows on the way.
  const double outlying = carried == Carried::unchanged ? 3.0 : 4.0;
  const Bends bends = take_bends_out(looks);
  std::vector<Excesses> excesses;
  std::vector<double> met;
  for (const ExcessLook& look : looks) {
    if (carried == Carried::with_the_way && !look.near_limit) continue;
    excesses.emplace_back(look.scale, look.runs, tail.beta, carried);
    const double expected = outlying * bends.rest * look.scale * look.scale;
    std::copy_if(excesses.back().sorted().begin(), excesses.back().sorted().end(), std::back_inserter(met),
                 [&](double e) { return e > std::max(least, expected); });
  }
  std::sort(met.begin(), met.end(), std::greater<>());
  WorthSum limit(tail.beta, tail.log_p), middle(tail.beta, tail.log_p);
  UnexpectedWorth worth{.carried = carried};
  double largest = 0.0;
  for (const double e : met) {
    double upper = 1.0, likely = 0.0;
    for (const Excesses& look : excesses) {
      upper = look.held(e, upper);
      likely = look.held(e, likely);
    }
    middle.add(e, likely);
    const double part = limit.add(e, upper);
    if (part <= largest) continue;
    largest = part;
    worth.excess = e;
    worth.distance = sigma_of_probability(upper);
  }
  worth.limit = limit.sum();
  worth.middle = middle.sum();
  return worth;
}

}  // namespace flare::analysis
