// Lays out, in the supervisor's own mount namespace, what each sandbox will be made of.
#pragma once

#include <string>
#include <vector>

#include "trusted/base/fd.hpp"
#include "trusted/base/result.hpp"
#include "trusted/launcher/identity.hpp"
#include "trusted/launcher/plan.hpp"
#include "trusted/launcher/rank_pipes.hpp"
#include "trusted/sandbox/command.hpp"
#include "trusted/sandbox/seccomp.hpp"

namespace sluice::launcher {

struct StagedSubject {
  sandbox::Command command;  ///< without info descriptor
  sandbox::Filter filter;
  std::vector<RankPipes> output;  ///< of each rank
};

struct Stage {
  Fd guard_program;  ///< opened before the run's directory could hide it
  std::vector<StagedSubject> subjects;
  std::vector<Fd> listeners;             ///< the guard's sockets, one for each subject
  std::vector<std::string> relaxations;  ///< what this host could not give, for the log
};

/// To be called once, by pid 1 of a new pid and mount namespace.
Result<Stage, sandbox::Problem> stage_run(const Plan& plan, const Identities& identities);

}  // namespace sluice::launcher
