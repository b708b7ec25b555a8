// Importance line sampling around regions (sampling/line_sampling.hpp): the proposal is each region's law in its
// hyperplane, refitted in rounds of lines until an estimate would cost little more than the pilots did.
#pragma once

#include <memory>
#include <vector>

#include "analysis/rare_event/estimators/frozen_estimator.hpp"
#include "analysis/rare_event/estimators/line_population.hpp"
#include "analysis/rare_event/estimators/moved_failures.hpp"

namespace flare::analysis {

class LineEstimator : public FrozenEstimator {
 public:
  /// `publish`: other engines may begin from the pilot's roots.
  LineEstimator(std::vector<LineRegion> regions, std::string name, int max_rounds = 6, bool publish = false);

  std::string_view name() const override { return name_; }
  bool needs_regions() const override { return true; }
  /// Rounds of lines, each from laws refitted to all before it; the last round's spread sets the sample sizes.
  void pilot(Findings& findings) override;
  std::vector<LineRegion> sampled_regions() const override;
  /// Lines that fail in pieces, and those of which a few decide, have large values that a pilot hardly shows.
  double price() const override;
  bool is_comfortable(const EvaluationLedger& ledger) const override;

 protected:
  RareEventMethod method() const override { return RareEventMethod::line_sampling; }
  std::vector<Stratum> draw(EstimatorSession& session, const std::vector<std::size_t>& counts) override;
  bool can_relearn() const override { return true; }
  bool has_changed() const override { return changed_; }
  void relearn(EstimatorSession& session, std::uint64_t cost) override;
  /// The weights of a region's lines do not have the mean that they must have.
  std::string objection(const Sampled& sampled) const override;
  std::string asked_objection(EstimatorSession& session, const Sampled& sampled) const override;
  std::uint64_t runs_to_ask() const override {
    return few_asked() ? runs_to_move_failures * regions_.size() : 0;
  }
  void describe_regions(const WeightedEstimate& estimate, RareEventSummary& summary) const override;

 private:
  bool in_pieces() const;
  /// Of two to four regions, and the search's population was asked.
  bool few_asked() const;
  void run_rounds(EstimatorSession& session);
  /// Lines through what the search's population of failures has: does a search along them find it, and would such lines
  /// be drawn often enough? Where not, the laws are fitted to them, too, and the rounds go on.
  void ask_population(Findings& findings);
  /// In few dimensions lines beside a plane that see a corner are refused for too few effective ones; those that happen to see a
  /// part of it only look better, and scatter still.
  bool few_decide(const Sampled& sampled) const;
  /// Every round of a pilot is unbiased as well: in one region the rounds saw three times what the estimate did, and a
  /// tenth of P more. A stratum of a few lines whose law has lost its part shows nothing of it in itself.
  bool pilots_saw_more(double log_p) const;
  /// A contradiction: from here on every line is checked, and where it failed short of its root the region is scanned.
  void watch(const std::vector<LineResult>& lines);
  /// Few lines do not show the shape of a noise that matters.
  bool noise_matters() const;
  void learn(const RareEventOptions& options, const std::vector<LineResult>& lines, std::uint64_t cost);

  std::string name_;
  int max_rounds_;
  bool publish_;
  double check_share_ = 0.3;  // of the lines, looked at once more away from the root
  bool doubts_ = true;        // no plane explains the margins: the pilot looks for pieces
  bool shaped_by_population_ = false;
  // Beside a plane a few lines decide the pilot: lines that see a corner are refused for too few effective ones, those that
  // happen to miss it are believed. Engines that look at the corner by itself come first.
  bool scattered_ = false;
  bool changed_ = false;            // a region turned out to be in pieces
  std::vector<LineResult> learnt_;  // that shaped the proposal
  LinePopulation population_;
  std::vector<LineResult> drawn_;  // of the estimate
};

/// Lines around the search's regions, from whose roots other engines may begin.
std::unique_ptr<Estimator> lines_around_regions(const SearchResult& search, int max_rounds = 6);

}  // namespace flare::analysis
