// How many cores this process may use.
#pragma once

namespace flare::engine {

/// Cores of the affinity mask (taskset, a batch system's share); 1 at least.
int available_cores();

}  // namespace flare::engine
