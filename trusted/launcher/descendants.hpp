// The children of a process, as /proc tells.
#pragma once

#include <sys/types.h>

#include <vector>

namespace sluice::launcher {

/// Pids of all processes whose parent is `parent` and that have not ended; none for a `parent` that is not positive.
std::vector<pid_t> children_of(pid_t parent);

}  // namespace sluice::launcher
