// The system-call filter of every subject: what namespaces alone do not close.
//
// A list of what is allowed (allowed_calls.cpp), with limits on the arguments of some. docs/sandbox.md tells of both.
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

/// BPF programs, each in a memfd at offset 0, as `bwrap --add-seccomp-fd` reads them. A call passes both or is refused.
struct Filter {
  Fd calls;
  Fd arguments;
};

/// Fails where libseccomp cannot build it, or without memory.
Result<Filter, Problem> system_call_filter(const FilterOptions& options);

}  // namespace sluice::sandbox
