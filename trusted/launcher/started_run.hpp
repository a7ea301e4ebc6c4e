// The start of a run: everything is laid out, and the processes of it begin.
#pragma once

#include <vector>

#include "trusted/base/fd.hpp"
#include "trusted/base/result.hpp"
#include "trusted/launcher/guard_process.hpp"
#include "trusted/launcher/identity.hpp"
#include "trusted/launcher/plan.hpp"
#include "trusted/launcher/rank_pipes.hpp"
#include "trusted/launcher/spawn.hpp"
#include "trusted/sandbox/limit_group.hpp"
#include "trusted/sandbox/problem.hpp"
#include "trusted/sandbox/relaxation.hpp"

namespace sluice::launcher {

/// A sandbox that waits at its gate: nothing of the subject's runs in it yet.
struct StartedSubject {
  Child child;
  std::vector<sandbox::Entry> proc_covers;  ///< to be mounted before the gate is opened
  Fd heard;                                 ///< what denials are heard by comes over it; none where nobody can listen
  std::vector<RankPipes> output;            ///< of each rank
};

struct StartedRun {
  GuardProcess guard;  ///< not yet ready: await_guard()
  std::vector<StartedSubject> subjects;
  std::vector<sandbox::Relaxation> relaxations;  ///< what this host cannot give
};

/// The guard starts while the subjects are laid out, and each subject's sandbox while the next one is: a host of few
/// processors has something to do all the time. To be called once, by pid 1 of a new pid and mount namespace.
/// `groups` are the subjects' control groups, one each or none at all.
Result<StartedRun, sandbox::Problem> start_run(const Plan& plan, const Identities& identities,
                                               const std::vector<sandbox::LimitGroup>& groups);

}  // namespace sluice::launcher
