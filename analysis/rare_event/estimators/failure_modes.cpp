#include "analysis/rare_event/estimators/failure_modes.hpp"

#include <algorithm>
#include <cmath>

#include "analysis/rare_event/core/point_rows.hpp"
#include "analysis/rare_event/estimators/active_subspace.hpp"
#include "analysis/rare_event/search/typical_failures.hpp"

namespace flare::analysis {
namespace {

using engine::Matrix;
using engine::Vector;

constexpr std::size_t most_asked = 10;       // of the failures met
constexpr std::size_t most_unexplained = 4;  // of those that audits could not explain
constexpr int on_the_way = 96, steps_kept = 40;
static_assert(on_the_way + steps_kept == runs_a_chain);
constexpr double same_mode = 0.6;   // cosine of means
constexpr double correlated = 6.0;  // states of a chain that tell as much as one independent one
constexpr double differs = 4.0;     // standard errors
constexpr Eigen::Index most_coordinates = 12;
constexpr double longer_than_chance = 3.0;  // squared length

// Where chains begin; `predicted`: the failures met, of those as different as they come, that a region predicts.
std::vector<Vector> starts_of(const EvaluationLedger& ledger, const SearchResult& search, std::size_t most,
                              std::vector<Vector>& predicted) {
  std::vector<Vector> starts;
  for (const Vector& x : search.unexplained)
    if (starts.size() < std::min(most, most_unexplained)) starts.push_back(x);
  for (Vector& x : most_different(as_rows(ledger.met_failures(), ledger.dimension()), most_asked)) {
    if (predicted_to_fail(search.regions, x)) {
      predicted.push_back(std::move(x));
    } else if (starts.size() < most) {
      starts.push_back(std::move(x));
    }
  }
  if (starts.empty()) {
    predicted.resize(std::min(predicted.size(), most));
    starts.swap(predicted);
  }
  return starts;
}

// The ways along which chains keep what fails: the regions', and that of the plane where one was fitted.
std::vector<LineRegion> axes_of(const SearchResult& search) {
  std::vector<LineRegion> axes = search.regions;
  if (search.plane && search.plane->slope.norm() > 0.0)
    axes.emplace_back(-search.plane->slope, search.plane->at_origin / search.plane->slope.norm());
  return axes;
}

void add(const Matrix& states, FailureMode& mode) {
  append_rows(states, mode.states);
  mode.mean = mode.states.colwise().mean();
  ++mode.chains;
}

}  // namespace

bool FailureMode::same_way(const Vector& other) const {
  return other.dot(mean) > same_mode * other.norm() * mean.norm();
}

FailureModes find_failure_modes(EstimatorSession& session, const SearchResult& search,
                                std::size_t most_chains) {
  FailureModes found;
  std::vector<Vector> predicted;
  std::vector<Vector> failing = starts_of(session.ledger(), search, most_chains, predicted);
  if (failing.empty()) return found;
  const std::vector<LineRegion> axes = axes_of(search);
  const ChainRules rules{on_the_way, nullptr};
  failing =
      typical_failures(session.ledger(), std::move(failing), axes, rules, session.random(), Purpose::pilot);
  const std::vector<Matrix> chains =
      failing_chains(session.ledger(), failing, axes, steps_kept, session.random(), Purpose::pilot);
  for (const Matrix& chain : chains) {
    const Vector mean = chain.colwise().mean();
    const auto own = std::find_if(found.modes.begin(), found.modes.end(),
                                  [&](const FailureMode& mode) { return mode.same_way(mean); });
    add(chain, own == found.modes.end() ? found.modes.emplace_back() : *own);
  }
  found.ends.resize(static_cast<Eigen::Index>(chains.size()), session.ledger().dimension());
  for (std::size_t k = 0; k < chains.size(); ++k)
    found.ends.row(static_cast<Eigen::Index>(k)) = chains[k].bottomRows(1);
  found.predicted = as_rows(predicted, session.ledger().dimension());
  for (const FailureMode& mode : found.modes) found.met_once += mode.chains == 1 ? 1 : 0;
  return found;
}

Matrix directions_of(const FailureMode& mode) {
  const Eigen::Index d = mode.mean.size();
  const double n = static_cast<double>(mode.states.rows()) / correlated;
  std::vector<Eigen::Index> own;
  Vector rest = mode.mean;
  for (Eigen::Index i = 0; i < d; ++i) {
    if (std::abs(mode.mean(i)) < differs / std::sqrt(n)) continue;
    own.push_back(i);
    rest(i) = 0.0;
  }
  if (static_cast<Eigen::Index>(own.size()) > std::min(most_coordinates, d / 2)) {
    own.clear();
    rest = mode.mean;
  }
  const double by_chance = static_cast<double>(d - static_cast<Eigen::Index>(own.size())) / n;
  const bool along_rest = own.empty() || rest.squaredNorm() > longer_than_chance * by_chance;
  Matrix basis = Matrix::Zero(d, static_cast<Eigen::Index>(own.size()) + (along_rest ? 1 : 0));
  for (std::size_t j = 0; j < own.size(); ++j)
    basis(own[j], static_cast<Eigen::Index>(j)) = mode.mean(own[j]) > 0.0 ? 1.0 : -1.0;
  if (along_rest) basis.rightCols(1) = rest / rest.norm();
  return basis;
}

}  // namespace flare::analysis
