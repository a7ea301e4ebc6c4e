// Hides what of /proc is not a sandbox's own.
#pragma once

#include <vector>

#include "trusted/base/fd.hpp"
#include "trusted/base/result.hpp"
#include "trusted/sandbox/command.hpp"
#include "trusted/sandbox/problem.hpp"

namespace sluice::sandbox {

/// Mounts the source of each entry read-only at its place, in the mount namespace of `process` (a pidfd). bubblewrap
/// can do the same, and reads the list of all mounts anew for each of the fifty.
Status<Problem> cover(const Fd& process, const std::vector<Entry>& covers);

}  // namespace sluice::sandbox
