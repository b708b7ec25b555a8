// Where a design fails: the exploring half of the default estimator. Nothing here enters an estimate.
//
// One plane that explains the margin at 1 and at 3 sigma is the short way. Else subset simulation and a scan
// at inflated spread look for failures, and every start that no known region explains founds one.
#pragma once

#include <limits>
#include <optional>
#include <vector>

#include "analysis/rare_event/core/linear_model.hpp"
#include "analysis/rare_event/sampling/line_sampling.hpp"
#include "analysis/rare_event/sampling/subset_simulation.hpp"
#include "analysis/rare_event/search/plain_look.hpp"

namespace flare::analysis {

/// What the pilot of one engine said, for the audit of another's estimate.
struct Witness {
  double log_p = 0.0;
  double coefficient_of_variation = 0.0;
};

struct SearchResult {
  std::vector<LineRegion> regions;
  double unseen_share = 0.0;  // Good-Turing
  bool planar = false;        // one plane explains all: no wide search was made
  std::size_t starts = 0;     // independent ones
  double noise = 0.0;         // of margins beside their spread: of where a line fails, about, sigma
  std::optional<LinearModel> plane;
  std::optional<double> log_p_behind_jumps;  // PlaneSearch's
  std::optional<Witness> rays;         // know nothing of regions; made where failures may surround the origin
  std::optional<SubsetResult> subset;  // where one was made and reached the failure set
  std::uint64_t kept =
      0;  // runs the search held back in the ledger: for repeats of subset simulation at last
  /// ln of the lower end of the largest number that an engine's pilot or estimate saw and that was not its own to refuse.
  double log_p_at_least = -std::numeric_limits<double>::infinity();
  std::vector<engine::Vector> unexplained;  // failing points that audits found in no region of an estimate

  /// Share of P that regions nobody met may hold beside those estimated. Among several two more than Good-Turing expects
  /// are allowed for: its own error.
  double unseen_allowance(std::size_t estimated) const;
  /// Fewest runs of repeats of subset simulation that may answer at last, and of the question whether they reach what was met.
  std::uint64_t runs_for_chains() const;
  void remember_unexplained(const std::vector<engine::Vector>& points) {
    unexplained.insert(unexplained.end(), points.begin(), points.end());
  }
};

/// Of these for that question.
constexpr std::uint64_t least_reach_runs = 120;

/// Fills in what it finds as it finds it: where the budget ends on the way, `result` holds what is known.
void search_failures(EstimatorSession& session, const PlainLook& look, SearchResult& result);

/// Why estimates around the regions found cannot be believed: too many starts found regions of their own.
/// Empty where they can.
std::string unseen_objection(const SearchResult& result);

/// Goes on from failing points that no region of `result` explains: widely, where one plane had seemed to
/// explain all.
void search_again(EstimatorSession& session, const PlainLook& look,
                  const std::vector<engine::Vector>& surprises, SearchResult& result);

/// Adds to `result` what the unknown runs, now read as failures, reveal.
void search_unknown_points(EstimatorSession& session, const PlainLook& look, SearchResult& result);

}  // namespace flare::analysis
