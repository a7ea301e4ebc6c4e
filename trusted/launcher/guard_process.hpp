// The guard of a run, from the supervisor's side.
#pragma once

#include "trusted/base/fd.hpp"
#include "trusted/base/mapping.hpp"
#include "trusted/base/result.hpp"
#include "trusted/launcher/identity.hpp"
#include "trusted/launcher/plan.hpp"
#include "trusted/launcher/spawn.hpp"
#include "trusted/launcher/staging.hpp"
#include "trusted/sandbox/problem.hpp"

namespace sluice::launcher {

struct GuardProcess {
  Child child;
  Fd control;          ///< trusted/guard/control.hpp
  Mapping statistics;  ///< guard::Statistics
};

/// Starts the guard with the run's tables.
Result<GuardProcess, sandbox::Problem> start_guard_process(const Plan& plan, const Stage& stage,
                                                           const Identities& identities);

/// Waits until the guard says that it is ready, for 60 s at most. Gives up when the front says anything, and sets
/// `interrupted`.
Status<sandbox::Problem> await_guard(const Child& child, const Fd& control, const Fd& front, bool& interrupted);

}  // namespace sluice::launcher
