#include "analysis/tails/tail.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

namespace flare::analysis {
namespace {

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

Probability::Probability(double p) : value_(p), log_(std::log(p)) {}

Probability Probability::of_log(double log_p) {
  Probability probability;
  probability.value_ = std::exp(log_p);
  probability.log_ = log_p;
  return probability;
}

Probability Probability::of_sigma(double sigma) {
  Probability probability;
  probability.value_ = normal_tail(sigma);
  probability.log_ = log_upper_tail(sigma);
  return probability;
}

double Probability::value() const { return below_shown() ? least_shown_probability : value_; }

double Probability::sigma() const {
  return value_ >= least_shown_probability ? sigma_of_probability(value_) : upper_tail_quantile(log_);
}

std::partial_ordering Probability::compared(const Probability& other) const {
  const bool both_shown = value_ >= least_shown_probability && other.value_ >= least_shown_probability;
  return both_shown ? value_ <=> other.value_ : log_ <=> other.log_;
}

bool worse(const TailProbability& a, const TailProbability& b) {
  const bool a_refused = a.status == TailStatus::refused;
  const bool b_refused = b.status == TailStatus::refused;
  if (a_refused != b_refused) return a_refused;
  return a.p > b.p || (a.p == b.p && a.high > b.high);
}

TailProbability missed_anyway(const TailProbability& worst, const TailProbability& known,
                              const std::string& what, double target) {
  const bool misses = known.is_known() && known.low > Probability(target);
  if (worst.status != TailStatus::refused || !misses) return worst;
  TailProbability missed = known;
  missed.p = known.low;
  missed.high = Probability(1.0);
  missed.status = TailStatus::bound;
  missed.met_half_space = missed.met_corner = std::numeric_limits<double>::quiet_NaN();
  missed.method = fmt::format("{} alone: the worst has no number, {}", what, worst.method);
  return missed;
}

double six_sigma_probability() { return normal_tail(6.0); }

}  // namespace flare::analysis
