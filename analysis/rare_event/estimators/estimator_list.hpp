// Every way of estimating P: which of them race in the default method, and which may be asked for by name.
//
// A new one is a file beside the others, with a class that is an Estimator (mostly a FrozenEstimator), and one
// line in a list of estimator_list.cpp; analysis/README.md shows how.
#pragma once

#include <memory>
#include <vector>

#include "analysis/rare_event/estimators/estimator.hpp"

namespace flare::analysis {

using Estimators = std::vector<std::unique_ptr<Estimator>>;

/// Takes part in the race of the default method.
struct Entrant {
  /// Estimators of round 0 always have their pilot; those of a later round only where none before promises a
  /// comfortable estimate.
  int round = 0;
  bool (*enters)(const Findings& findings) = nullptr;
  Estimators (*make)(Findings& findings) = nullptr;
  /// At last: once more, where an audit of its estimate met failures that were not in it.
  bool begins_again = false;
};
/// In the order of their pilots.
const std::vector<Entrant>& race_entrants();

/// In the order in which they try where the race ends in a refusal. A pilot must notice early, within a few dozen runs or by
/// what it would cost, where it has no use; the rounds mean nothing here.
const std::vector<Entrant>& last_entrants();

/// May be asked for by name.
struct NamedEstimator {
  RareEventMethod method;
  bool searches;  // begins with a search for failures; else with nothing
  Estimators (*make)(Findings& findings);
};
const std::vector<NamedEstimator>& named_estimators();
const NamedEstimator& named_estimator(RareEventMethod method);

}  // namespace flare::analysis
