// Lines against what the search met: lines of the regions through failures of subset simulation's population and through others
// that matter. Does a search along such a line find the failure, and would it be drawn often enough?
#pragma once

#include <vector>

#include "analysis/rare_event/sampling/line_sampling.hpp"

namespace flare::analysis {

/// Dimensions up to which a law that few points shaped draws them no more often than it should.
inline constexpr Eigen::Index most_to_fit = 12;

/// ln of the density, over the lines of the region that x reaches furthest along, of P behind the failing point x.
double log_importance(const std::vector<LineRegion>& regions, const engine::Vector& x);
/// ln of the value of the line through the failing point x, at least.
double log_value_through(const std::vector<LineRegion>& regions, const engine::Vector& x);
/// The median of log_importance over failing rows.
double median_importance(const engine::Matrix& failures, const std::vector<LineRegion>& regions);

class LinePopulation {
 public:
  /// Makes a line through up to 20 different rows of `population` (failing) and as many other failures that were met, that lie
  /// short of where their line is expected to fail and matter as much; runs of a pilot. `log_p`: of the estimate, about.
  /// A region in which searches miss two of them is in pieces from then on: true where one is that was not.
  bool ask(EvaluationLedger& ledger, const engine::Matrix& population, std::vector<LineRegion>& regions,
           double log_p, NormalStream& random);

  bool asked() const { return !met_.empty(); }
  /// Rows of the population that were asked, those that repeat others counted as well.
  std::size_t size() const { return met_.size(); }
  /// All lines made, those through the population as often as their points stand there.
  std::vector<LineResult> lines() const;

  /// Of the population's lines, those each of which would carry more than a tenth of exp(log_p) from counts[k] lines of region k.
  double heavy_share(const std::vector<LineRegion>& regions, const std::vector<double>& counts,
                     double log_p) const;
  /// A tenth of the population or two other failures that matter are heavy.
  bool hardly_drawn(const std::vector<LineRegion>& regions, const std::vector<double>& counts,
                    double log_p) const;
  /// Lines through the population carry next to nothing of what they would carry were it drawn from P; `drawn`: the
  /// estimate's, counts[k] of region k.
  bool decides_nothing(const std::vector<LineRegion>& regions, const std::vector<LineResult>& drawn,
                       const std::vector<double>& counts, double log_p) const;

 private:
  bool count_missed(const engine::Matrix& points, std::vector<LineRegion>& regions);

  std::vector<LineResult> met_;     // through the population
  std::vector<LineResult> others_;  // through other failures that matter
};

}  // namespace flare::analysis
