#include "tests/analysis/output_tails/output_problems.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "analysis/tails/normal_tail.hpp"
#include "tests/analysis/levels/column_function.hpp"

namespace flare::analysis::testing {
namespace {

using engine::Vector;

double over_first_half(const Vector& x) {
  const Eigen::Index half = x.size() / 2;
  return x.head(half).sum() / std::sqrt(static_cast<double>(half));
}
double over_second_half(const Vector& x) {
  const Eigen::Index rest = x.size() - x.size() / 2;
  return x.tail(rest).sum() / std::sqrt(static_cast<double>(rest));
}

/// ln E[exp(log_value(t))] over t ~ N(0, 1), by the midpoint rule: good to 1e-6 for the jumps and kinks used here,
/// which lie on edges of its cells.
template <class LogValue>
double log_mean(LogValue log_value) {
  constexpr double step = 0.0005, reach = 12.0;
  double largest = -std::numeric_limits<double>::infinity(), sum = 0.0;
  const auto cells = static_cast<int>(2.0 * reach / step);
  for (int i = 0; i < cells; ++i) {
    const double t = -reach + (i + 0.5) * step;
    const double term = -0.5 * t * t + log_value(t);
    if (!(term > -std::numeric_limits<double>::infinity())) continue;
    if (term > largest) {
      sum = sum * std::exp(largest - term) + 1.0;
      largest = term;
    } else {
      sum += std::exp(term - largest);
    }
  }
  return largest + std::log(sum * step / std::sqrt(2.0 * M_PI));
}

/// y = along(v) + gain(v) u with gain > 0: given v, a normal law.
OutputProblem normal_given_v(std::string name, std::size_t dimension, std::function<double(double)> along,
                             std::function<double(double)> gain, std::vector<TailQuestion> questions) {
  OutputProblem problem{std::move(name), dimension, {}, std::move(questions), {}, {}};
  problem.output = [=](const Vector& x) {
    const double v = over_second_half(x);
    return along(v) + gain(v) * over_first_half(x);
  };
  for (const TailQuestion& question : problem.questions) {
    problem.log_p.push_back(log_mean([&](double v) { return question.log_failing(along(v), gain(v)); }));
  }
  return problem;
}

/// y = f(u) + s w, f rising: u the first coordinate, w over the rest.
OutputProblem dominant(std::string name, std::size_t dimension, std::function<double(double)> f, double s,
                       std::vector<TailQuestion> questions) {
  OutputProblem problem{std::move(name), dimension, {}, std::move(questions), {}, {}};
  problem.output = [=](const Vector& x) {
    return f(x(0)) + s * x.tail(x.size() - 1).sum() / std::sqrt(static_cast<double>(x.size() - 1));
  };
  for (const TailQuestion& question : problem.questions) {
    problem.log_p.push_back(log_mean([&](double u) { return question.log_failing(f(u), s); }));
  }
  return problem;
}

OutputProblem beyond(double at, OutputProblem problem) {
  problem.hidden = [at](const Vector& x) { return over_second_half(x) > at; };
  return problem;
}

/// u + height * [v > at].
OutputProblem jump(std::size_t dimension, double height, double at, double limit, double noise = 0.0) {
  return beyond(at,
                normal_given_v(
                    fmt::format("jump {} at {}, d={}{}", height, at, dimension, noise > 0.0 ? ", noise" : ""),
                    dimension, [=](double v) { return v > at ? height : 0.0; }, [](double) { return 1.0; },
                    {{limit, Side::above, noise}}));
}

/// The same along a diagonal: where the jump begins depends on the output too. The boundary's normal is (u slant + v) of
/// length 1, and given that what remains of the plane is normal.
OutputProblem slanted_jump(std::size_t dimension, double height, double at, double slant, double limit) {
  const double length = std::hypot(1.0, slant);
  return beyond(
      at, normal_given_v(
              fmt::format("jump {} at {}, slanted {}, d={}", height, at, slant, dimension), dimension,
              [=](double v) { return v * slant / length + (v > at ? height : 0.0); },
              [=](double) { return 1.0 / length; }, {{limit, Side::above, 0.0}, {-limit, Side::below, 0.0}}));
}

/// u (1 + more [v > at]): a jump that grows with the way to the limit.
OutputProblem spread_jump(std::size_t dimension, double more, double at, double limit) {
  return beyond(at, normal_given_v(
                        fmt::format("spread 1 + {} [v > {}], d={}", more, at, dimension), dimension,
                        [](double) { return 0.0; }, [=](double v) { return v > at ? 1.0 + more : 1.0; },
                        {{limit, Side::above, 0.0}}));
}

OutputProblem kink(std::size_t dimension, double slope, double at, double limit) {
  return beyond(at, normal_given_v(
                        fmt::format("kink {} at {}, d={}", slope, at, dimension), dimension,
                        [=](double v) { return slope * std::max(0.0, v - at); }, [](double) { return 1.0; },
                        {{limit, Side::above, 0.0}}));
}

}  // namespace

std::vector<OutputProblem> jump_problems() {
  return {jump(16, 3.0, 2.5, 8.113),
          jump(6, 0.7, 2.0, 6.0),
          jump(40, 2.0, 3.0, 7.0),
          jump(16, 3.0, 4.0, 7.5),
          jump(100, 3.0, 2.5, 8.0),
          jump(12, 1.5, 1.0, 6.5),
          jump(16, 3.0, 2.5, 8.5, 0.5),
          jump(16, 4.0, 5.0, 7.0),
          jump(16, 0.3, 1.5, 6.0),
          jump(16, 0.7, 3.0, 7.0),
          jump(16, 1.0, 3.0, 7.0),
          jump(64, 1.5, 4.0, 7.0),
          slanted_jump(16, 0.7, 2.0, 0.3, 6.5),
          slanted_jump(16, 1.0, 3.0, -0.5, 6.5),
          slanted_jump(16, 2.0, 3.0, 1.0, 6.5)};
}

std::vector<OutputProblem> kink_problems() {
  std::vector<OutputProblem> problems = {kink(16, 2.0, 1.0, 9.0), kink(8, 1.0, 2.0, 6.5),
                                         kink(40, 3.0, 2.5, 8.0), kink(24, 0.5, 0.0, 6.0),
                                         kink(40, 0.2, 1.0, 6.5), kink(8, 0.3, 3.0, 6.5)};
  // Along the axis itself: beyond 4 the output runs away, P(u > 4 + (limit - 4) / 3).
  OutputProblem runaway{"kink along the axis, d=16",
                        16,
                        [](const Vector& x) {
                          const double u = over_first_half(x);
                          return u + 2.0 * std::max(0.0, u - 4.0);
                        },
                        {{9.0, Side::above, 0.0}},
                        {log_upper_tail(4.0 + 5.0 / 3.0)},
                        {}};
  problems.push_back(std::move(runaway));
  return problems;
}

std::vector<OutputProblem> dominance_problems() {
  const auto cell = [](double bend) { return [bend](double u) { return std::expm1(bend * u) / bend; }; };
  return {dominant("one cell 0.97, bend 0.05, d=16", 16, cell(0.05), 0.25,
                   {{8.0, Side::above, 0.0}, {-5.5, Side::below, 0.0}}),
          dominant("one cell 0.9, bend 0.1, d=34", 34, cell(0.1), 0.5,
                   {{9.0, Side::above, 0.0}, {-5.0, Side::below, 0.0}}),
          dominant("one cell 0.7, bend 0.15, d=34", 34, cell(0.15), 1.0,
                   {{11.0, Side::above, 0.0}, {-6.0, Side::below, 0.0}}),
          dominant("one cell 0.97, bend -0.06, d=8", 8, cell(-0.06), 0.25,
                   {{5.0, Side::above, 0.0}, {-7.5, Side::below, 0.3}})};
}

std::vector<OutputProblem> spread_problems() {
  const auto flat = [](double) { return 0.0; };
  return {normal_given_v("spread exp(0.1 v), d=16", 16, flat, [](double v) { return std::exp(0.1 * v); },
                         {{7.0, Side::above, 0.0}, {-7.0, Side::below, 0.3}}),
          normal_given_v("spread 1 + 0.02 v^2, d=10", 10, flat, [](double v) { return 1.0 + 0.02 * v * v; },
                         {{6.5, Side::above, 0.0}}),
          normal_given_v("spread 1 + 0.1 |v|, d=40", 40, flat,
                         [](double v) { return 1.0 + 0.1 * std::fabs(v); }, {{7.0, Side::above, 0.0}}),
          normal_given_v("spread 1 + 0.05 |v|, d=8", 8, flat,
                         [](double v) { return 1.0 + 0.05 * std::fabs(v); }, {{6.5, Side::above, 0.0}}),
          spread_jump(16, 0.5, 2.0, 7.5),
          spread_jump(8, 1.0, 3.0, 7.0),
          spread_jump(16, 0.2, 2.5, 7.0),
          spread_jump(16, 0.1, 2.5, 7.0),
          spread_jump(16, 0.1, 3.0, 7.0)};
}

std::vector<OutputProblem> far_column_problems() {
  std::vector<OutputProblem> problems;
  for (const int cells : {1, 2, 4, 8}) {
    ColumnFunction column;
    column.cells = cells;
    const double nominal = column.level_at(Vector::Zero(2 * cells));
    const double reach = 0.0126 / std::sqrt(8.0) * std::sqrt(static_cast<double>(cells)) * 0.36;
    OutputProblem problem{fmt::format("column of {} at 7 to 9 sigma", cells),
                          static_cast<std::size_t>(2 * cells),
                          {},
                          {},
                          {},
                          {}};
    problem.output = [column](const Vector& x) { return column.level_at(x); };
    for (const double sigma : {7.2, 8.6}) {
      const double off = sigma * reach;
      problem.questions.push_back({nominal - off, Side::below, 0.0});
      problem.log_p.push_back(std::log(column.exact_below(nominal - off)));
      problem.questions.push_back({nominal + off, Side::above, 0.0});
      problem.log_p.push_back(std::log(column.exact_above(nominal + off)));
    }
    problems.push_back(std::move(problem));
  }
  return problems;
}

std::vector<OutputProblem> output_problems() {
  std::vector<OutputProblem> all;
  for (const auto& some :
       {jump_problems(), kink_problems(), dominance_problems(), spread_problems(), far_column_problems()}) {
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

}  // namespace flare::analysis::testing
