// OpenTURNS on the catalogue: FORM importance sampling, subset simulation and NAIS in a Python process at the other end of
// two pipes (openturns_peers.py has the protocol).
#pragma once

#include "tests/analysis/rare_event/rare_event_validation.hpp"

namespace flare::analysis {

/// True where /usr/bin/python3 finds OpenTURNS.
bool peers_installed();

/// A row a method, the seeds and half-widths of `options`. A method that asks for more than `max_runs` runs, or says nothing
/// for a minute, counts as refused. Problems with unknown runs give no row: the peers have no such notion.
std::vector<ValidationRow> validate_peers(const RareEventProblem& problem, const ValidationOptions& options,
                                          std::uint64_t max_runs);

}  // namespace flare::analysis
