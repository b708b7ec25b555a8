// Which estimator answers: pilots race, and what one sees clearly another may not miss.
#pragma once

#include "analysis/rare_event/estimators/estimator_list.hpp"

namespace flare::analysis {

/// What a pilot saw clearly is evidence against an answer that ends below it, whatever became of its engine.
void note_pilot(const Forecast& forecast, SearchResult& search);

/// With their pilots made and usable, the one to estimate with first. Where the origin itself fails, the
/// search's regions are replaced by the direction that a short pilot likes best; a plane found on the way is
/// kept in the search's result.
Estimators race(Findings& findings);

/// The one that the caller asked for; none where its pilot saw too little.
Estimators as_asked(Findings& findings);

}  // namespace flare::analysis
