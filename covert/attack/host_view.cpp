// Class 10: what the kernel tells everybody of the whole host.
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>

#include "covert/attack/means.hpp"
#include "covert/attack/tools.hpp"
#include "trusted/base/fd.hpp"

namespace sluice::covert {

namespace {

using std::chrono::microseconds;

/// Appends every number of a text.
void numbers_of(const std::string& text, std::vector<double>& seen) {
  const char* place = text.c_str();
  while (*place != '\0') {
    if (*place < '0' || *place > '9') {
      ++place;
      continue;
    }
    char* end = nullptr;
    seen.push_back(std::strtod(place, &end));
    place = end;
  }
}

/// Much ado about nothing else: processes, descriptors, names, memory and disk blocks while a bit is shown.
class Commotion {
 public:
  explicit Commotion(const Place& place) : file_(place.own + "/commotion") {}

  void begin() {
    for (int i = 0; i < kProcesses; ++i) {
      const pid_t child = ::fork();
      if (child == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) ::pause();
      }
      children_.push_back(child);
    }
    for (int i = 0; i < kDescriptors; ++i) held_.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    memory_ = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    held_.emplace_back(::open(file_.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
    if (::fallocate(held_.back().get(), 0, 0, kBytes) != 0) return;
  }

  void end() {
    for (const pid_t child : children_) ::kill(child, SIGKILL);
    for (const pid_t child : children_) ::waitpid(child, nullptr, 0);
    children_.clear();
    held_.clear();
    if (memory_ != MAP_FAILED) ::munmap(memory_, kBytes);
    ::unlink(file_.c_str());
  }

 private:
  static constexpr int kProcesses = 8;
  static constexpr int kDescriptors = 100;
  static constexpr std::size_t kBytes = 8 << 20;

  std::string file_;
  std::vector<pid_t> children_;
  std::vector<Fd> held_;
  void* memory_ = MAP_FAILED;
};

/// The high role makes a commotion or does not; the low role reads `look`.
class Watched : public Attack {
 public:
  using Look = std::string (*)(const Place& place, std::vector<double>& seen);

  Watched(const Place& place, Look look) : place_(place), look_(look), commotion_(place) {}

  std::string prepare() override {
    if (place_.role == Role::high) return {};
    std::vector<double> seen;
    const std::string refused = look_(place_, seen);
    values_ = seen.size();
    return refused;
  }

  void send(bool bit, Time until) override {
    if (bit) commotion_.begin();
    sleep_until(until);
    if (bit) commotion_.end();
  }

  void observe(Time until, std::vector<double>& seen) override {
    const std::size_t before = seen.size();
    static_cast<void>(look_(place_, seen));
    // Lists may become longer or shorter.
    seen.resize(before + values_, 0);
    sleep_until(until);
  }

 private:
  Place place_;
  Look look_;
  Commotion commotion_;
  std::size_t values_ = 0;
};

/// Counters of the host. Longer lists say nothing more.
std::string read_counters(const Place&, std::vector<double>& seen) {
  for (const char* file :
       {"/proc/loadavg", "/proc/stat", "/proc/meminfo", "/proc/pressure/cpu", "/proc/pressure/memory",
        "/proc/pressure/io", "/proc/locks", "/proc/sys/fs/file-nr", "/proc/sys/fs/dentry-state",
        "/proc/sys/fs/inode-nr", "/proc/sys/kernel/pty/nr", "/proc/sys/kernel/ns_last_pid", "/proc/buddyinfo"}) {
    const std::size_t before = seen.size();
    numbers_of(text_of(file), seen);
    if (seen.size() > before + 40) seen.resize(before + 40);
  }
  return seen.empty() ? "nothing to be read there" : "";
}

std::string ask_sysinfo(const Place&, std::vector<double>& seen) {
  struct sysinfo host {};
  if (::sysinfo(&host) != 0) return refusal("sysinfo");
  seen.insert(seen.end(), {static_cast<double>(host.loads[0]), static_cast<double>(host.freeram),
                           static_cast<double>(host.procs), static_cast<double>(host.bufferram)});
  return {};
}

/// Links of /proc: its folders, one for each process of the whole host whatever the pid namespace.
std::string count_links(const Place&, std::vector<double>& seen) {
  struct stat status {};
  if (::stat("/proc", &status) != 0) return refusal("stat");
  seen.push_back(static_cast<double>(status.st_nlink));
  return {};
}

std::string free_space(const Place& place, std::vector<double>& seen) {
  for (const std::string& path :
       {std::string("/"), std::string("/usr"), std::string("/etc"), std::string("/tmp"), place.own}) {
    struct statvfs space {};
    if (::statvfs(path.c_str(), &space) != 0) return refusal("statfs");
    seen.push_back(static_cast<double>(space.f_bfree));
    seen.push_back(static_cast<double>(space.f_ffree));
  }
  return {};
}

template <std::string (*look)(const Place&, std::vector<double>&)>
std::unique_ptr<Attack> watched(const Place& place) {
  return std::make_unique<Watched>(place, look);
}

/// Inode numbers of new sockets come out of one counter of the host, a thousand at a time for each processor.
class InodeNumbers : public Attack {
 public:
  std::string prepare() override { return {}; }

  void send(bool bit, Time until) override {
    if (bit) make(kSent);
    sleep_until(until);
  }

  void observe(Time until, std::vector<double>& seen) override {
    seen.push_back(make(kSeen));
    sleep_until(until);
  }

 private:
  static constexpr int kSeen = 540;  // of two sockets each: at least one new thousand
  static constexpr int kSent = 1100;

  static double make(int pairs) {
    struct stat status {};
    for (int i = 0; i < pairs; ++i) {
      std::array<int, 2> ends{};
      if (::socketpair(AF_UNIX, SOCK_DGRAM, 0, ends.data()) != 0) break;
      if (i == pairs - 1) ::fstat(ends[1], &status);
      ::close(ends[0]);
      ::close(ends[1]);
    }
    return static_cast<double>(status.st_ino);
  }
};

/// Numbers of process descriptors: since Linux 6.9 each new process of the host gets the next one.
class ProcessNumbers : public Attack {
 public:
  std::string prepare() override {
    std::vector<double> seen;
    return number() > 0 ? std::string() : refusal("pidfd_open");
  }

  void send(bool bit, Time until) override {
    for (int i = 0; bit && i < kSent; ++i) number();
    sleep_until(until);
  }

  void observe(Time until, std::vector<double>& seen) override {
    seen.push_back(number());
    sleep_until(until);
  }

 private:
  static constexpr int kSent = 8;

  /// Of a new process; 0 with errno if that cannot be told.
  static double number() {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
    const int error = errno;
    struct stat status {};
    const bool told = process && ::fstat(process.get(), &status) == 0;
    ::waitpid(child, nullptr, 0);
    errno = error;
    return told ? static_cast<double>(status.st_ino) : 0;
  }
};

/// Memory of all sockets of a protocol on the host, whatever the network namespace.
class SocketMemory : public Attack {
 public:
  std::string prepare() override {
    std::vector<double> seen;
    look(seen);
    values_ = seen.size();
    return seen.empty() ? "nothing to be read there" : "";
  }

  void send(bool bit, Time until) override {
    std::vector<Fd> sockets;
    for (int i = 0; bit && i < kSockets; ++i) fill(sockets.emplace_back(::socket(AF_INET, kDatagrams, 0)));
    sleep_until(until);
  }

  void observe(Time until, std::vector<double>& seen) override {
    const std::size_t before = seen.size();
    look(seen);
    seen.resize(before + values_, 0);
    sleep_until(until);
  }

 private:
  // Each processor keeps a mebibyte back before the kernel's sum moves.
  static constexpr int kSockets = 24;
  static constexpr int kDatagrams = SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK;

  /// Datagrams to itself, until the socket takes no more.
  static void fill(const Fd& socket) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size);
    ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
    const std::array<char, 32768> datagram{};
    for (int i = 0; i < 12; ++i) {
      if (::sendto(socket.get(), datagram.data(), datagram.size(), 0, reinterpret_cast<sockaddr*>(&address), size) <
          0) {
        break;
      }
    }
  }

  static void look(std::vector<double>& seen) {
    for (const char* file : {"/proc/net/sockstat", "/proc/net/protocols"}) numbers_of(text_of(file), seen);
  }

  std::size_t values_ = 0;
};

template <typename Kind>
std::unique_ptr<Attack> made(const Place&) {
  return std::make_unique<Kind>();
}

}  // namespace

std::vector<Means> host_view_means() {
  return {
      {10, "host_counters", "processes, files, memory come and go; counters of the host below /proc",
       "/proc of the host", Kind::storage, microseconds(20000), false, watched<read_counters>},
      {10, "sysinfo", "the same; sysinfo()", "the call", Kind::storage, microseconds(20000), false,
       watched<ask_sysinfo>},
      {10, "proc_links", "processes come and go; links of /proc count those of the host", "any /proc", Kind::storage,
       microseconds(10000), false, watched<count_links>},
      {10, "free_space", "files come and go; free blocks and inodes of file systems", "one disk, and statfs",
       Kind::storage, microseconds(10000), false, watched<free_space>},
      {10, "inode_numbers", "sockets come and go; numbers of new inodes", "one kernel", Kind::storage,
       microseconds(10000), false, made<InodeNumbers>},
      {10, "process_numbers", "processes come and go; inode numbers of process descriptors", "one kernel, pidfd_open",
       Kind::storage, microseconds(10000), false, made<ProcessNumbers>},
      {10, "socket_memory", "datagrams lie in a socket or not; memory of all sockets in /proc/net", "/proc/net",
       Kind::storage, microseconds(5000), false, made<SocketMemory>},
  };
}

}  // namespace sluice::covert
