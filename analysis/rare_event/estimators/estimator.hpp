// What every way of estimating P has in common. The default method lets them race; one that was asked for by
// name runs alone. Both see nothing but this interface.
//
//   pilot      spends runs to shape a proposal, freezes it and says what an estimate would cost;
//   estimate   fresh runs of what is frozen: a number with its interval, or a refusal with its objection.
//
// estimator_list.cpp lists them; frozen_estimator.hpp has the stages that those with a frozen proposal share,
// so that they bring pilot, draw and objection only.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "analysis/rare_event/core/estimator_session.hpp"
#include "analysis/rare_event/search/failure_search.hpp"
#include "analysis/rare_event/search/plain_look.hpp"

namespace flare::analysis {

/// What an estimator begins with: the session that makes its runs, and what the stages before have found out.
struct Findings {
  EstimatorSession& session;
  const PlainLook& look;
  SearchResult& search;
  /// Of the pilot along the search's own regions, once it was made: other engines start from its roots.
  struct Roots {
    std::vector<LineRegion> regions;
    std::vector<LineResult> lines;
    bool scattered = false;  // a few lines decide, and there is enough left for others to try
  };
  std::optional<Roots> roots = std::nullopt;

  bool lines_scatter() const { return roots && roots->scattered; }
  /// Searches along the pilot's lines miss what others met.
  bool in_pieces() const {
    return roots && std::any_of(roots->regions.begin(), roots->regions.end(),
                                [](const LineRegion& region) { return region.in_pieces; });
  }
};

/// What a pilot promises of the estimate.
struct Forecast {
  std::vector<double> spreads;  // of each stratum, relative
  double values_needed = 0.0;   // lines, rays or runs to the target
  double values_useful = 0.0;   // to a coefficient of variation that is worth having
  double runs_each = 1.0;
  double log_p = 0.0;
  double cov = 1e300;      // of the pilot's mean
  double effective = 0.0;  // samples of the pilot
  bool usable = false;

  double runs() const { return values_needed * runs_each; }
  /// A useful estimate takes at most 0.85 of what is left.
  bool comfortable(const EvaluationLedger& ledger) const {
    return usable && std::min(values_needed, values_useful) * runs_each <
                         0.85 * static_cast<double>(ledger.remaining());
  }
};

class Estimator {
 public:
  virtual ~Estimator() = default;

  /// In the log.
  virtual std::string_view name() const = 0;
  /// Fills in forecast(). BudgetSpent passes through.
  virtual void pilot(Findings& findings) = 0;
  /// After pilot(), from a forecast that is usable.
  virtual RareEventSummary estimate(Findings& findings) = 0;

  /// Sees failures around regions() only: then others may be missed, and an audit has something to ask.
  virtual bool needs_regions() const { return false; }
  const std::vector<LineRegion>& regions() const { return regions_; }
  /// After estimate(): those of regions() whose part of P rests on a sample of its own. What fails elsewhere is not
  /// explained by the estimate.
  virtual std::vector<LineRegion> sampled_regions() const { return regions_; }
  /// After estimate(): where x lies it draws so often that failures like x are in it, whatever regions() say of them.
  virtual bool accounts_for(const engine::Vector& /*x*/) const { return false; }

  const Forecast& forecast() const { return forecast_; }
  /// The race needs no other pilot.
  virtual bool is_comfortable(const EvaluationLedger& ledger) const { return forecast_.comfortable(ledger); }
  /// In a race, runs: one that can miss no region is worth twice the price.
  virtual double price() const { return forecast_.runs() * (needs_regions() ? 1.0 : 0.5); }

 protected:
  std::vector<LineRegion> regions_;
  Forecast forecast_;
};

}  // namespace flare::analysis
