#include "trusted/sandbox/mounts.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <iterator>

namespace sluice::sandbox {
namespace {

/// Text of an id map with which `disk` shows as `shown` and all ids below as themselves. `shown` is above `disk`.
std::string id_map(unsigned disk, unsigned shown) {
  std::string text;
  if (disk > 0) text += "0 0 " + std::to_string(disk) + "\n";
  text += std::to_string(disk) + " " + std::to_string(shown) + " 1\n";
  if (disk + 1 < shown) {
    text += std::to_string(disk + 1) + " " + std::to_string(disk + 1) + " " + std::to_string(shown - disk - 1) + "\n";
  }
  return text;
}

bool write_file(const std::string& path, const std::string& text) {
  const Fd file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return file && write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

/// A user namespace that exists only to carry an id map.
Result<Fd, Problem> map_namespace(const OwnerMap& owners) {
  const long child = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  if (child < 0) return system_problem("cannot make a user namespace for an owner map");
  if (child == 0) {
    for (;;) pause();
  }
  const std::string base = "/proc/" + std::to_string(child);
  const bool mapped = write_file(base + "/uid_map", id_map(owners.disk_uid, owners.shown_uid)) &&
                      write_file(base + "/gid_map", id_map(owners.disk_gid, owners.shown_gid));
  Fd space(mapped ? open((base + "/ns/user").c_str(), O_RDONLY | O_CLOEXEC) : -1);
  const int error = errno;
  kill(static_cast<pid_t>(child), SIGKILL);
  waitpid(static_cast<pid_t>(child), nullptr, 0);
  errno = error;
  if (!space) return system_problem("cannot write an owner map");
  return space;
}

/// Whether an error of opening or mounting FUSE says that this user may not use it here. A shortage says nothing.
bool lacks_fuse(int error) {
  constexpr int kRefusals[] = {EACCES, EPERM, ENOENT, ENODEV, ENXIO, ENOSYS, EINVAL};
  return std::find(std::begin(kRefusals), std::end(kRefusals), error) != std::end(kRefusals);
}

}  // namespace

Status<Problem> own_mounts() {
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return system_problem("cannot make the run's mounts private");
  }
  if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
    Problem problem = system_problem("cannot mount /proc for the run's processes");
    problem.kind = ProblemKind::host;
    problem.mend = "in a container, start it with an unmasked /proc (docker: --security-opt systempaths=unconfined)";
    return problem;
  }
  return Unit{};
}

Status<Problem> mount_run_directory(const std::string& directory) {
  if (mount("sluice", directory.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "mode=0711") != 0) {
    return system_problem("cannot mount the run's directory over " + directory);
  }
  return Unit{};
}

Result<Fd, Problem> detach(const std::string& path) {
  Fd tree(open_tree(AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
  if (!tree) return system_problem("cannot bind " + path);
  return tree;
}

Result<Fd, Problem> detach_mapped(const std::string& path, const OwnerMap& owners) {
  auto space = map_namespace(owners);
  if (!space) return space.error();
  auto tree = detach(path);
  if (!tree) return tree.error();
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_IDMAP;
  attributes.userns_fd = static_cast<decltype(attributes.userns_fd)>(space.value().get());
  if (mount_setattr(tree.value().get(), "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes, sizeof attributes) != 0) {
    Problem problem = system_problem("the file system of " + path + " cannot map owners");
    problem.kind = ProblemKind::host;
    problem.mend = "use a directory on ext4, xfs, btrfs or tmpfs with Linux 6.3 or newer";
    return problem;
  }
  return std::move(tree).value();
}

Status<Problem> attach(const Fd& tree, const std::string& place, bool read_only) {
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  if (read_only) attributes.attr_set |= MOUNT_ATTR_RDONLY;
  if (mount_setattr(tree.get(), "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes, sizeof attributes) != 0) {
    return system_problem("cannot restrict the mount for " + place);
  }
  if (move_mount(tree.get(), "", AT_FDCWD, place.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0) {
    return system_problem("cannot attach a mount at " + place);
  }
  return Unit{};
}

Status<Problem> mount_own_inodes(const std::string& lower, const std::string& empty, const std::string& place) {
  const std::string layers = "lowerdir=" + lower + ":" + empty;
  const unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV;
  // In a user namespace an overlay may not use trusted extended attributes.
  if (mount("overlay", place.c_str(), "overlay", flags, (layers + ",userxattr").c_str()) == 0 ||
      mount("overlay", place.c_str(), "overlay", flags, layers.c_str()) == 0) {
    return Unit{};
  }
  Problem problem = system_problem("cannot give a subject its own inodes of " + lower);
  problem.kind = ProblemKind::host;
  problem.mend = "the kernel needs overlayfs, usable in user namespaces since Linux 5.11";
  return problem;
}

Result<Fd, Problem> mount_mirror(const std::string& place, bool folder, uid_t user) {
  const auto failed = [] {
    const bool may_not = lacks_fuse(errno);
    Problem problem = system_problem("cannot mount a mirror");
    if (!may_not) return problem;
    problem.kind = ProblemKind::host;
    problem.mend = "modprobe fuse, and chmod 0666 /dev/fuse, as the package fuse3 does";
    return problem;
  };
  Fd fuse(open("/dev/fuse", O_RDWR | O_CLOEXEC));
  if (!fuse) return failed();
  const std::string options = "fd=" + std::to_string(fuse.get()) + ",rootmode=" + (folder ? "40000" : "100000") +
                              ",user_id=" + std::to_string(user) +
                              ",group_id=" + std::to_string(user == geteuid() ? getegid() : user) +
                              ",default_permissions";
  if (mount("sluice", place.c_str(), "fuse", MS_RDONLY | MS_NOSUID | MS_NODEV, options.c_str()) != 0) return failed();
  return fuse;
}

}  // namespace sluice::sandbox
