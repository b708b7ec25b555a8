// Many like cells and what circuits make of them: the worst of 64, die-level variables with mismatch below them, leakage
// of hundreds of cells, a sense amplifier.
#include <array>
#include <complex>
#include <numbers>

#include "tests/analysis/rare_event/problem_builders.hpp"

namespace flare::analysis::problems {
namespace {

using Eigen::Index;

Row origin(std::size_t d) { return Row::Zero(static_cast<Index>(d)); }

/// The law of a sum of n independent exp(s X), by Gil-Pelaez: P(sum > limit) = 1/2 + (1/pi) int_0^inf Im[exp(-i t limit)
/// f(t)^n] / t dt, f the characteristic function of one. f by the trapezoid rule on 2,001 points, below 1e-14 of error; the t
/// integral by midpoints, their step such that the aliases of the sum lie 160 standard deviations out, their end where |f|^n is
/// below 1e-18. Absolute error about 1e-15. Beyond 70 standard deviations 0: for s up to 0.7 P is below 1e-17 there.
class LognormalSum {
 public:
  LognormalSum(std::size_t n, double s) {
    const auto count = static_cast<double>(n);
    const double spread = std::sqrt(count * std::expm1(s * s) * std::exp(s * s));
    step_ = std::numbers::pi / (80.0 * spread);
    end_ = count * std::exp(0.5 * s * s) + 70.0 * spread;
    for (std::size_t k = 0; powers_.empty() || std::abs(powers_.back()) > 1e-18; ++k)
      powers_.push_back(
          std::exp(count * std::log(characteristic((static_cast<double>(k) + 0.5) * step_, s))));
  }
  double tail(double limit) const {
    if (limit > end_) return 0.0;
    double sum = 0.0;
    for (std::size_t k = 0; k < powers_.size(); ++k) {
      const double at = static_cast<double>(k) + 0.5;
      sum += (powers_[k] * std::polar(1.0, -at * step_ * limit)).imag() / at;
    }
    return 0.5 + sum / std::numbers::pi;
  }

 private:
  static std::complex<double> characteristic(double t, double s) {
    constexpr int intervals = 2000;
    std::complex<double> f = 0.0;
    for (int i = 0; i <= intervals; ++i) {
      const double x = -9.0 + 18.0 * i / intervals;
      f += std::polar(density(x), t * std::exp(s * x));
    }
    return f * (18.0 / intervals);
  }

  double step_ = 0.0, end_ = 0.0;
  std::vector<std::complex<double>> powers_;  // f^n at the midpoints
};

/// The normal with mean and spread of one cell's law tilted by exp(t exp(s x)), cut at 6 sigma, with t such that the cells'
/// mean is limit/n: what the cells look like where their sum reaches the limit.
NormalPiece tilted_cells(std::size_t n, double s, double limit) {
  const auto moments = [&](double t) {
    std::array<double, 4> sums{};  // weight, x, x^2, exp(s x)
    for (double x = -6.0; x <= 6.0; x += 0.01) {
      const double y = std::exp(s * x), w = std::exp(t * y - 0.5 * x * x);
      sums[0] += w, sums[1] += w * x, sums[2] += w * x * x, sums[3] += w * y;
    }
    return sums;
  };
  double low = 0.0, high = 2.0;
  for (int i = 0; i < 60; ++i) {
    const double t = 0.5 * (low + high);
    const auto m = moments(t);
    (m[3] / m[0] * static_cast<double>(n) < limit ? low : high) = t;
  }
  const auto m = moments(low);
  const double mean = m[1] / m[0];
  NormalPiece piece = around(Row::Constant(static_cast<Index>(n), mean));
  piece.scale.setConstant(std::sqrt(m[2] / m[0] - mean * mean));
  return piece;
}

/// Cells with `inputs` mismatch variables each, after `die` shared ones (the first). A cell fails where its own mean of
/// inputs, as a standard normal m, has shift(z) + spread(z) m >= limit; z is the first die variable.
struct DieAndCells {
  std::size_t die = 0;
  std::size_t cells = 64;
  std::size_t inputs = 1;
  std::function<double(double z)> shift = [](double) { return 0.0; };
  std::function<double(double z)> spread = [](double) { return 1.0; };
  std::vector<double> limits;  // one a cell

  std::size_t dimension() const { return die + cells * inputs; }
  double own(const Row& x, std::size_t cell) const {
    const auto n = static_cast<Index>(inputs);
    return x.segment(static_cast<Index>(die + cell * inputs), n).sum() / std::sqrt(static_cast<double>(n));
  }
  double worst(const Row& x) const {
    const double z = die > 0 ? x(0) : 0.0, moved = shift(z), wide = spread(z);
    double least = 1e9;
    for (std::size_t c = 0; c < cells; ++c) least = std::min(least, limits[c] - moved - wide * own(x, c));
    return least;
  }
  double p_given(double z) const {
    std::vector<double> each;
    for (const double limit : limits) each.push_back(tail((limit - shift(z)) / spread(z)));
    return any_of(each);
  }
  /// Die variable with the largest density times P.
  double likely_die() const {
    double best = -1e300, at = 0.0;
    for (double z = -6.0; z <= 8.0; z += 0.02) {
      const double score = std::log(p_given(z) + 1e-300) - 0.5 * z * z;
      if (score > best) best = score, at = z;
    }
    return at;
  }
  std::vector<NormalPiece> check() const {
    const double z = die > 0 ? likely_die() : 0.0;
    std::vector<NormalPiece> pieces;
    for (std::size_t c = 0; c < cells; ++c) {
      NormalPiece piece = around(origin(dimension()));
      if (die > 0) piece.mean(0) = z;
      const double m = std::max(0.0, (limits[c] - shift(z)) / spread(z));
      piece.mean.segment(static_cast<Index>(die + c * inputs), static_cast<Index>(inputs))
          .setConstant(m / std::sqrt(static_cast<double>(inputs)));
      pieces.push_back(piece);
    }
    return pieces;
  }
};

RareEventProblem worst_cell(std::string family, std::string name, const DieAndCells& law) {
  const double p =
      law.die > 0 ? normal_mean([&](double z) { return law.p_given(z); }, -9.0, 9.0) : law.p_given(0.0);
  RareEventProblem problem = hard(std::move(family), std::move(name), law.dimension(), p,
                                  law.die > 0 ? "quadrature over the die" : "product",
                                  margins([law](const Row& x) { return law.worst(x); }));
  problem.check = law.check();
  return problem;
}

DieAndCells equal_cells(std::size_t cells, std::size_t inputs, double limit) {
  DieAndCells law;
  law.cells = cells;
  law.inputs = inputs;
  law.limits.assign(cells, limit);
  return law;
}

std::vector<RareEventProblem> worst_of_many() {
  std::vector<RareEventProblem> set;
  set.push_back(worst_cell("worst of many", "worst of 64, equal", equal_cells(64, 1, 6.0)));
  set.push_back(worst_cell("worst of many", "worst of 64, equal, 6 sigma", equal_cells(64, 1, 6.7)));
  set.push_back(worst_cell("worst of many", "worst of 64, equal, 4 inputs each", equal_cells(64, 4, 5.5)));
  set.push_back(worst_cell("worst of many", "worst of 16, equal, 2 inputs each", equal_cells(16, 2, 5.8)));
  DieAndCells correlated = equal_cells(64, 1, 5.5);
  correlated.die = 1;
  correlated.shift = [](double z) { return std::sqrt(0.3) * z; };
  correlated.spread = [](double) { return std::sqrt(0.7); };
  set.push_back(worst_cell("worst of many", "worst of 64, correlated 0.3", correlated));
  correlated.shift = [](double z) { return std::sqrt(0.7) * z; };
  correlated.spread = [](double) { return std::sqrt(0.3); };
  set.push_back(worst_cell("worst of many", "worst of 64, correlated 0.7", correlated));
  DieAndCells unequal = equal_cells(64, 1, 5.5);
  for (std::size_t c = 0; c < 64; ++c) unequal.limits[c] = 5.5 + 0.02 * static_cast<double>((c * 37) % 64);
  set.push_back(worst_cell("worst of many", "worst of 64, unequal", unequal));
  return set;
}

/// The soft form of the worst cell: log(mean exp(sharp m)) / sharp over the cells' mismatch m, plus `weight` times a die
/// variable. Given the die a sum of lognormals.
RareEventProblem soft_worst(std::string name, std::size_t cells, double sharp, double weight, double limit) {
  const LognormalSum law(cells, sharp);
  const auto count = static_cast<double>(cells);
  const auto bound = [=](double z) { return count * std::exp(sharp * (limit - weight * z)); };
  const double p = normal_mean([&](double z) { return std::max(0.0, law.tail(bound(z))); }, -9.0, 9.0);
  RareEventProblem problem = hard(
      "die and mismatch", std::move(name), cells + 1, p, "characteristic function, quadrature over the die",
      margins([=](const Row& x) {
        return limit - weight * x(0) - std::log((sharp * x.tail(x.size() - 1)).array().exp().mean()) / sharp;
      }));
  double best = 0.0, likely = 0.0;
  for (double z = 0.0; z < 8.0; z += 0.05) {
    const double score = density(z) * law.tail(bound(z));
    if (score > best) best = score, likely = z;
  }
  const NormalPiece tilted = tilted_cells(cells, sharp, bound(likely));
  NormalPiece piece = around(origin(cells + 1));
  piece.mean(0) = likely;
  piece.mean.tail(tilted.mean.size()) = tilted.mean;
  piece.scale.tail(tilted.scale.size()) = tilted.scale;
  problem.check = {piece};
  return problem;
}

std::vector<RareEventProblem> die_and_mismatch() {
  const auto make = [](std::string name, std::size_t die, std::size_t cells, std::size_t inputs, double limit,
                       std::function<double(double)> shift, std::function<double(double)> spread) {
    DieAndCells law = equal_cells(cells, inputs, limit);
    law.die = die;
    law.shift = std::move(shift);
    law.spread = std::move(spread);
    return worst_cell("die and mismatch", std::move(name), law);
  };
  const auto one = [](double) { return 1.0; };
  const auto none = [](double) { return 0.0; };
  RareEventProblem one_cell = make(
      "die and mismatch, hard, one cell", 2, 1, 20, 5.5, [](double z) { return z > 3.0 ? 1.8 : 0.2 * z; },
      one);
  one_cell.hidden = [margin = one_cell.evaluator(0)](const Row& x) {
    return x(0) > 3.0 && margin(x).front().value <= 0.0;
  };
  // Soft: shift and spread change smoothly with the die. Hard: they change at once.
  return {make(
              "die and mismatch, soft shift, 64 cells", 3, 64, 1, 7.0, [](double z) { return z; }, one),
          make("die and mismatch, soft spread, 64 cells", 3, 64, 1, 7.0, none,
               [](double z) { return std::exp(0.12 * z); }),
          make(
              "die and mismatch, soft both, 16 cells of 6", 4, 16, 6, 8.0,
              [](double z) { return 0.6 * z + 0.05 * z * z; }, [](double z) { return std::exp(0.08 * z); }),
          make(
              "die and mismatch, hard shift, 64 cells", 3, 64, 1, 6.5,
              [](double z) { return z > 2.5 ? 2.0 : 0.0; }, one),
          make("die and mismatch, hard spread, 32 cells of 2", 2, 32, 2, 6.2, none,
               [](double z) { return z > 2.0 ? 1.4 : 1.0; }),
          one_cell,
          make(
              "die and mismatch, soft shift at 6 sigma, 64 cells", 3, 64, 1, 9.0, [](double z) { return z; },
              one),
          soft_worst("die and soft worst of 64", 64, 0.5, 0.15, 1.4),
          soft_worst("die and soft worst of 64, sharper", 64, 0.7, 0.2, 1.8)};
}

RareEventProblem leakage(std::string name, std::size_t n, double s, double limit) {
  RareEventProblem problem =
      hard("leakage", std::move(name), n, LognormalSum(n, s).tail(limit), "characteristic function",
           margins([=](const Row& x) { return limit - (s * x).array().exp().sum(); }));
  problem.budget = 10000;
  problem.check = {tilted_cells(n, s, limit)};
  return problem;
}

std::vector<RareEventProblem> leaking_cells() {
  return {leakage("leakage of 200 cells", 200, 0.5, 264.5),
          leakage("leakage of 200 cells, spread 0.3", 200, 0.3, 228.0),
          leakage("leakage of 64 cells", 64, 0.4, 92.0), leakage("leakage of 400 cells", 400, 0.5, 510.0)};
}

/// Latch sense amplifier in 12 devices' thresholds. Offset: the input pair v1 plus the cross-coupled pair v2 at half weight,
/// whose gain grows with the input pair's common mode w. Wrong where the offset exceeds the signal; `both` senses; `delay`:
/// also where the common mode of the latch, weakly bent, is too slow.
RareEventProblem sense_amplifier(std::string name, double signal, bool both, double delay) {
  const double r = std::sqrt(0.5);
  const auto spread = [](double w) { return std::hypot(1.0, 0.5 * (1.0 + 0.15 * w)); };
  const double one_side = normal_mean([&](double w) { return tail(signal / spread(w)); });
  // c + 0.05 c^2 >= delay: the upper root (the lower one is beyond -20).
  const double slow = delay > 0.0 ? tail((std::sqrt(1.0 + 0.2 * delay) - 1.0) / 0.1) : 0.0;
  // Offset and delay meet in no device: v1, v2, w and c are orthogonal.
  const double p = any_of({both ? 2.0 * one_side : one_side, slow});
  RareEventProblem problem =
      hard("sense amplifier", std::move(name), 12, p, "quadrature", margins([=](const Row& x) {
             const double v1 = r * (x(0) - x(1)), w = r * (x(0) + x(1));
             const double v2 = r * (x(2) - x(3)), c = r * (x(2) + x(3));
             const double offset = v1 + 0.5 * (1.0 + 0.15 * w) * v2;
             double margin = signal - (both ? std::abs(offset) : offset);
             if (delay > 0.0) margin = std::min(margin, delay - c - 0.05 * c * c);
             return margin;
           }));
  double nearest = 1e9, at = 0.0;
  for (double w = 0.0; w < 5.0; w += 0.01) {
    const double distance = std::hypot(w, signal / spread(w));
    if (distance < nearest) nearest = distance, at = w;
  }
  const double gain = 0.5 * (1.0 + 0.15 * at), square = 1.0 + gain * gain;
  const auto offset_at = [&](double sign) {
    const double v1 = sign * signal / square, v2 = sign * signal * gain / square;
    Row mean = origin(12);
    mean.head(4) << r * (v1 + at), r * (at - v1), r * v2, -r * v2;
    return around(mean);
  };
  problem.check = {offset_at(1.0)};
  if (both) problem.check.push_back(offset_at(-1.0));
  if (delay > 0.0) {
    const double c = (std::sqrt(1.0 + 0.2 * delay) - 1.0) / 0.1;
    Row mean = origin(12);
    mean(2) = mean(3) = r * c;
    problem.check.push_back(around(mean));
  }
  return problem;
}

}  // namespace

std::vector<RareEventProblem> cell_problems() {
  std::vector<RareEventProblem> set = worst_of_many();
  append(set, die_and_mismatch());
  append(set, leaking_cells());
  append(set, {sense_amplifier("sense amplifier", 6.5, true, 0.0),
               sense_amplifier("sense amplifier, one sense", 6.5, false, 0.0),
               sense_amplifier("sense amplifier with delay", 6.8, true, 7.0),
               sense_amplifier("sense amplifier, small signal", 5.0, true, 7.5)});
  return set;
}

}  // namespace flare::analysis::problems
