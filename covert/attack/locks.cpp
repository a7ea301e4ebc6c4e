// Class 5: locks on inodes that both can open, if only for reading.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "covert/attack/means.hpp"
#include "covert/attack/tools.hpp"
#include "trusted/base/fd.hpp"

namespace sluice::covert {

namespace {

using std::chrono::microseconds;

/// What every sandbox has, and what the policy grants to both.
std::vector<std::string> files_of(const Place& place) {
  std::vector<std::string> files = {place.shared,
                                    kSystemFile,
                                    "/",
                                    "/usr",
                                    "/usr/bin",
                                    "/usr/bin/env",
                                    "/etc",
                                    "/etc/hosts",
                                    "/dev/null",
                                    "/dev/zero",
                                    "/dev/full",
                                    "/dev/random",
                                    "/dev/urandom",
                                    "/dev/pts",
                                    "/proc",
                                    "/proc/cpuinfo",
                                    "/proc/sys/kernel",
                                    "/sys",
                                    "/tmp",
                                    "/run",
                                    "/proc/self/ns/user",
                                    "/proc/self/ns/time"};
  for (const char* kind : {"cgroup", "ipc", "mnt", "net", "pid", "uts"})
    files.push_back("/proc/self/ns/" + std::string(kind));
  return files;
}

enum class Lock : std::uint8_t { whole_file, record, open_file };

/// Takes or frees a lock; -1 with errno.
int set(Lock lock, int fd, bool taken) {
  if (lock == Lock::whole_file) return ::flock(fd, taken ? LOCK_EX | LOCK_NB : LOCK_UN);
  struct flock range {};
  range.l_type = static_cast<short>(taken ? F_RDLCK : F_UNLCK);
  return ::fcntl(fd, lock == Lock::record ? F_SETLK : F_OFD_SETLK, &range);
}

/// 1 if somebody else holds a lock, 0 if not, -1 with errno.
int held(Lock lock, int fd) {
  if (lock == Lock::whole_file) {
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) return errno == EWOULDBLOCK ? 1 : -1;
    return ::flock(fd, LOCK_UN);
  }
  struct flock range {};
  range.l_type = F_WRLCK;
  if (::fcntl(fd, lock == Lock::record ? F_GETLK : F_OFD_GETLK, &range) != 0) return -1;
  return range.l_type != F_UNLCK ? 1 : 0;
}

class Locks : public Attack {
 public:
  Locks(const Place& place, Lock lock) : place_(place), lock_(lock) {}

  std::string prepare() override {
    for (const std::string& path : files_of(place_)) files_.emplace_back(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::string refused;
    bool asked = false;
    for (const Fd& file : files_) {
      if (!file) continue;
      if (held(lock_, file.get()) >= 0)
        asked = true;
      else
        refused = refusal("locking");
    }
    return asked ? "" : refused;
  }

  void send(bool bit, Time until) override {
    for (const Fd& file : files_) set(lock_, file.get(), bit);
    sleep_until(until);
    for (const Fd& file : files_) set(lock_, file.get(), false);
  }

  void observe(Time until, std::vector<double>& seen) override {
    for (const Fd& file : files_) seen.push_back(file ? held(lock_, file.get()) : 0);
    sleep_until(until);
  }

 private:
  Place place_;
  Lock lock_;
  std::vector<Fd> files_;
};

template <Lock lock>
std::unique_ptr<Attack> locks(const Place& place) {
  return std::make_unique<Locks>(place, lock);
}

}  // namespace

std::vector<Means> lock_means() {
  static constexpr char kNeeds[] = "an inode that both can open";
  constexpr microseconds kSlot{2000};
  return {
      {5, "flock", "sender locks whatever both can open; receiver tries", kNeeds, Kind::storage, kSlot, false,
       locks<Lock::whole_file>},
      {5, "record_lock", "the same with POSIX record locks", kNeeds, Kind::storage, kSlot, false, locks<Lock::record>},
      {5, "open_file_lock", "the same with locks of open file descriptions", kNeeds, Kind::storage, kSlot, false,
       locks<Lock::open_file>},
  };
}

}  // namespace sluice::covert
