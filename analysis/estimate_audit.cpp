#include "analysis/estimate_audit.hpp"

#include <cmath>
#include <limits>
#include <utility>

namespace flare::analysis {

void refuse(RareEventSummary& summary, std::string reason) {
  summary.status = EstimateStatus::refused;
  summary.reason = std::move(reason);
  summary.log_p = summary.log_p_low = summary.log_p_high = std::numeric_limits<double>::quiet_NaN();
}

void audit(const SearchResult& search, RareEventSummary& summary) {
  if (!search.subset) return;
  summary.diagnostics.subset_log10_p = search.subset->log_p / std::log(10.0);
  if (summary.status != EstimateStatus::estimated) return;
  const double gap = search.subset->log_p - summary.log_p;
  summary.diagnostics.subset_alarm = std::abs(gap) > 3.0 * search.subset->log_sd;
  if (summary.diagnostics.subset_alarm && gap > 0.0)
    refuse(summary, "subset simulation sees clearly more: a region was missed");
}

}  // namespace flare::analysis
