// The system-call filter of every subject: what namespaces alone do not close.
//
// A list of what is allowed (allowed_calls.cpp), with limits on the arguments of some. docs/sandbox.md tells of both.
#pragma once

#include <string>

#include "trusted/base/fd.hpp"
#include "trusted/base/result.hpp"
#include "trusted/sandbox/problem.hpp"

namespace sluice::sandbox {

struct FilterOptions {
  /// Advisory file locks (flock, fcntl). Only for subjects that have a writable directory, where MPI-IO needs them,
  /// and that share no inode with another sandbox, the device nodes included: a lock of one subject would show there.
  bool file_locks = false;
  /// Denials are for a listener to answer (SECCOMP_RET_USER_NOTIF), who counts them. Without a listener the kernel
  /// refuses them by itself, with ENOSYS.
  bool tell_denials = false;
};

/// BPF programs, each in a memfd at offset 0. A call passes all of them or is refused.
struct Filter {
  Fd calls;      ///< for `bwrap --add-seccomp-fd`
  Fd arguments;  ///< the same
  Fd denials;    ///< for sluice-confine, which can get a listener
};

/// Fails where libseccomp cannot build it, or without memory.
Result<Filter, Problem> system_call_filter(const FilterOptions& options);

/// The same programs in memory of their own, for another sandbox. Building them anew takes some milliseconds.
Result<Filter, Problem> copy_of(const Filter& filter);

/// Name of a system call of this machine; its number in digits if libseccomp does not know it.
std::string name_of_call(int number);

}  // namespace sluice::sandbox
