// What outputs that the stand-in does not expect are worth: rare_event/core/unexpected_worth.hpp, asked of a question.
#pragma once

#include <vector>

#include "analysis/output_tails/output_session.hpp"
#include "analysis/output_tails/shared_estimate.hpp"
#include "analysis/rare_event/core/unexpected_worth.hpp"

namespace flare::analysis {

/// Runs whose coordinates across the axis are draws of scale * N(0, I).
struct OutputLook {
  double scale = 1.0;
  KnownOutputs runs;
  bool near_limit = false;  // made along the axis where questions are decided
};

/// Looks in falling order of their scale. `excess` of what is returned is in units of y.
UnexpectedWorth worth_of_unexpected(const FrozenQuestion& frozen, const TailQuestion& question,
                                    const std::vector<OutputLook>& looks);

}  // namespace flare::analysis
