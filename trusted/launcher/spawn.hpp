// Starts the processes of a run from the supervisor.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "trusted/base/fd.hpp"
#include "trusted/base/result.hpp"
#include "trusted/launcher/identity.hpp"
#include "trusted/launcher/staging.hpp"
#include "trusted/sandbox/problem.hpp"

namespace sluice::launcher {

/// A started process with both its outputs in pipes.
struct Child {
  pid_t pid = -1;
  Fd process;  ///< pidfd
  Fd out;
  Fd err;
  Fd info;  ///< sandboxes: what bubblewrap reports, as JSON lines
  Fd gate;  ///< sandboxes: readable once it is there; nothing of the subject's runs before a byte is written here
};

/// The guard, with the descriptors of trusted/guard/control.hpp, and nothing else.
struct GuardDescriptors {
  int control;
  int table;
  int statistics;
  std::vector<int> listeners;
  std::vector<int> spills;  ///< of the flows that spill, in the table's order
};
Result<Child, sandbox::Problem> start_guard(const Fd& program, const GuardDescriptors& descriptors,
                                            const Identities& identities);

/// The process that serves all `mirrors` of subject `index`, as its host user. It ends when they go.
/// `group` is the entrance of the subject's control group, or no descriptor.
Status<sandbox::Problem> start_mirrors(const Fd& program, const std::vector<StagedMirror>& mirrors, std::size_t index,
                                       const Identities& identities, const Fd& group);

/// Subject `index` in its sandbox, in a new time namespace, as its own host user where that can be.
Result<Child, sandbox::Problem> start_sandbox(StagedSubject& subject, std::size_t index, const Identities& identities,
                                              const Fd& group);

/// Lets this process open as many files as it may. Subjects keep the limit of before.
void raise_descriptor_limit();

/// A pidfd, close-on-exec.
Fd open_process(pid_t pid);

/// Sends `signal` to the process itself, never to another one that has its number by now.
void signal_process(const Fd& process, int signal);

/// True once the process has ended, reaped or not.
bool has_ended(const Fd& process);

}  // namespace sluice::launcher
