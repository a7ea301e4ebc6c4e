// Lays out, in the supervisor's own mount namespace, what each sandbox will be made of.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "trusted/base/fd.hpp"
#include "trusted/base/result.hpp"
#include "trusted/launcher/identity.hpp"
#include "trusted/launcher/plan.hpp"
#include "trusted/launcher/rank_pipes.hpp"
#include "trusted/sandbox/command.hpp"
#include "trusted/sandbox/relaxation.hpp"
#include "trusted/sandbox/seccomp.hpp"

namespace sluice::launcher {

/// A mount that a sluice-mirror is to serve.
struct StagedMirror {
  Fd root;                ///< what it shows, O_PATH
  Fd fuse;                ///< of the mount
  unsigned seconds = 60;  ///< how long the kernel may keep what it was told
  bool direct = true;     ///< reads past the host's cache
};

struct StagedSubject {
  sandbox::Command command;                 ///< without the info descriptor
  std::vector<sandbox::Entry> proc_covers;  ///< to be mounted before its gate is opened
  Fd gate;                                  ///< socket to sluice-confine, which waits for a byte
  Fd gate_inside;                           ///< its other end
  sandbox::Filter filter;
  Fd heard;                       ///< what denials are heard by comes over it; none where this host lets nobody listen
  Fd told;                        ///< its other end, for the sandbox
  std::vector<RankPipes> output;  ///< of each rank
  std::vector<StagedMirror> mirrors;
};

/// What is there before any subject is staged.
struct Stage {
  Fd guard_program;  ///< opened before the run's directory could hide it
  Fd mirror_program;
  std::vector<Fd> listeners;  ///< the guard's sockets, one for each subject
  std::vector<Fd> spills;     ///< files without a name, one for each flow that spills
};

/// What becomes of the parts of a run as soon as they are there, so that the rest is laid out beside it. What these
/// start must not use memory of this process: it has threads meanwhile.
struct StagingSteps {
  std::function<Status<sandbox::Problem>(const Stage& stage)> guard;
  std::function<Status<sandbox::Problem>(const Stage& stage, std::size_t index, StagedSubject subject)> subject;
};

/// To be called once, by pid 1 of a new pid and mount namespace. Returns what this host cannot give.
Result<std::vector<sandbox::Relaxation>, sandbox::Problem> stage_run(const Plan& plan, const Identities& identities,
                                                                     const StagingSteps& steps);

}  // namespace sluice::launcher
