// The system-call filter of every subject: what namespaces alone do not close.
//
// A deny-list: subjects run unmodified programs, so whatever is not known to reach past the sandbox, or to show what
// happens in another one, stays allowed. docs/sandbox.md lists the groups.
#pragma once

#include "trusted/base/fd.hpp"
#include "trusted/base/result.hpp"
#include "trusted/sandbox/problem.hpp"

namespace sluice::sandbox {

struct FilterOptions {
  /// Advisory file locks (flock, fcntl). Only for subjects that have a writable directory, where MPI-IO needs them,
  /// and that share no inode with another sandbox, the device nodes included: a lock of one subject would show there.
  bool file_locks = false;
};

/// The filter as a BPF program in a memfd at offset 0, as `bwrap --seccomp` reads it.
Result<Fd, Problem> system_call_filter(const FilterOptions& options);

}  // namespace sluice::sandbox
