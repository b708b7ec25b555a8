#include "analysis/tail.hpp"

#include <array>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <numbers>
#include <stdexcept>

namespace flare::analysis {
namespace {

constexpr double beta_limit = 37.5;
constexpr std::array<std::string_view, 4> status_words = {"estimated", "bound", "extrapolated", "refused"};

}  // namespace

std::string_view to_string(TailStatus status) { return status_words.at(static_cast<std::size_t>(status)); }

TailStatus tail_status(std::string_view word) {
  for (std::size_t i = 0; i < status_words.size(); ++i) {
    if (status_words[i] == word) return static_cast<TailStatus>(i);
  }
  throw std::invalid_argument("status \"" + std::string(word) +
                              "\" is none of estimated, bound, extrapolated, refused");
}

TailStatus weaker(TailStatus a, TailStatus b) { return a < b ? b : a; }

double TailProbability::sigma() const { return sigma_of_probability(p); }
double TailProbability::sigma_low() const { return sigma_of_probability(high); }
double TailProbability::sigma_high() const { return sigma_of_probability(low); }

double six_sigma_probability() { return normal_tail(6.0); }

double normal_density(double z) { return std::exp(-0.5 * z * z) / std::sqrt(2.0 * std::numbers::pi); }

double normal_tail(double beta) {
  const double b = std::fmin(std::fmax(beta, -beta_limit), beta_limit);
  return 0.5 * std::erfc(b / std::numbers::sqrt2);
}

double log_normal_tail(double beta) {
  if (beta < 35.0) return std::log(normal_tail(beta));
  // Mills ratio: Q(b) = phi(b)/b (1 - 1/b^2 + 3/b^4 - 15/b^6); relative error below 105/b^8 = 5e-11.
  const double r = 1.0 / (beta * beta);
  return -0.5 * beta * beta - std::log(beta * std::sqrt(2.0 * std::numbers::pi)) +
         std::log1p(-r * (1.0 - r * (3.0 - 15.0 * r)));
}

double sigma_of_probability(double p) {
  if (std::isnan(p)) throw std::invalid_argument("sigma of a probability that is not a number");
  if (p <= smallest_probability) return beta_limit;
  const boost::math::normal standard;
  if (p <= 0.5) return -boost::math::quantile(standard, p);
  const double q = 1.0 - p;
  return q <= 0.0 ? -beta_limit : boost::math::quantile(standard, q);
}

}  // namespace flare::analysis
