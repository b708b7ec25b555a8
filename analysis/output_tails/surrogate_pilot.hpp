// Second stage of the shared estimator: a stand-in for every group of questions that are decided near one another,
// shaped by runs near their boundaries.
#pragma once

#include <vector>

#include "analysis/output_tails/plane_exploration.hpp"

namespace flare::analysis {

/// Questions of one side that lie within two sigma of one another, and their stand-in.
struct QuestionGroup {
  Side side = Side::below;
  std::vector<std::size_t> questions;
  TailSurrogate surrogate;
};

/// Throws OutputTailsEnded where too few runs gave an answer. The pilots join `explored.near`.
std::vector<QuestionGroup> shape_surrogates(OutputSession& session, PlaneExploration& explored);

/// Stand-ins anew, from all runs that joined `explored.near` since.
void reshape_surrogates(OutputSession& session, PlaneExploration& explored,
                        std::vector<QuestionGroup>& groups);

}  // namespace flare::analysis
