// The default estimator: explore, freeze, estimate afresh, audit. See analysis/README.md for the flow.
#pragma once

#include "analysis/rare_event/core/evaluation_ledger.hpp"

namespace flare::analysis {

/// Estimates with the ledger's present reading of unknown runs. `label` keeps the random streams of several
/// estimates of one problem apart. Run counts are the ledger's.
RareEventSummary estimate_automatically(EvaluationLedger& ledger, const RareEventOptions& options,
                                        std::string_view label);

}  // namespace flare::analysis
