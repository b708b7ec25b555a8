// The places where failures were met, each with a proposal of its own.
#pragma once

#include <limits>

#include "analysis/rare_event/estimators/failure_modes.hpp"
#include "analysis/rare_event/estimators/frozen_estimator.hpp"
#include "analysis/rare_event/estimators/moved_failures.hpp"
#include "analysis/rare_event/sampling/subspace_mixture.hpp"

namespace flare::analysis {

/// A place for every mode that chains from failures that were met lead to (failure_modes.hpp), and for every region of the search
/// that points another way. Where a place's failures all lie beyond a limit in its directions, most of its runs are drawn
/// from N(0, I) beyond it, where all weights are alike: behind a plane, and in a corner of several, each fails most
/// of the time. The other runs are of N(m, S) in the same directions, for what fails elsewhere. For corners
/// and wedges that no gradient leads to, beside a region that hides them. Up to 60 dimensions.
class MetModesEstimator : public FrozenEstimator {
 public:
  std::string_view name() const override { return "modes met"; }
  bool needs_regions() const override { return true; }
  void pilot(Findings& findings) override;
  std::vector<LineRegion> sampled_regions() const override;
  bool accounts_for(const engine::Vector& x) const override;

 protected:
  RareEventMethod method() const override { return RareEventMethod::mixture_importance; }
  std::vector<Stratum> draw(EstimatorSession& session, const std::vector<std::size_t>& counts) override;
  std::string objection(const Sampled& sampled) const override;
  std::string asked_objection(EstimatorSession& session, const Sampled& sampled) const override;
  std::uint64_t runs_to_ask() const override { return runs_to_move_failures; }

 private:
  /// Directions, failing points in them with weights, and the components made of these.
  struct Place {
    engine::Matrix basis;
    engine::Vector boundary;      // in each direction alone
    engine::Matrix along;         // failing points, B^T x each
    std::vector<double> weights;  // of these
    double share = 0.0;           // of P, as far as rounds tell
    bool failed = true;           // in a round
  };
  /// False where the middle of a mode passes.
  bool add_places(EstimatorSession& session, const FailureModes& found, const std::vector<LineRegion>& known);
  void add(EstimatorSession& session, engine::Matrix basis, const engine::Matrix& states,
           const engine::Vector& nearest);
  /// Components from the places as they are known.
  void shape();
  void learn(const WeightedSample& sample, double log_scale);
  void learn_in_rounds(EstimatorSession& session);
  double unreached_share(const engine::Matrix& failures) const;

  std::vector<Place> places_;
  SubspaceMixture proposal_;
  std::vector<std::size_t> place_of_;  // of each component
  std::vector<std::size_t> failing_;   // of the estimate's runs, by place
  FailuresDrawn drawn_;
  double unreached_share_ = 0.0;                                      // of the failures that are known
  double log_p_of_plane_ = -std::numeric_limits<double>::infinity();  // beside which the margin jumps
};

}  // namespace flare::analysis
