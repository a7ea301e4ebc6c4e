// Attempts to see another subject through locks and leases on files that both can open.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/attacks/attempts.hpp"

namespace sluice::attacks {

namespace {

/// The first common file on which `held` finds something of another process. The errno of the last refusal if every
/// file refuses the very question.
std::string look(const std::function<int(int fd)>& held) {
  std::string refusal;
  bool asked = false;
  for (const std::string& path : common_files()) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) continue;
    const int found = held(fd);
    if (found > 0) return kReached;
    if (found < 0) refusal = name_of(errno);
    asked = asked || found == 0;
    ::close(fd);
  }
  return asked ? kNothing : refusal;
}

int flock_held(int fd) {
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return ::flock(fd, LOCK_UN);
  return errno == EWOULDBLOCK ? 1 : -1;
}

int range_held(int fd, int command, off_t start) {
  struct flock range {};
  range.l_type = F_WRLCK;
  range.l_start = start;
  range.l_len = 1;
  if (::fcntl(fd, command, &range) != 0) return -1;
  return range.l_type != F_UNLCK ? 1 : 0;
}

/// A lease tells either way: it is refused while others have the file open for writing, and broken when they open it.
int lease_tells(int fd) {
  const bool had = ::fcntl(fd, F_SETLEASE, F_RDLCK) == 0;
  const bool refused = !had && errno == EAGAIN;
  if (!had && !refused) return -1;
  if (had) ::fcntl(fd, F_SETLEASE, F_UNLCK);
  return 1;
}

}  // namespace

std::string namespace_numbers() {
  std::string all;
  for (const char* kind : {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"}) {
    char link[64] = {};
    const ssize_t size = ::readlink(("/proc/self/ns/" + std::string(kind)).c_str(), link, sizeof link - 1);
    if (size > 0) all += (all.empty() ? "" : ",") + std::string(link);
  }
  return all;
}

std::string inode_numbers() {
  std::string all;
  for (const std::string& path : common_files()) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) continue;
    all += (all.empty() ? "" : ",") + path + ":" + std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
  }
  return all;
}

std::vector<std::string> common_files() {
  std::vector<std::string> files = {"/",
                                    "/dev",
                                    "/dev/null",
                                    "/dev/zero",
                                    "/dev/full",
                                    "/dev/random",
                                    "/dev/urandom",
                                    "/dev/pts",
                                    "/proc",
                                    "/proc/cpuinfo",
                                    "/proc/sys/kernel/osrelease",
                                    "/sys",
                                    "/sys/devices/system/cpu/online",
                                    "/tmp",
                                    "/run",
                                    "/etc",
                                    "/etc/hosts",
                                    "/etc/ld.so.cache",
                                    "/etc/nsswitch.conf",
                                    "/usr",
                                    "/usr/bin",
                                    "/usr/bin/env",
                                    "/usr/lib/x86_64-linux-gnu/libc.so.6",
                                    kSharedFile};
  for (const char* kind :
       {"cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time", "time_for_children", "user", "uts"}) {
    files.push_back("/proc/self/ns/" + std::string(kind));
  }
  return files;
}

std::vector<Attempt> lock_attempts(const Target&) {
  return {
      {"flock", [] { return look(flock_held); }},
      {"posix_lock", [] { return look([](int fd) { return range_held(fd, F_GETLK, 0); }); }},
      {"open_file_lock", [] { return look([](int fd) { return range_held(fd, F_OFD_GETLK, 1); }); }},
      {"lease", [] { return look(lease_tells); }},
      {"write_life_hint",
       [] {
         return look([](int fd) {
           std::uint64_t hint = 0;
           return ::fcntl(fd, 1035 /* F_GET_RW_HINT */, &hint) == 0 ? 1 : -1;
         });
       }},
      {"proc_locks", [] { return read_file("/proc/locks").empty() ? kNothing : kReached; }},
      {"namespace_numbers", [] { return namespace_numbers(); }},
      {"inode_numbers", [] { return inode_numbers(); }},
  };
}

}  // namespace sluice::attacks
