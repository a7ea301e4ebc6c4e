// The environment in a sandbox: nothing of whoever starts the run.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "trusted/launcher/host_mpi.hpp"
#include "trusted/policy/policy.hpp"

namespace sluice::launcher {

using Environment = std::vector<std::pair<std::string, std::string>>;

/// Of mpiexec and, but for what is preloaded, of the ranks. What the policy sets comes last and wins.
Environment environment_of(const policy::Subject& subject, HostMpi mpi);

}  // namespace sluice::launcher
