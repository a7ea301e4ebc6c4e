// Single trials of what a kernel lets the calling user do, each in a child process.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace sluice::sandbox {

/// Runs `trial` in a child process with at most 10 s; returns the errno that it returned, 0 for success, or EINTR if
/// a signal ended it.
int try_in_child(const std::function<int()>& trial);

/// Inside a child: a new user namespace in which the caller is itself. errno, or 0.
int enter_user_namespace();

/// Inside a child: what the supervisor of a run has: new pid and mount namespaces, and a user namespace unless the
/// caller is root. errno, or 0. The pid namespace begins with the next fork.
int enter_run_namespaces();

/// Seals a memfd against future writers and tries to get around it. errno, or 0 when it holds.
int try_memory_seal();

/// First line of a command's output and its exit status; -1 if it could not be started or took over 10 s.
struct Output {
  int status = -1;
  std::string line;
};
Output run_command(const std::vector<std::string>& command);

}  // namespace sluice::sandbox
