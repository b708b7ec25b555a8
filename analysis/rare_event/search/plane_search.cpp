#include "analysis/rare_event/search/plane_search.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "analysis/rare_event/core/unexpected_worth.hpp"
#include "analysis/tails/normal_tail.hpp"

namespace flare::analysis {
namespace {

using engine::Vector;

constexpr double enough_near = 0.85;          // r2 at nominal spread
constexpr double enough_far = 0.9;            // r2 far out, the bend apart
constexpr std::size_t most_stepped_back = 6;  // of the draws of a scale
constexpr double most_unexpected =
    0.3;  // of P, that could hang on runs nearer to failing than the plane says

// The plane that a neighbouring problem's nearest failing point suggests; nothing where it does not fit here.
std::optional<LinearModel> plane_from_neighbour(EstimatorSession& session, const PlainLook& look) {
  const Vector& start = session.options().warm_starts.front();
  const Evaluated outcome = session.ledger().evaluate_one(start, Purpose::explore);
  if (!outcome.has_margin || !(outcome.margin < look.origin.margin)) return std::nullopt;
  LinearModel model;
  model.at_origin = look.origin.margin;
  model.slope = -(look.origin.margin - outcome.margin) / start.squaredNorm() * start;
  model.r2 = explained_variance(model, look.draws.points, look.draws.outcomes);
  if (model.r2 < enough_near) return std::nullopt;
  return model;
}

std::optional<LinearModel> plane_from_gradient(EstimatorSession& session, const PlainLook& look) {
  const Eigen::Index d = session.ledger().dimension();
  if (static_cast<std::uint64_t>(d + 1) * 5 >= session.ledger().remaining() * 3) return std::nullopt;
  const Gradient gradient = finite_difference(session.ledger(), Vector::Zero(d),
                                              step_in_noise(0.1, look.relative_noise()), Purpose::explore);
  if (gradient.slope.size() == 0) return std::nullopt;
  LinearModel model{gradient.margin, gradient.slope};
  model.r2 = explained_variance(model, look.draws.points, look.draws.outcomes);
  return model;
}

std::optional<LinearModel> find_plane(EstimatorSession& session, const PlainLook& look) {
  std::optional<LinearModel> plane;
  if (session.trusts_neighbour()) plane = plane_from_neighbour(session, look);
  if (!plane) plane = fit_linear(look.draws.points, look.draws.outcomes);
  if (!plane && !look.noisy()) plane = plane_from_gradient(session, look);
  return plane;
}

// From x straight back along the plane's normal to where the plane predicts a clear pass.
Vector stepped_back(const LinearModel& plane, Vector x) {
  const double clear = 4.0 * plane.typical_error + 0.1 * plane.at_origin;
  for (int i = 0; i < 3; ++i) x += (clear - plane.predict(x)) / plane.slope.squaredNorm() * plane.slope;
  return x;
}

// Failures that the plane does not predict.
struct Surprises {
  std::vector<Vector> draws;
  std::vector<Vector> stepped_back;  // from draws that it does predict: no independent starts
};

// Where the plane fails as well, another region shows itself by failing still a step back:
// those that are deeper than the plane says are asked first.
void collect_surprises(EstimatorSession& session, const LinearModel& plane, const ReadDraws& draws,
                       Surprises& found) {
  std::vector<std::pair<double, Vector>> expected;
  for (Eigen::Index i = 0; i < draws.points.rows(); ++i) {
    const Evaluated& outcome = draws.outcomes[static_cast<std::size_t>(i)];
    Vector x = draws.points.row(i);
    if (!outcome.failed) continue;
    if (plane.is_surprised_by(x)) {
      found.draws.push_back(std::move(x));
    } else {
      expected.emplace_back(outcome.margin - plane.predict(x), std::move(x));
    }
  }
  std::stable_sort(expected.begin(), expected.end(),
                   [](const auto& u, const auto& v) { return u.first < v.first; });
  for (std::size_t i = 0; i < std::min(expected.size(), most_stepped_back); ++i) {
    Vector back = stepped_back(plane, std::move(expected[i].second));
    if (plane.is_surprised_by(back) && session.ledger().evaluate_one(back, Purpose::explore).failed)
      found.stepped_back.push_back(std::move(back));
  }
}

// Does the plane, with a bend, hold for draws farther out? Failures it does not predict are added to
// `found`.
bool holds_far(EstimatorSession& session, double scale, const ReadDraws& far, LinearModel& plane,
               Surprises& found) {
  if (std::any_of(far.outcomes.begin(), far.outcomes.end(), [](const Evaluated& o) { return !o.has_margin; }))
    return false;
  const double r2 = fit_bend(plane, far.points, far.outcomes);
  collect_surprises(session, plane, far, found);
  session.note(fmt::format(
      "a plane explains {:.3f} of the margin's variance at 1 sigma, with a bend {:.3f} at {:.1f} sigma",
      plane.r2, r2, scale));
  return r2 >= enough_far;
}

// Draws far out say more about the slope; with noise every one of them is needed.
void refit(LinearModel& plane, const std::vector<const ReadDraws*>& all) {
  Eigen::Index rows = 0;
  for (const ReadDraws* draws : all) rows += draws->points.rows();
  engine::Matrix points(rows, all.front()->points.cols());
  std::vector<Evaluated> outcomes;
  for (const ReadDraws* draws : all) {
    points.middleRows(static_cast<Eigen::Index>(outcomes.size()), draws->points.rows()) = draws->points;
    outcomes.insert(outcomes.end(), draws->outcomes.begin(), draws->outcomes.end());
  }
  const std::optional<LinearModel> better = fit_linear(points, outcomes);
  if (!better || better->at_origin <= 0.0) return;
  plane.at_origin = better->at_origin;
  plane.slope = better->slope;
}

// How much nearer to failing a draw is than the plane says, sigma.
double excess_at(const LinearModel& plane, const Vector& x, double margin) {
  return (plane.at_origin + plane.slope.dot(x) - margin) / plane.slope.norm();
}

// Of the draws that lead towards the limit.
ExcessLook excesses_of(const LinearModel& plane, double scale, const ReadDraws& draws) {
  const double steepness = plane.slope.norm(), beta = plane.at_origin / steepness;
  const auto across = static_cast<double>(draws.points.cols() - 1);
  ExcessLook look{scale, {}};
  for (Eigen::Index i = 0; i < draws.points.rows(); ++i) {
    const Evaluated& outcome = draws.outcomes[static_cast<std::size_t>(i)];
    const Vector x = draws.points.row(i);
    const double along = -plane.slope.dot(x) / steepness;
    if (!outcome.has_margin || !is_on_the_way(along / beta, Carried::unchanged)) continue;
    look.runs.push_back(
        {excess_at(plane, x, outcome.margin), x.squaredNorm() - along * along - across, along / beta});
  }
  return look;
}

// What the plane is off by at nominal spread, by the lower half: nothing that jumps is in it.
double usual_excess(const ExcessLook& plain) {
  if (plain.runs.size() < 20) return 0.0;
  std::vector<double> values;
  values.reserve(plain.runs.size());
  for (const Excess& excess : plain.runs) values.push_back(excess.value);
  std::sort(values.begin(), values.end());
  return (values[values.size() / 2] - values[values.size() / 4]) / 0.6745;
}

// On the way from a draw straight to the axis: does most of its excess end at one place, or little by little? A bend is
// the estimate's affair; behind a jump lies what no line along the plane meets.
bool ends_in_a_jump(EstimatorSession& session, const LinearModel& plane, const Vector& x, double excess) {
  constexpr int halvings = 6;
  const Vector axis = plane.slope / plane.slope.norm();
  const Vector foot = axis * axis.dot(x);
  double inner = 0.0, outer = 1.0, left = 0.0, right = excess;
  for (int i = 0; i < halvings; ++i) {
    const double middle = 0.5 * (inner + outer);
    const Vector point = foot + middle * (x - foot);
    const Evaluated outcome = session.ledger().evaluate_one(point, Purpose::explore);
    if (!outcome.has_margin) return true;
    const double here = excess_at(plane, point, outcome.margin);
    (here > 0.5 * excess ? outer : inner) = middle;
    (here > 0.5 * excess ? right : left) = here;
  }
  return right - left > 0.4 * excess;
}

// The draws that are nearest to failing beside what the plane says.
std::vector<std::pair<double, Vector>> most_unexpected_of(const LinearModel& plane, const ReadDraws& draws,
                                                          std::size_t count) {
  std::vector<std::pair<double, Vector>> all;
  for (Eigen::Index i = 0; i < draws.points.rows(); ++i) {
    const Evaluated& outcome = draws.outcomes[static_cast<std::size_t>(i)];
    const Vector x = draws.points.row(i);
    const double way = -plane.slope.dot(x) / plane.at_origin;
    if (outcome.has_margin && is_on_the_way(way, Carried::unchanged))
      all.emplace_back(excess_at(plane, x, outcome.margin), x);
  }
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  if (all.size() > count) all.resize(count);
  return all;
}

// Draws of a scale, largest first.
using ScaledLooks = std::vector<std::pair<double, const ReadDraws*>>;

// Draws that a jump brings nearer to failing could hold a part of P that no line along the plane would meet: ln of the
// most that P could then be.
std::optional<double> log_p_behind_jumps(EstimatorSession& session, const LinearModel& plane, double noise,
                                         const ScaledLooks& looks) {
  std::vector<ExcessLook> seen;
  seen.reserve(looks.size());
  for (const auto& look : looks) seen.push_back(excesses_of(plane, look.first, *look.second));
  const double steepness = plane.slope.norm(), beta = plane.at_origin / steepness;
  const double least = std::max(4.0 * noise / steepness, 3.0 * usual_excess(seen.back()));
  const UnexpectedWorth worth =
      worth_of_excesses(std::move(seen), {beta, log_upper_tail(beta), least}, Carried::unchanged);
  if (worth.limit < most_unexpected) return std::nullopt;
  for (const auto& look : looks) {
    if (look.first < 1.4) continue;
    for (const auto& [excess, x] : most_unexpected_of(plane, *look.second, 2)) {
      if (excess < least || !ends_in_a_jump(session, plane, x, excess)) continue;
      session.note(
          fmt::format("the margin jumps by {:.1f} sigma: {:.2f} of P could lie behind as met, {:.2f} at most",
                      excess, worth.middle, worth.limit));
      return log_upper_tail(beta) + std::log1p(worth.limit);
    }
  }
  return std::nullopt;
}

LineRegion region_of(const LinearModel& plane) {
  const double steepness = plane.slope.norm();
  LineRegion region(-plane.slope, plane.at_origin / steepness);
  region.steepness = steepness;
  region.direction_known = true;
  region.root.spread = 0.3;
  return region;
}

}  // namespace

PlaneSearch search_plane(EstimatorSession& session, const PlainLook& look, RegionFinder& finder) {
  PlaneSearch search;
  if (!session.ledger().margins() || look.origin.failed || !look.origin.has_margin) return search;
  search.plane = find_plane(session, look);
  // With noise only the far draws tell: there the margin stands out.
  if (!search.plane || search.plane->at_origin <= 0.0) return search;
  if (search.plane->r2 < enough_near && !look.noisy()) return search;
  const double offset = search.plane->at_origin / search.plane->slope.norm();
  const double scale = std::clamp(offset / 1.5, 1.5, 3.0);
  const ReadDraws far = session.draws_at(scale, session.trusts_neighbour() ? 30 : 60);
  if (look.rough()) refit(*search.plane, {&look.draws, &far});
  Surprises found;
  if (!holds_far(session, scale, far, *search.plane, found)) return search;
  // Further out only failures count: a cliff that the plane does not know of.
  const double farther_scale = std::clamp(offset / 1.2, 2.0, 4.5);
  const ReadDraws farther = session.draws_at(farther_scale, session.trusts_neighbour() ? 15 : 40);
  collect_surprises(session, *search.plane, farther, found);
  if (look.rough()) refit(*search.plane, {&look.draws, &far, &farther});
  finder.regions().push_back(region_of(*search.plane));
  finder.count_found(1);
  std::vector<Vector>& failing = found.draws;
  if (failing.size() > 8) failing.resize(8);
  finder.add(failing, true, 2);
  const std::vector<Vector> covered = finder.unexplained(found.stepped_back);
  finder.add(covered, false, 2);
  std::vector<Vector> seen = session.seen_failures();
  std::erase_if(seen, [&](const Vector& x) { return !search.plane->is_surprised_by(x); });
  if (!seen.empty()) finder.add(seen, false, 2);
  search.explains_all = finder.regions().size() == 1 && finder.all_placed() && covered.empty();
  if (search.explains_all) {
    search.log_p_behind_jumps = log_p_behind_jumps(
        session, *search.plane, look.noise, {{farther_scale, &farther}, {scale, &far}, {1.0, &look.draws}});
    search.explains_all = !search.log_p_behind_jumps;
  }
  if (failing.size() + covered.size() > 0 && !search.explains_all)
    session.note(
        fmt::format("but {} failures were met where it predicts none", failing.size() + covered.size()));
  return search;
}

}  // namespace flare::analysis
