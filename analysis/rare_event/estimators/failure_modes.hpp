// Where the failures that were met come from: chains tell places of failures from one another, and in which directions each of them
// differs from N(0, I).
#pragma once

#include <cstddef>
#include <vector>

#include "analysis/rare_event/core/estimator_session.hpp"
#include "analysis/rare_event/search/failure_search.hpp"

namespace flare::analysis {

/// Failing states of chains that went the same way.
struct FailureMode {
  engine::Matrix states;  // rows
  engine::Vector mean;
  std::size_t chains = 0;

  bool same_way(const engine::Vector& other) const;
};

struct FailureModes {
  std::vector<FailureMode> modes;
  engine::Matrix ends;       // of all chains, rows
  engine::Matrix predicted;  // failures met that a region predicts: no chain began there
  std::size_t met_once = 0;  // modes that one chain led to

  std::size_t asked() const { return static_cast<std::size_t>(ends.rows() + predicted.rows()); }
};

/// Chains of N(0, I) restricted to failing points (search/typical_failures.hpp), `most_chains` at most, from failures that audits
/// could not explain and others that no region predicts, as different as they come; where there is none of either, from some that
/// one does. Chains whose means point the same way are of one mode. Up to runs_a_chain each.
FailureModes find_failure_modes(EstimatorSession& session, const SearchResult& search,
                                std::size_t most_chains);
constexpr std::size_t runs_a_chain = 136;

/// Orthonormal directions in which the mode's states differ from N(0, I), each turned to where they are: coordinates whose mean
/// does, and the direction of the mean in all others where it is longer than chance makes it. The direction of the mean
/// alone where many coordinates take part.
engine::Matrix directions_of(const FailureMode& mode);

}  // namespace flare::analysis
