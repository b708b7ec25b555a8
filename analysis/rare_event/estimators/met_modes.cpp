#include "analysis/rare_event/estimators/met_modes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "analysis/rare_event/core/point_rows.hpp"
#include "analysis/rare_event/estimators/weighted_runs.hpp"
#include "analysis/rare_event/search/failure_regions.hpp"

namespace flare::analysis {
namespace {

using engine::Matrix;
using engine::Vector;

constexpr Eigen::Index most_dimensions = 60;
constexpr std::size_t most_chains = 10, fewest_chains = 3;
constexpr double for_estimate = 800.0;  // runs, beside the chains
constexpr double usual_chain = 0.8;     // of runs_a_chain
constexpr double most_of_rest = 0.7;    // runs
constexpr int rounds = 3;
constexpr std::size_t runs_a_round = 200;
constexpr std::size_t fewest_failing = 8;
constexpr double enough_effective = 40.0;  // of a round
constexpr double short_of_all = 0.1;       // sigma: a limit, of all states
constexpr double least_limit = 0.5;        // sigma: nearer to the origin it is none
constexpr double left_out = 0.005;         // of the weight, below a limit
constexpr Eigen::Index states_followed = 2;
constexpr int halvings = 6;
constexpr double narrowest = 0.5, widest = 4.0;  // variance of a component
constexpr double kept_even = 0.3;                // of the weights
constexpr double share_of_broad = 0.3;           // of a place's, where it has limits
constexpr double slightly_deeper = 1.03;
constexpr double same_direction = 0.98;  // cosine
constexpr double runs_a_place = 40.0;
constexpr double more_than_a_plane = 0.3;   // of its P
constexpr double log_heavy = 3.0;           // of a weight, beside P: a tenth of an estimate of 200 runs
constexpr double most_unreached = 0.1;      // of where chains ended, and of what regions predict
constexpr double most_of_population = 0.3;  // of subset simulation's, the same

// The region of a mode whose direction a gradient told: better than states do.
const LineRegion* same_region(const std::vector<LineRegion>& known, const FailureMode& mode) {
  const LineRegion* best = nullptr;
  for (const LineRegion& region : known) {
    if (!region.direction_known || !mode.same_way(region.direction)) continue;
    if (best == nullptr || region.direction.dot(mode.mean) > best->direction.dot(mode.mean)) best = &region;
  }
  return best;
}

// The boundary on the ray of the mode's mean, in its directions alone; nothing where it passes there.
std::optional<Vector> nearest_on_ray(EstimatorSession& session, const Vector& middle) {
  if (!(middle.norm() > 0.0) || !session.ledger().evaluate_one(middle, Purpose::pilot).failed)
    return std::nullopt;
  RegionFinder finder(session.ledger(), session.random(), true, 1, Purpose::pilot);
  return finder.to_boundary({middle}).front();
}

// Chains that leave enough for rounds and an estimate, and for repeats of subset simulation where there is enough for these;
// 0 where they would be too few.
std::size_t affordable_chains(const EvaluationLedger& ledger, const SearchResult& search) {
  const double usual = usual_chain * static_cast<double>(runs_a_chain);
  const auto left = static_cast<double>(ledger.remaining());
  const auto others = static_cast<double>(search.runs_for_chains());
  const bool both = left - others > for_estimate + static_cast<double>(fewest_chains) * usual;
  if (!both && left > others && search.unexplained.empty()) return 0;
  const double spent = std::min(most_of_rest * left, both ? left - others : left);
  const double chains = (spent - for_estimate) / usual;
  if (chains < static_cast<double>(fewest_chains)) return 0;
  return std::min(most_chains, static_cast<std::size_t>(chains));
}

// The value that a share of the weight lies below.
double lower_quantile(const Vector& values, const std::vector<double>& weights, double share) {
  std::vector<std::size_t> order(weights.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto at = [&](std::size_t i) { return values(static_cast<Eigen::Index>(i)); };
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return at(a) < at(b); });
  double below = share * std::accumulate(weights.begin(), weights.end(), 0.0);
  for (const std::size_t i : order)
    if ((below -= weights[i]) < 0.0) return at(i);
  return at(order.back());
}

// How far each direction alone can be followed back, from the middle of a place and from some of its states, until they pass: the
// least of each. 0 where one fails on the way to it.
Vector followed_back(EstimatorSession& session, const Matrix& basis, const Matrix& states) {
  const Eigen::Index n = states.rows(), r = basis.cols();
  Matrix from(1 + states_followed, states.cols());
  from.row(0) = states.colwise().mean();
  for (Eigen::Index i = 0; i < states_followed; ++i)
    from.row(1 + i) = states.row((2 * i + 1) * n / (2 * states_followed));
  const Matrix along = from * basis;
  Matrix fails = along, passes = Matrix::Zero(along.rows(), r);
  for (int step = 0; step < halvings; ++step) {
    const Matrix middle = 0.5 * (fails + passes);
    Matrix points(along.size(), states.cols());
    for (Eigen::Index i = 0; i < along.size(); ++i) {
      const Eigen::Index row = i / r, j = i % r;
      points.row(i) = from.row(row) + (middle(row, j) - along(row, j)) * basis.col(j).transpose();
    }
    const std::vector<Evaluated> outcomes = session.ledger().evaluate(points, Purpose::pilot);
    for (Eigen::Index i = 0; i < along.size(); ++i) {
      const bool failed = outcomes[static_cast<std::size_t>(i)].failed;
      (failed ? fails : passes)(i / r, i % r) = middle(i / r, i % r);
    }
  }
  return fails.colwise().minCoeff();
}

// The directions in which nearly all points lie beyond a limit, and the limits: no more than `most`.
std::optional<SubspaceNormal> beyond_limits(const Matrix& basis, const Matrix& along,
                                            const std::vector<double>& weights, const Vector& most) {
  std::vector<Eigen::Index> used;
  std::vector<double> limits;
  for (Eigen::Index j = 0; j < along.cols(); ++j) {
    const double limit = std::min(most(j), lower_quantile(along.col(j), weights, left_out)) - short_of_all;
    if (limit < least_limit) continue;
    used.push_back(j);
    limits.push_back(limit);
  }
  if (used.empty()) return std::nullopt;
  return SubspaceNormal::beyond(
      basis(Eigen::all, used),
      Eigen::Map<const Vector>(limits.data(), static_cast<Eigen::Index>(limits.size())));
}

}  // namespace

void MetModesEstimator::add(EstimatorSession& session, Matrix basis, const Matrix& states,
                            const Vector& nearest) {
  const auto n = static_cast<std::size_t>(states.rows());
  Place place;
  place.along = states * basis;
  place.boundary = followed_back(session, basis, states);
  place.basis = std::move(basis);
  place.weights.assign(n, 1.0 / static_cast<double>(n));
  places_.push_back(std::move(place));
  regions_.emplace_back(nearest, nearest.norm());
  regions_.back().root.spread = 0.2;
}

void MetModesEstimator::shape() {
  proposal_.components.clear();
  proposal_.weights.clear();
  place_of_.clear();
  double failed = 0.0, total = 0.0;
  for (const Place& place : places_) {
    failed += place.failed ? 1.0 : 0.0;
    total += place.failed ? place.share : 0.0;
  }
  for (std::size_t k = 0; k < places_.size(); ++k) {
    const Place& place = places_[k];
    if (!place.failed) continue;
    const double weight =
        kept_even / failed + (1.0 - kept_even) * (total > 0.0 ? place.share / total : 1.0 / failed);
    const Eigen::Index r = place.basis.cols();
    SubspaceNormal broad(place.basis, regions_[k].most_probable_point);
    WeightedMoments moments;
    if (weighted_moments(place.along, place.weights, Matrix::Identity(r, r), static_cast<double>(r), moments))
      broad.shape(moments.mean, moments.covariance, narrowest, widest);
    std::optional<SubspaceNormal> tails =
        beyond_limits(place.basis, place.along, place.weights, place.boundary);
    proposal_.components.push_back(std::move(broad));
    proposal_.weights.push_back(tails ? share_of_broad * weight : weight);
    place_of_.push_back(k);
    if (!tails) continue;
    proposal_.components.push_back(std::move(*tails));
    proposal_.weights.push_back((1.0 - share_of_broad) * weight);
    place_of_.push_back(k);
  }
}

void MetModesEstimator::learn(const WeightedSample& sample, double log_scale) {
  std::vector<std::vector<Eigen::Index>> own(places_.size());
  double all = 0.0;
  for (std::size_t i = 0; i < sample.outcomes.size(); ++i) {
    if (!sample.outcomes[i].failed) continue;
    const auto row = static_cast<Eigen::Index>(i);
    own[place_of_[proposal_.owner(sample.points.row(row))]].push_back(row);
    all += std::exp(sample.log_weights[i] - log_scale);
  }
  for (std::size_t k = 0; k < places_.size(); ++k) {
    Place& place = places_[k];
    if (own[k].empty()) {
      place.failed = false;
      continue;
    }
    append_rows(sample.points(own[k], Eigen::all) * place.basis, place.along);
    double sum = 0.0;
    for (const Eigen::Index i : own[k])
      sum += std::exp(sample.log_weights[static_cast<std::size_t>(i)] - log_scale);
    // The states, and each round, tell as much.
    for (const Eigen::Index i : own[k])
      place.weights.push_back(std::exp(sample.log_weights[static_cast<std::size_t>(i)] - log_scale) / sum);
    place.share = sum / all;
  }
}

void MetModesEstimator::learn_in_rounds(EstimatorSession& session) {
  shape();
  for (int round = 0; round < rounds; ++round) {
    const WeightedSample sample =
        sample_mixture(session.ledger(), proposal_, runs_a_round, session.random(), Purpose::pilot);
    double best = -1e300;
    std::size_t failing = 0;
    for (std::size_t i = 0; i < sample.outcomes.size(); ++i) {
      if (!sample.outcomes[i].failed) continue;
      best = std::max(best, sample.log_weights[i]);
      ++failing;
    }
    if (failing < fewest_failing) break;
    judge(session.options(), {importance_stratum(sample, best)}, best, runs_a_round);
    if (round + 1 == rounds || (round > 0 && forecast_.effective > enough_effective)) break;
    learn(sample, best);
    shape();
  }
  forecast_.values_needed =
      std::max(forecast_.values_needed, runs_a_place * static_cast<double>(places_.size()));
}

bool MetModesEstimator::add_places(EstimatorSession& session, const FailureModes& found,
                                   const std::vector<LineRegion>& known) {
  for (const FailureMode& mode : found.modes) {
    const LineRegion* region = same_region(known, mode);
    const Matrix basis = region == nullptr ? directions_of(mode) : Matrix(region->direction);
    const std::optional<Vector> nearest = nearest_on_ray(session, basis * (basis.transpose() * mode.mean));
    if (!nearest) return false;
    add(session, basis, mode.states, *nearest);
  }
  for (const LineRegion& region : known) {
    const Vector& nearest = region.most_probable_point;
    if (std::any_of(places_.begin(), places_.end(), [&](const Place& place) {
          return (place.basis.transpose() * region.direction).norm() > same_direction &&
                 place.basis.cols() == 1;
        }))
      continue;
    if (session.ledger().evaluate_one(slightly_deeper * nearest, Purpose::pilot).failed)
      add(session, region.direction, nearest.transpose(), nearest);
  }
  return true;
}

void MetModesEstimator::pilot(Findings& findings) {
  EstimatorSession& session = findings.session;
  const std::vector<LineRegion>& known = findings.search.regions;
  const std::size_t chains = affordable_chains(session.ledger(), findings.search);
  if (session.ledger().dimension() > most_dimensions || known.empty() || chains == 0) return;
  const FailureModes found = find_failure_modes(session, findings.search, chains);
  if (found.modes.empty()) return;
  // Of the failures that a region predicts nobody asked in which mode they end: only chains would have shown one more.
  findings.search.starts = static_cast<std::size_t>(found.ends.rows());
  findings.search.unseen_share = static_cast<double>(found.met_once) / static_cast<double>(found.asked());
  session.note(fmt::format("modes met: {} by {} chains, {} of them by one; {} failures asked",
                           found.modes.size(), found.ends.rows(), found.met_once, found.asked()));
  if (!unseen_objection(findings.search).empty()) return;
  if (!add_places(session, found, known)) return session.note("modes met: the middle of one of them passes");
  learn_in_rounds(session);
  const std::optional<LinearModel>& plane = findings.search.plane;
  if (findings.search.log_p_behind_jumps && plane)
    log_p_of_plane_ = log_upper_tail(plane->at_origin / plane->slope.norm());
  unreached_share_ = unreached_share(found.ends);
  if (found.predicted.rows() > 0)
    unreached_share_ = std::max(unreached_share_, unreached_share(found.predicted));
  if (findings.search.subset)
    unreached_share_ = std::max(unreached_share_, most_unreached / most_of_population *
                                                      unreached_share(findings.search.subset->failing));
  note_pilot(session);
}

std::vector<Stratum> MetModesEstimator::draw(EstimatorSession& session,
                                             const std::vector<std::size_t>& counts) {
  const WeightedSample sample =
      sample_mixture(session.ledger(), proposal_, counts[0], session.random(), Purpose::estimate);
  failing_.resize(regions_.size(), 0);
  drawn_.add(sample);
  for (std::size_t i = 0; i < sample.outcomes.size(); ++i)
    if (sample.outcomes[i].failed)
      ++failing_[place_of_[proposal_.owner(sample.points.row(static_cast<Eigen::Index>(i)))]];
  return {importance_stratum(sample, forecast_.log_p)};
}

std::vector<LineRegion> MetModesEstimator::sampled_regions() const {
  return with_failures_of_their_own(regions_, failing_);
}

double MetModesEstimator::unreached_share(const Matrix& failures) const {
  double unreached = 0.0;
  for (const auto& row : failures.rowwise()) unreached += accounts_for(row.transpose()) ? 0.0 : 1.0;
  return unreached / static_cast<double>(failures.rows());
}

bool MetModesEstimator::accounts_for(const Vector& x) const {
  return proposal_.log_weight(x) < forecast_.log_p + log_heavy;
}

std::string MetModesEstimator::asked_objection(EstimatorSession& session, const Sampled& sampled) const {
  return moved_out_objection(session, drawn_, proposal_, sampled.estimate.log_p, sampled.values);
}

std::string MetModesEstimator::objection(const Sampled& sampled) const {
  if (sampled.hardly_counts()) {
    return fmt::format("effective sample size {:.0f} of {:.0f} runs: the directions found miss what matters",
                       sampled.estimate.effective_samples, sampled.values);
  }
  if (sampled.estimate.log_p < log_p_of_plane_ + std::log1p(more_than_a_plane))
    return "the margin jumps beside a plane, and no failures behind the jump are in the estimate";
  if (unreached_share_ > most_unreached) {
    return fmt::format("{:.0f} % of the failures that were met lie where the proposal does not look",
                       100.0 * unreached_share_);
  }
  return {};
}

}  // namespace flare::analysis
