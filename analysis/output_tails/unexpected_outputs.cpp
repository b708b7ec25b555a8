#include "analysis/output_tails/unexpected_outputs.hpp"

#include <algorithm>
#include <boost/math/distributions/beta.hpp>
#include <cmath>
#include <functional>
#include <iterator>

#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {
namespace {

using engine::Vector;

constexpr double beyond_limit = 0.01;     // chance that a share lies above its limit
constexpr Eigen::Index enough_near = 40;  // runs of a look near a limit

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Upper limit of a share, one-sided.
double upper_limit(std::uint64_t hits, std::size_t runs) {
  if (hits >= runs) return 1.0;
  const auto k = static_cast<double>(hits), n = static_cast<double>(runs);
  return quantile(complement(boost::math::beta_distribution<>(k + 1.0, n - k), beyond_limit));
}

/// The excesses of one look, in sigma of the question. A bend alike in all directions across the axis is taken out
/// (the median of what it would be at each run: a minority that jumps does not move it): the shell where it shows at
/// an inflated sigma is one that no failure of 1 sigma comes from, and too much of it was refused before.
class Excesses {
 public:
  Excesses(const FrozenQuestion& frozen, const TailQuestion& question, double spread, const OutputLook& look,
           Carried carried, double least_way)
      : scale_(look.scale) {
    const auto across = static_cast<double>(look.runs.points.cols() - 1);
    const double beta = upper_tail_quantile(frozen.log_model);
    std::vector<double> shells, bends, ways;
    for (Eigen::Index i = 0; i < look.runs.count(); ++i) {
      const Vector x = look.runs.points.row(i);
      const double c = frozen.surrogate.axis().dot(x);
      // Beyond the limit, and on the other side, the stand-in is not made for.
      const double way = c / frozen.place.mean;
      if (way < least_way || way > 1.5) continue;
      const double beyond = question.excess(look.runs.values[static_cast<std::size_t>(i)]);
      sorted_.push_back((beyond - question.excess(frozen.surrogate(x))) / spread);
      ways.push_back(way);
      shells.push_back(x.squaredNorm() - c * c - across);
      if (shells.back() > across) bends.push_back(sorted_.back() / shells.back());
    }
    const double bend = 2 * bends.size() > sorted_.size() ? median(bends) : 0.0;
    for (std::size_t i = 0; i < sorted_.size(); ++i) {
      sorted_[i] -= bend * shells[i];
      if (carried == Carried::with_the_way && sorted_[i] > 0.0) {
        sorted_[i] /= std::min(1.0, ways[i] + sorted_[i] / beta);
      }
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

/// Runs at an inflated sigma that are nearer to the limit than to the nominal output.
Eigen::Index near_limit(const FrozenQuestion& frozen, const std::vector<OutputLook>& looks) {
  Eigen::Index near = 0;
  for (const OutputLook& look : looks) {
    if (look.scale < 1.4) continue;
    const Vector way = look.runs.points * frozen.surrogate.axis() / frozen.place.mean;
    near += (way.array() > 0.6 && way.array() < 1.5).count();
  }
  return near;
}

UnexpectedWorth worth_where_carried(const FrozenQuestion& frozen, const TailQuestion& question,
                                    const std::vector<OutputLook>& looks, Carried carried) {
  const double beta = upper_tail_quantile(frozen.log_model);
  const double spread = std::hypot(frozen.surrogate.slope(frozen.place.mean), question.noise);
  // Less changes P by less than the chance to meet it.
  const double least = std::max(1.0 / beta, 2.0 * frozen.surrogate.error() / spread);
  double least_way = -0.25;
  if (carried == Carried::with_the_way) least_way = near_limit(frozen, looks) >= enough_near ? 0.6 : 0.3;
  std::vector<Excesses> excesses;
  std::vector<double> met;
  for (const OutputLook& look : looks) {
    excesses.emplace_back(frozen, question, spread, look, carried, least_way);
    std::copy_if(excesses.back().sorted().begin(), excesses.back().sorted().end(), std::back_inserter(met),
                 [&](double e) { return e > least; });
  }
  std::sort(met.begin(), met.end(), std::greater<>());
  WorthSum limit(beta, frozen.log_model), middle(beta, frozen.log_model);
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
    worth.excess = e * spread;
    worth.distance = sigma_of_probability(upper);
  }
  worth.limit = limit.sum();
  worth.middle = middle.sum();
  return worth;
}

}  // namespace

UnexpectedWorth worth_of_unexpected(const FrozenQuestion& frozen, const TailQuestion& question,
                                    const std::vector<OutputLook>& looks) {
  const UnexpectedWorth unchanged = worth_where_carried(frozen, question, looks, Carried::unchanged);
  const UnexpectedWorth grown = worth_where_carried(frozen, question, looks, Carried::with_the_way);
  return grown.limit > unchanged.limit ? grown : unchanged;
}

}  // namespace flare::analysis
