#include "analysis/output_tails/tail_surrogate.hpp"

#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {
namespace {

using engine::Matrix;
using engine::Vector;

constexpr double reach = 45.0;  // of the quadrature: ln phi(45) = -1013, below any double
const double log_sqrt_2pi = 0.5 * std::log(2.0 * std::numbers::pi);

/// Weighted least squares with a part that is free (the polynomial) and one that is shrunk (the tilt).
class ShrunkRegression {
 public:
  ShrunkRegression(const Matrix& free, const Matrix& shrunk, const Vector& y)
      : shrunk_(shrunk), y_(y), qr_(free) {
    const Eigen::MatrixXd thin = qr_.householderQ() * Eigen::MatrixXd::Identity(free.rows(), free.cols());
    leverage_ = thin.rowwise().squaredNorm();
    left_ = y - thin * (thin.transpose() * y);
    if (shrunk.cols() == 0) return;
    const Eigen::MatrixXd rest = shrunk - thin * (thin.transpose() * shrunk);
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> gram(rest.transpose() * rest);
    rotation_ = gram.eigenvectors();
    strength_ = gram.eigenvalues().cwiseMax(0.0);
    rotated_ = rest * rotation_;
  }

  /// Leave-one-out mean square at a penalty; infinite: nothing of the shrunk part.
  double leave_one_out(double penalty) const {
    Vector hat = leverage_;
    Vector residual = left_;
    if (std::isfinite(penalty)) {
      const Vector gain = (strength_.array() + penalty).inverse();
      hat += rotated_.array().square().matrix() * gain;
      residual -= rotated_ * gain.cwiseProduct(rotated_.transpose() * left_);
    }
    return (residual.array() / (1.0 - hat.array()).max(0.05)).square().mean();
  }

  Vector shrunk_part(double penalty) const {
    if (!std::isfinite(penalty)) return Vector::Zero(shrunk_.cols());
    const Vector gain = (strength_.array() + penalty).inverse();
    return rotation_ * gain.cwiseProduct(rotated_.transpose() * left_);
  }
  Vector free_part(const Vector& shrunk) const {
    return qr_.solve(shrunk_.cols() > 0 ? Vector(y_ - shrunk_ * shrunk) : y_);
  }

  double mean_strength() const { return strength_.size() > 0 ? strength_.mean() : 0.0; }

 private:
  const Matrix& shrunk_;
  const Vector& y_;
  Eigen::HouseholderQR<Eigen::MatrixXd> qr_;
  Vector leverage_;
  Vector left_;
  Eigen::MatrixXd rotation_;
  Vector strength_;
  Eigen::MatrixXd rotated_;
};

/// Slope of the least-squares line of y over c.
double line_slope(const Vector& c, const std::vector<double>& y) {
  const Vector values = Eigen::Map<const Vector>(y.data(), c.size());
  const Vector off = c.array() - c.mean();
  return off.dot(values) / off.squaredNorm();
}

}  // namespace

double TailQuestion::log_failing(double y, double more) const {
  const double spread = std::hypot(noise, more);
  const double beyond = excess(y);
  if (spread > 0.0) return log_upper_tail(-beyond / spread);
  return beyond >= 0.0 ? 0.0 : -std::numeric_limits<double>::infinity();
}

std::optional<TailSurrogate> TailSurrogate::fit(const Matrix& points, const std::vector<double>& y,
                                                const Vector& axis, double centre, const Shape& shape) {
  const Eigen::Index n = points.rows();
  const Eigen::Index terms = shape.degree + 1;
  if (n < terms + 8) return std::nullopt;
  TailSurrogate surrogate;
  surrogate.axis_ = axis;
  const Vector c = points * axis;
  Vector bend = Vector::Zero(4);
  Vector tilt = Vector::Zero(points.cols());
  if (shape.neighbour != nullptr) {
    const TailSurrogate& other = *shape.neighbour;
    const double scale = line_slope(c, y) / other.p_(1);
    bend.segment(2, other.p_.size() - 2) = scale * other.p_.tail(other.p_.size() - 2);
    if (other.dimension() == points.cols()) tilt = scale * (other.tilt_ - axis * axis.dot(other.tilt_));
  }
  Matrix free(n, terms);
  Matrix shrunk(n, shape.tilt ? points.cols() : 0);
  Vector target(n);
  Vector root_weight(n);
  for (Eigen::Index i = 0; i < n; ++i) {
    const double off = (c(i) - centre) / 2.0;
    root_weight(i) = 1.0 / (1.0 + off * off);
    for (Eigen::Index j = 0; j < terms; ++j) free(i, j) = root_weight(i) * std::pow(c(i), j);
    if (shape.tilt) {
      shrunk.row(i) = root_weight(i) * c(i) * (points.row(i) - c(i) * axis.transpose());
    }
    const double known = c(i) * c(i) * (bend(2) + c(i) * bend(3)) + c(i) * points.row(i).dot(tilt);
    target(i) = root_weight(i) * (y[static_cast<std::size_t>(i)] - known);
  }
  const ShrunkRegression regression(free, shrunk, target);
  double penalty = std::numeric_limits<double>::infinity();
  double least = regression.leave_one_out(penalty);
  for (const double relative : {30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01}) {
    if (!shape.tilt) break;
    const double tried = regression.leave_one_out(relative * regression.mean_strength());
    if (tried < least) {
      least = tried;
      penalty = relative * regression.mean_strength();
    }
  }
  const Vector shrunk_part = regression.shrunk_part(penalty);
  surrogate.tilt_ = tilt;
  if (shape.tilt) surrogate.tilt_ += shrunk_part;
  surrogate.p_ = bend;
  surrogate.p_.head(terms) += regression.free_part(shrunk_part);
  surrogate.low_ = c.minCoeff() - 0.5;
  surrogate.high_ = c.maxCoeff() + 0.5;
  // Nothing that was fitted is better than a hundredth of a sigma to go on with.
  surrogate.error_ = std::max(std::sqrt(least * static_cast<double>(n) / root_weight.squaredNorm()),
                              0.01 * std::abs(surrogate.slope(centre)));
  if (!surrogate.p_.allFinite() || !std::isfinite(surrogate.error_)) return std::nullopt;
  return surrogate;
}

double TailSurrogate::slope(double c) const {
  const double inside = std::clamp(c, low_, high_);
  double slope = 0.0;
  for (Eigen::Index j = p_.size() - 1; j > 0; --j) slope = slope * inside + static_cast<double>(j) * p_(j);
  return slope;
}

bool TailSurrogate::monotonic() const {
  constexpr int steps = 32;
  for (int i = 0; i <= steps; ++i) {
    if (!(slope(low_ + (high_ - low_) * i / steps) * p_(1) > 0.0)) return false;
  }
  return true;
}

double TailSurrogate::along(double c) const {
  const double inside = std::clamp(c, low_, high_);
  double value = 0.0;
  for (Eigen::Index j = p_.size(); j-- > 0;) value = value * inside + p_(j);
  return value + slope(c) * (c - inside);
}

double TailSurrogate::operator()(const Vector& x) const {
  const double c = axis_.dot(x);
  return along(c) + c * tilt_.dot(x);
}

double TailSurrogate::log_failing(const TailQuestion& question, const Vector& x) const {
  return question.log_failing((*this)(x), error_);
}

template <class Term>
void TailSurrogate::integrate(const TailQuestion& question, Term term) const {
  // The trapezoid rule converges geometrically for what is analytic; a third of the narrowest feature suffices.
  const double tilt = tilt_.norm();
  const double narrowest = std::hypot(question.noise, error_) / std::max(1e-300, std::abs(slope(0.0)));
  const double step = std::clamp(narrowest / 3.0, 0.002, 0.05);
  const auto count = static_cast<int>(std::ceil(2.0 * reach / step));
  for (int i = 0; i <= count; ++i) {
    const double c = -reach + i * step;
    const double more = std::hypot(error_, tilt * c);
    const double fails = question.log_failing(along(c), more);
    term(c, -0.5 * c * c - log_sqrt_2pi + std::log(step), fails);
  }
}

double TailSurrogate::log_probability(const TailQuestion& question) const {
  double total = -std::numeric_limits<double>::infinity();
  double sum = 0.0;  // of exp(term - total)
  integrate(question, [&](double, double log_density, double fails) {
    const double term = log_density + fails;
    if (!(term > -std::numeric_limits<double>::infinity())) return;
    if (term > total) {
      sum = sum * std::exp(total - term) + 1.0;
      total = term;
    } else {
      sum += std::exp(term - total);
    }
  });
  return sum > 0.0 ? std::min(0.0, total + std::log(sum)) : total;
}

TailSurrogate::Place TailSurrogate::boundary(const TailQuestion& question) const {
  // What an error of M changes in h = Phi(u): its derivative, nearly h (1 - h) (1 + |u|).
  double largest = -std::numeric_limits<double>::infinity();
  std::vector<std::pair<double, double>> terms;
  const double spread = std::hypot(question.noise, error_);
  integrate(question, [&](double c, double log_density, double fails) {
    const double passes = std::log(std::max(1e-300, -std::expm1(fails)));
    const double term =
        log_density + fails + passes + std::log1p(std::abs(question.excess(along(c))) / spread);
    if (!std::isfinite(term)) return;
    terms.emplace_back(c, term);
    largest = std::max(largest, term);
  });
  double total = 0.0, mean = 0.0, square = 0.0;
  for (const auto& [c, term] : terms) {
    const double weight = std::exp(term - largest);
    total += weight;
    mean += weight * c;
    square += weight * c * c;
  }
  const Vector nearest = nearest_failure(question).x;
  const Vector across = nearest - axis_ * axis_.dot(nearest);
  if (!(total > 0.0)) return {0.0, 1.0, 1.0, across};
  mean /= total;
  const double changed = std::log(total) + largest - log_probability(question);
  // Wider by the error itself, whose law is not known.
  const double variance = std::max(0.0, square / total - mean * mean);
  return {mean, std::hypot(std::sqrt(variance), error_ / std::abs(slope(mean))),
          std::pow(error_ / spread * std::exp(changed), 2), across};
}

TailSurrogate::NearestFailure TailSurrogate::nearest_failure(const TailQuestion& question) const {
  // Given c, what is missing is shared by the tilt and the noise in proportion to their gains.
  const double tilt = tilt_.norm();
  const double smallest_gain = 1e-6 * std::abs(slope(0.0));
  double best = std::numeric_limits<double>::infinity();
  NearestFailure nearest{Vector::Zero(axis_.size()), 0.0};
  const double step = 0.005;
  for (double c = -reach; c <= reach; c += step) {
    if (c * c >= best) continue;
    const double missing = std::max(0.0, -question.excess(along(c)));
    const double gain2 =
        question.noise * question.noise + std::pow(tilt * c, 2) + smallest_gain * smallest_gain;
    const double distance2 = c * c + missing * missing / gain2;
    if (!(distance2 < best)) continue;
    best = distance2;
    const double outwards = question.side == Side::below ? -1.0 : 1.0;
    nearest.x = c * axis_ + (missing / gain2 * outwards * c) * tilt_;
    nearest.noise = missing / gain2 * question.noise;
  }
  return nearest;
}

}  // namespace flare::analysis
