// `sluice run`, from the policy file to the exit code.
#pragma once

#include "trusted/launcher/plan.hpp"
#include "trusted/sandbox/host_check.hpp"

namespace sluice::launcher {

/// Where the checks of trusted/sandbox/host_check.hpp look for the parts of Sluice.
sandbox::Places find_installation_places();

/// Performs a run. Writes to the standard outputs; returns the exit code (docs/running.md).
int run(const RunOptions& options);

}  // namespace sluice::launcher
