#include "analysis/levels/level_fit.hpp"

#include <fmt/format.h>

#include <Eigen/LU>
#include <algorithm>
#include <array>
#include <boost/math/distributions/beta.hpp>
#include <boost/math/quadrature/gauss.hpp>
#include <boost/math/tools/toms748_solve.hpp>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <stdexcept>
#include <utility>

#include "analysis/levels/regression_moments.hpp"

namespace flare::analysis {
namespace {

constexpr double z_limit = 60.0;      // of quadratures: what lies beyond adds nothing
constexpr double ended_sigma = 37.5;  // what a law that ends before a limit counts as: where a double ends

// First four moments of f(Z), Z ~ N(0,1), by the trapezoidal rule (spectrally accurate for smooth f).
struct ShapeMoments {
  double mean, sigma, skewness, kurtosis;
};

template <typename Function>
ShapeMoments moments_of(const Function& f) {
  constexpr double step = 0.125;
  constexpr int half = 80;  // +-10 sigma
  std::array<double, 2 * half + 1> values{};
  std::array<double, 2 * half + 1> weights{};
  double mean = 0.0;
  for (int i = -half; i <= half; ++i) {
    const auto at = static_cast<std::size_t>(i + half);
    values[at] = f(step * i);
    weights[at] = step * normal_density(step * i);
    mean += weights[at] * values[at];
  }
  double m2 = 0.0;
  double m3 = 0.0;
  double m4 = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double d = values[i] - mean;
    m2 += weights[i] * d * d;
    m3 += weights[i] * d * d * d;
    m4 += weights[i] * d * d * d * d;
  }
  return {mean, std::sqrt(m2), m3 / std::pow(m2, 1.5), m4 / (m2 * m2)};
}

double sinh_arcsinh(double z, double epsilon, double delta) {
  return std::sinh((std::asinh(z) + epsilon) / delta);
}

ShapeMoments sinh_arcsinh_moments(double epsilon, double delta) {
  return moments_of([=](double z) { return sinh_arcsinh(z, epsilon, delta); });
}

// Lognormal width w with skewness g >= 0: with c = exp(w^2), (c + 2) sqrt(c - 1) = g has the real root below.
double lognormal_width(double g) {
  const double root = std::cbrt(1.0 + 0.5 * g * g + g * std::sqrt(1.0 + 0.25 * g * g));
  return std::sqrt(std::log(root + 1.0 / root - 1.0));
}

double lognormal_kurtosis(double skewness) {
  const double w = lognormal_width(std::fabs(skewness));
  const double c = std::exp(w * w);
  return c * c * (c * c + 2.0 * c + 3.0) - 3.0;
}

// epsilon of the d = 1 family with the given skewness, which increases in epsilon.
double epsilon_for(double skewness) {
  const auto misfit = [skewness](double epsilon) {
    return sinh_arcsinh_moments(epsilon, 1.0).skewness - skewness;
  };
  constexpr double reach = 4.0;
  const double low = misfit(-reach);
  const double high = misfit(reach);
  if (!(low < 0.0 && high > 0.0)) throw std::domain_error("skewness out of reach of the sinh-arcsinh family");
  std::uintmax_t steps = 100;
  const auto root = boost::math::tools::toms748_solve(misfit, -reach, reach, low, high,
                                                      boost::math::tools::eps_tolerance<double>(44), steps);
  return 0.5 * (root.first + root.second);
}

// (epsilon, delta) with the given skewness and kurtosis: damped Newton on (epsilon, ln delta) from the normal law.
std::pair<double, double> epsilon_delta_for(double skewness, double kurtosis) {
  const auto residual = [&](double e, double l) {
    const ShapeMoments m = sinh_arcsinh_moments(e, std::exp(l));
    return Eigen::Vector2d(m.skewness - skewness, std::log(m.kurtosis / kurtosis));
  };
  Eigen::Vector2d at(0.0, 0.0);
  Eigen::Vector2d error = residual(at[0], at[1]);
  for (int iteration = 0; iteration < 60 && error.norm() > 1e-10; ++iteration) {
    constexpr double h = 1e-5;
    Eigen::Matrix2d jacobian;
    jacobian.col(0) = (residual(at[0] + h, at[1]) - residual(at[0] - h, at[1])) / (2.0 * h);
    jacobian.col(1) = (residual(at[0], at[1] + h) - residual(at[0], at[1] - h)) / (2.0 * h);
    const Eigen::Vector2d step = jacobian.fullPivLu().solve(error);
    double damping = std::min(1.0, 0.5 / std::max(step.norm(), 1e-300));
    Eigen::Vector2d next = at - damping * step;
    Eigen::Vector2d next_error = residual(next[0], next[1]);
    while (!(next_error.norm() < error.norm()) && damping > 1e-6) {
      damping *= 0.5;
      next = at - damping * step;
      next_error = residual(next[0], next[1]);
    }
    if (!(next_error.norm() < error.norm())) break;
    at = next;
    error = next_error;
  }
  if (!(error.norm() < 1e-7)) throw std::domain_error("no sinh-arcsinh law has this skewness and kurtosis");
  return {at[0], std::exp(at[1])};
}

}  // namespace

std::string to_string(Family family) {
  switch (family) {
    case Family::shifted_lognormal:
      return "shifted-lognormal";
    case Family::sinh_arcsinh:
      return "sinh-arcsinh";
    case Family::sinh_arcsinh_4:
      return "sinh-arcsinh-4";
  }
  throw std::invalid_argument("unknown family");
}

LevelShape::LevelShape(Family family, double mean, double sigma, double skewness, double kurtosis)
    : family_(family), mean_(mean), sigma_(sigma) {
  if (!(sigma > 0.0) || !std::isfinite(sigma))
    throw std::invalid_argument("a level's sigma must be positive");
  if (family == Family::shifted_lognormal) {
    flip_ = skewness < 0.0 ? -1.0 : 1.0;
    width_ = lognormal_width(std::fabs(skewness));
    if (width_ < 1e-6) width_ = 0.0;  // below it rounding exceeds the bend
    const double c = std::exp(width_ * width_);
    shape_mean_ = std::sqrt(c);
    shape_sigma_ = std::sqrt(c * (c - 1.0));
    return;
  }
  if (family == Family::sinh_arcsinh) {
    epsilon_ = epsilon_for(skewness);
  } else {
    std::tie(epsilon_, delta_) = epsilon_delta_for(skewness, kurtosis);
  }
  const ShapeMoments m = sinh_arcsinh_moments(epsilon_, delta_);
  shape_mean_ = m.mean;
  shape_sigma_ = m.sigma;
}

double LevelShape::standard_level(double z) const {
  if (family_ != Family::shifted_lognormal) {
    return (sinh_arcsinh(z, epsilon_, delta_) - shape_mean_) / shape_sigma_;
  }
  if (width_ == 0.0) return z;
  return flip_ * (std::exp(width_ * flip_ * z) - shape_mean_) / shape_sigma_;
}

double LevelShape::level(double z) const { return mean_ + sigma_ * standard_level(z); }

double LevelShape::z(double x) const {
  const double y = (x - mean_) / sigma_;
  double z = y;
  if (family_ != Family::shifted_lognormal) {
    z = std::sinh(delta_ * std::asinh(shape_mean_ + shape_sigma_ * y) - epsilon_);
  } else if (width_ > 0.0) {
    const double argument = shape_mean_ + shape_sigma_ * flip_ * y;
    z = flip_ * (argument > 0.0 ? std::log(argument) / width_ : -std::numeric_limits<double>::infinity());
  }
  return z;
}

double LevelShape::density(double x) const {
  const double at = z(x);
  if (std::fabs(at) >= z_limit) return 0.0;
  const double h = 1e-4;
  const double slope = (level(at + h) - level(at - h)) / (2.0 * h);
  return normal_density(at) / slope;
}

double noisy_tail_sigma(const LevelShape& shape, double t, Side side, double noise_sigma) {
  if (!(noise_sigma >= 0.0)) throw std::invalid_argument("a noise sigma must not be negative");
  const double sign = side == Side::above ? 1.0 : -1.0;
  if (noise_sigma < 1e-9 * shape.sigma()) return sign * shape.z(t);
  // ln of phi(z) P(e beyond t - h(z)), without the constant of phi.
  const auto log_integrand = [&](double z) {
    return -0.5 * z * z + log_upper_tail(sign * (t - shape.level(z)) / noise_sigma);
  };
  constexpr double grid = 0.25;
  double peak = 0.0;
  double top = log_integrand(0.0);
  for (double z = -z_limit; z <= z_limit; z += grid) {
    const double value = log_integrand(z);
    if (value > top) {
      top = value;
      peak = z;
    }
  }
  constexpr double negligible = 40.0;  // exp(-40)
  double low = peak;
  double high = peak;
  while (low > -z_limit - 1.0 && log_integrand(low) > top - negligible) low -= grid;
  while (high < z_limit + 1.0 && log_integrand(high) > top - negligible) high += grid;
  // Panels no wider than the edge the noise rounds off.
  const double slope = (shape.level(peak + 0.1) - shape.level(peak - 0.1)) / 0.2;
  const double panel = std::clamp(noise_sigma / slope, 1e-3, 1.0);
  const auto panels = static_cast<int>(std::min(20'000.0, std::ceil((high - low) / panel)));
  const double width = (high - low) / panels;
  double sum = 0.0;
  for (int i = 0; i < panels; ++i) {
    const double a = low + i * width;
    sum += boost::math::quadrature::gauss<double, 10>::integrate(
        [&](double z) { return std::exp(log_integrand(z) - top); }, a, a + width);
  }
  const double log_p = top + std::log(sum) + std::log(normal_density(0.0));
  return upper_tail_quantile(std::min(log_p, 0.0));
}

std::vector<LevelFit::Member> LevelFit::members_for(const Moments& m, const FitOptions& options) {
  std::vector<Member> members;
  const auto add = [&](Family family, Eigen::Index free) {
    Member member{LevelShape(family, m.mean, m.sigma, m.skewness, m.kurtosis), {}};
    for (Eigen::Index i = 0; i < free; ++i) member.moved.push_back(moved(member.shape, m, i));
    members.push_back(std::move(member));
  };
  const double misfit = m.kurtosis - lognormal_kurtosis(m.skewness);
  const bool contradicted = std::fabs(misfit) > options.kurtosis_rejection * std::sqrt(m.covariance(3, 3));
  if (contradicted) add(Family::sinh_arcsinh_4, 4);
  add(Family::shifted_lognormal, 3);
  if (contradicted) return members;
  try {
    add(Family::sinh_arcsinh, 3);
  } catch (const std::domain_error&) {
    // So skewed that only the lognormal reaches it: its normal counterpart marks the other end.
    members.push_back({LevelShape(Family::shifted_lognormal, m.mean, m.sigma, 0.0, 3.0), {}});
  }
  if (!m.regression) return members;
  // A kurtosis known this well has something to say even where it does not contradict the lognormal. It
  // widens the interval by its value; its own error is no more than the doubt that kept the lognormal.
  try {
    add(Family::sinh_arcsinh_4, 0);
  } catch (const std::domain_error&) {
    // No such law: the two others stand.
  }
  return members;
}

LevelFit LevelFit::from_samples(std::vector<double> samples, std::size_t unknown, const FitOptions& options) {
  if (samples.size() >= min_moment_runs) {
    const Moments moments = estimate_moments(samples, unknown);
    return from_moments(moments, std::move(samples), options);
  }
  Moments none;
  none.runs = samples.size();
  none.unknown = unknown;
  return from_moments(none, std::move(samples), options);
}

LevelFit LevelFit::from_runs(std::vector<double> samples, const engine::Matrix& points, std::size_t unknown,
                             const FitOptions& options) {
  if (samples.size() < min_moment_runs) return from_samples(std::move(samples), unknown, options);
  const Moments moments = estimate_moments(samples, points, unknown);
  return from_moments(moments, std::move(samples), options);
}

LevelFit LevelFit::from_moments(const Moments& moments, std::vector<double> samples,
                                const FitOptions& options) {
  if (!std::all_of(samples.begin(), samples.end(), [](double x) { return std::isfinite(x); })) {
    throw std::invalid_argument("a sample is not a finite number; count such runs as unknown");
  }
  LevelFit fit;
  fit.options_ = options;
  fit.moments_ = moments;
  std::sort(samples.begin(), samples.end());
  fit.samples_ = std::make_shared<const std::vector<double>>(std::move(samples));
  if (moments.runs < min_moment_runs) {
    fit.refusal_ = "only " + std::to_string(moments.runs) + " runs with an answer";
  } else if (!(moments.sigma > 0.0)) {
    fit.refusal_ = "all samples are equal";
  } else if (std::fabs(moments.skewness) > options.max_skewness || moments.kurtosis > options.max_kurtosis) {
    fit.refusal_ = "too far from a normal law (skewness " + std::to_string(moments.skewness) + ", kurtosis " +
                   std::to_string(moments.kurtosis) + ")";
  } else {
    try {
      fit.members_ = members_for(moments, options);
    } catch (const std::domain_error& error) {
      fit.refusal_ = error.what();
    }
  }
  return fit;
}

const LevelShape& LevelFit::shape() const {
  if (refused()) throw std::logic_error("the fit was refused: " + refusal_);
  return members_.front().shape;
}

std::string LevelFit::method() const { return refused() ? "none" : "fit " + to_string(shape().family()); }

std::size_t LevelFit::exceedances(double t, Side side) const {
  const std::vector<double>& s = *samples_;
  const auto beyond = side == Side::below ? std::lower_bound(s.begin(), s.end(), t) - s.begin()
                                          : s.end() - std::upper_bound(s.begin(), s.end(), t);
  return static_cast<std::size_t>(beyond);
}

std::optional<LevelFit::Moved> LevelFit::moved(const LevelShape& shape, const Moments& m,
                                               Eigen::Index parameter) {
  const Eigen::Vector4d se = m.covariance.diagonal().cwiseSqrt();
  const auto one = [&](double sign) {
    Eigen::Vector4d at(m.mean, m.sigma, m.skewness, m.kurtosis);
    // In ln(sigma), so that it stays positive.
    at[parameter] =
        parameter == 1 ? m.sigma * std::exp(sign * se[1] / m.sigma) : at[parameter] + sign * se[parameter];
    return LevelShape(shape.family(), at[0], at[1], at[2], at[3]);
  };
  try {
    return Moved{one(1.0), one(-1.0)};
  } catch (const std::domain_error&) {
    return std::nullopt;
  }
}

// Delta method with secants of one standard error each way, which keep the curvature a derivative at a point
// would miss, joined by the correlations of the moments.
double LevelFit::standard_error(const Member& member,
                                const std::function<double(const LevelShape&)>& beta) const {
  const auto free = static_cast<Eigen::Index>(member.moved.size());
  Eigen::VectorXd change(free);
  for (Eigen::Index i = 0; i < free; ++i) {
    const std::optional<Moved>& moved = member.moved[static_cast<std::size_t>(i)];
    if (!moved) return ended_sigma;  // one standard error leaves the family: nothing is known
    change[i] = 0.5 * (beta(moved->up) - beta(moved->down));
  }
  const Eigen::VectorXd se = moments_.covariance.diagonal().head(free).cwiseSqrt();
  double variance = 0.0;
  for (Eigen::Index i = 0; i < free; ++i) {
    for (Eigen::Index j = 0; j < free; ++j) {
      const double scale = se[i] * se[j];
      const double correlation = i == j ? 1.0 : scale > 0.0 ? moments_.covariance(i, j) / scale : 0.0;
      variance += change[i] * change[j] * correlation;
    }
  }
  return std::sqrt(std::max(0.0, variance));
}

TailProbability LevelFit::empirical_tail(double t, Side side) const {
  return counted_tail(exceedances(t, side), samples_->size(), moments_.unknown);
}

TailProbability counted_tail(std::size_t beyond, std::size_t runs, std::size_t unknown) {
  TailProbability result;
  result.runs = runs;
  result.unknown = unknown;
  result.method = "empirical";
  const double n = static_cast<double>(runs);
  const double all = n + static_cast<double>(unknown);
  const double seen = static_cast<double>(beyond);
  const double most = seen + static_cast<double>(unknown);  // every unknown run lies beyond
  if (result.runs == 0) {
    result.method += ": no run gave an answer";
    return result;
  }
  // Clopper-Pearson; one-sided where nothing (or everything) was seen.
  const double low =
      seen > 0.0 ? boost::math::quantile(boost::math::beta_distribution<>(seen, all - seen + 1.0), 0.025)
                 : 0.0;
  const double level = seen > 0.0 ? 0.975 : 0.95;
  const double high =
      most < all ? boost::math::quantile(boost::math::beta_distribution<>(most + 1.0, all - most), level)
                 : 1.0;
  result.low = Probability(low);
  result.high = Probability(high);
  result.p = seen > 0.0 ? Probability(seen / n) : result.high;
  result.status = seen > 0.0 ? TailStatus::estimated : TailStatus::bound;
  return result;
}

TailProbability LevelFit::noisy_tail(double t, Side side, double noise_sigma) const {
  TailProbability result;
  result.runs = moments_.runs;
  result.unknown = moments_.unknown;
  result.method = method();
  if (refused()) {
    result.method = fmt::format("fit: {}; {} of {} runs lie beyond the limit", refusal_, exceedances(t, side),
                                result.runs);
    return result;
  }
  // A law that ends before t is as far as can be told; the others say how much that is worth.
  const auto beta = [&](const LevelShape& shape) {
    const double sigma = noisy_tail_sigma(shape, t, side, noise_sigma);
    return std::isfinite(sigma) ? sigma : std::copysign(ended_sigma, sigma);
  };
  const bool ended = std::isinf(noisy_tail_sigma(shape(), t, side, noise_sigma));
  const double centre = beta(shape());
  double spread = 0.0;  // between families
  double error = 0.0;   // of the parameters
  for (const Member& member : members_) {
    spread = std::max(spread, std::fabs(beta(member.shape) - centre));
    if (!member.moved.empty()) error = std::max(error, moments_.t_factor() * standard_error(member, beta));
  }
  const double low = centre - spread - error;
  const double high = centre + spread + error;
  const double unknown_share =
      static_cast<double>(result.unknown) / static_cast<double>(result.unknown + result.runs);
  const auto widened = [&](Probability p) {
    return unknown_share > 0.0 ? Probability(std::min(1.0, p * (1.0 - unknown_share) + unknown_share)) : p;
  };
  result.high = widened(Probability::of_sigma(low));
  if (ended && centre > 0.0) {
    result.status = TailStatus::bound;
    result.method += ", whose law ends before the limit";
    result.p = result.high;
    result.low = Probability(0.0);
    return result;
  }
  result.p = Probability::of_sigma(centre);
  result.low = unknown_share > 0.0 ? Probability::of_log(log_upper_tail(high) + std::log1p(-unknown_share))
                                   : Probability::of_sigma(high);
  result.status =
      exceedances(t, side) >= options_.min_exceedances ? TailStatus::estimated : TailStatus::extrapolated;
  return result;
}

LevelFit LevelFit::affine(double a, double b) const {
  if (b == 0.0 || !std::isfinite(b) || !std::isfinite(a))
    throw std::invalid_argument("an affine map needs a finite b != 0");
  std::vector<double> samples = *samples_;
  for (double& x : samples) x = a + b * x;
  return from_moments(analysis::affine(moments_, a, b), std::move(samples), options_);
}

}  // namespace flare::analysis
