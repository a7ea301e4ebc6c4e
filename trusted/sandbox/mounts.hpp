// Mounts of a run: all of them in the supervisor's own mount namespace, so that they go when its last process goes.
#pragma once

#include <sys/types.h>

#include <string>

#include "trusted/base/fd.hpp"
#include "trusted/base/result.hpp"
#include "trusted/sandbox/problem.hpp"

namespace sluice::sandbox {

/// Owner on disk and user of the sandbox, for a mount that shows the one as the other.
struct OwnerMap {
  uid_t disk_uid;
  gid_t disk_gid;
  uid_t shown_uid;
  gid_t shown_gid;
};

/// Makes every mount of this namespace private and mounts a fresh /proc for its pid namespace.
Status<Problem> own_mounts();

/// Mounts an empty tmpfs, mode 0711, at `directory`. What lay there stays reachable only through descriptors.
Status<Problem> mount_run_directory(const std::string& directory);

/// A detached copy of the mount at `path`, with everything mounted below it.
Result<Fd, Problem> detach(const std::string& path);

/// The same, showing the owner's files as the sandbox user's, and the other way round for what is written.
/// Fails with kind `host` where the file system cannot do that. Needs root.
Result<Fd, Problem> detach_mapped(const std::string& path, const OwnerMap& owners);

/// Attaches a detached mount at `place`, an existing file or directory of the same kind.
Status<Problem> attach(const Fd& mount, const std::string& place, bool read_only);

/// Mounts at `place` a read-only overlay of `lower`, so that locks, watches and the like on its files meet other
/// inodes than anybody else's. `empty` is an empty directory (an overlay needs two layers).
Status<Problem> mount_own_inodes(const std::string& lower, const std::string& empty, const std::string& place);

/// Mounts at `place`, an existing folder (or file), what a sluice-mirror will serve to the returned /dev/fuse:
/// read-only, seen by `user` alone. Until the server begins, whoever looks waits; once every copy of the descriptor is
/// closed, looking fails. Fails with kind `host` where this user may not use FUSE, and only there: a run may do without
/// a mirror then, not because descriptors or memory are short.
Result<Fd, Problem> mount_mirror(const std::string& place, bool folder, uid_t user);

}  // namespace sluice::sandbox
