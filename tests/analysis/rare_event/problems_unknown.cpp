// Runs without an answer: a zone just below the failures, a zone across them, and here and there at random. The truth is
// a bracket: every unknown passes ... every unknown fails.
#include "tests/analysis/rare_event/problem_builders.hpp"

namespace flare::analysis::problems {
namespace {

RareEventProblem bracket(std::string name, std::size_t d, double p, double p_high, std::string answer,
                         std::function<Response(const Row&)> response) {
  RareEventProblem problem =
      hard("unknown", std::move(name), d, p, std::move(answer), responses(std::move(response)));
  problem.log_p_high = std::log(p_high);
  return problem;
}

/// No answer where 0 < margin < width: the unknown zone begins where the failures do.
RareEventProblem zone_below(std::string name, std::size_t d, double beta, double width) {
  const Row u = dense_direction(d, 1);
  RareEventProblem problem =
      bracket(std::move(name), d, tail(beta), tail(beta - width), "closed form", [=](const Row& x) {
        const double margin = beta - u.dot(x);
        return margin > 0.0 && margin < width ? Response::unknown() : Response::margin(margin);
      });
  problem.check = {around((beta - 0.5 * width) * u)};
  return problem;
}

/// The same, but only where another direction is above `from`.
RareEventProblem corner_of_zone(std::string name, std::size_t d, double beta, double width, double from) {
  const Row u = dense_direction(d, 1), v = dense_direction(d, 2);
  const double p = tail(beta) * tail(-from);  // beyond v = from nothing of margin < width is answered
  const double p_high = p + tail(beta - width) * tail(from);
  RareEventProblem problem = bracket(std::move(name), d, p, p_high, "product", [=](const Row& x) {
    const double margin = beta - u.dot(x);
    return margin < width && v.dot(x) > from ? Response::unknown() : Response::margin(margin);
  });
  problem.check = {around(beta * u), around((beta - width) * u + std::max(from, 0.0) * v)};
  return problem;
}

/// A share of all points has no answer, whatever the margin.
RareEventProblem at_random(std::string name, std::size_t d, std::vector<double> betas, double share) {
  std::vector<Row> normals;
  std::vector<double> each;
  for (std::size_t k = 0; k < betas.size(); ++k) {
    normals.push_back(dense_direction(d, k + 1));
    each.push_back(tail(betas[k]));
  }
  const double p = (1.0 - share) * any_of(each);
  RareEventProblem problem = bracket(std::move(name), d, p, p + share, "product", [=](const Row& x) {
    if (hashed_uniform(x, 0x1057) < share) return Response::unknown();
    double least = 1e9;
    for (std::size_t k = 0; k < betas.size(); ++k) least = std::min(least, betas[k] - normals[k].dot(x));
    return Response::margin(least);
  });
  problem.check.assign(3, around(Row::Zero(static_cast<Eigen::Index>(d))));
  for (std::size_t k = 0; k < betas.size(); ++k) problem.check.push_back(around(betas[k] * normals[k]));
  return problem;
}

}  // namespace

std::vector<RareEventProblem> unknown_problems() {
  return {zone_below("unknown zone of 0.3 below the failures, d=10", 10, 6.0, 0.3),
          zone_below("unknown zone of 0.1 below the failures, d=40", 40, 5.5, 0.1),
          zone_below("unknown zone of 1 below the failures, d=20", 20, 5.5, 1.0),
          corner_of_zone("unknown zone across half the failures, d=10", 10, 5.5, 0.3, 0.0),
          corner_of_zone("unknown zone across a corner of the failures, d=20", 20, 5.5, 0.5, 1.0),
          at_random("unknown at random 1 %, d=10", 10, {6.0}, 0.01),
          at_random("unknown at random 1 %, two planes d=20", 20, {5.5, 5.7}, 0.01),
          at_random("unknown at random 0.1 %, d=10", 10, {5.5}, 0.001),
          at_random("unknown at random 5 %, d=40", 40, {5.5}, 0.05)};
}

}  // namespace flare::analysis::problems
