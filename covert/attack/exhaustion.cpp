// Class 11: what the kernel counts for each user or for the whole host, and what gives out when others use it up.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>

#include "covert/attack/counted.hpp"
#include "covert/attack/means.hpp"
#include "covert/attack/tools.hpp"
#include "trusted/base/fd.hpp"
#include "wire/greeting.hpp"

namespace sluice::covert {

namespace {

namespace fs = std::filesystem;
using std::chrono::microseconds;
using Descriptors = std::vector<Fd>;

/// 0, or the errno.
double outcome(bool done) { return done ? 0 : errno; }

/// Those that `open` makes, kept open.
Counted descriptors_of(const std::function<Fd()>& open, int most) {
  const auto held = std::make_shared<Descriptors>();
  Counted means;
  means.prepare = [open, most] {
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = std::max(files.rlim_cur, std::min<rlim_t>(files.rlim_max, static_cast<rlim_t>(most) + 1000));
    ::setrlimit(RLIMIT_NOFILE, &files);
    const Fd one = open();
    return one || errno == EMFILE || errno == ENOSPC ? std::string() : refusal("the call that makes one");
  };
  means.take = [open, held] {
    held->push_back(open());
    if (held->back()) return true;
    held->pop_back();
    return false;
  };
  means.give = [held] { held->pop_back(); };
  means.look = [open](std::vector<double>& seen) {
    const Fd one = open();
    seen.push_back(outcome(one.valid()));
  };
  means.most = most;
  return means;
}

std::unique_ptr<Attack> terminals(const Place&) {
  return counted(descriptors_of([] { return Fd(::open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)); }, 5000));
}

std::unique_ptr<Attack> watches(const Place&) {
  return counted(descriptors_of([] { return Fd(::inotify_init1(IN_CLOEXEC)); }, 2000));
}

/// A pipe that may hold a mebibyte; invalid if it must be smaller.
Fd large_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return Fd();
  ::close(ends[1]);
  Fd end(ends[0]);
  if (::fcntl(end.get(), F_SETPIPE_SZ, 1 << 20) < 0) end.reset();
  return end;
}

std::unique_ptr<Attack> pipe_memory(const Place&) {
  Counted means = descriptors_of(large_pipe, 256);
  means.prepare = nullptr;
  return counted(means);
}

/// A socket in which `copies` descriptors lie.
Fd in_flight(std::size_t copies) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return Fd();
  const Fd from(ends[0]);
  Fd to(ends[1]);
  std::array<int, 250> sent{};
  sent.fill(STDERR_FILENO);
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof sent)> control{};
  char byte = 0;
  iovec part{&byte, 1};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = CMSG_SPACE(copies * sizeof(int));
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(copies * sizeof(int));
  std::memcpy(CMSG_DATA(header), sent.data(), copies * sizeof(int));
  if (::sendmsg(from.get(), &message, MSG_DONTWAIT) < 0) to.reset();
  return to;
}

/// The kernel holds what is under way for a user against the limit of the process that sends.
std::unique_ptr<Attack> descriptors_in_flight(const Place&) {
  static constexpr rlim_t kLimit = 600;
  Counted means = descriptors_of([] { return in_flight(250); }, 4);
  means.look = [](std::vector<double>& seen) {
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    const rlimit few{std::min(kLimit, files.rlim_max), files.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &few);
    const Fd one = in_flight(1);
    seen.push_back(outcome(one.valid()));
    ::setrlimit(RLIMIT_NOFILE, &files);
  };
  return counted(means);
}

/// "SigQ" of this process: signals that wait for its user.
double waiting_signals() {
  const std::string status = text_of("/proc/self/status");
  const std::size_t line = status.find("SigQ:");
  return line == std::string::npos ? 0 : std::strtod(status.c_str() + line + 5, nullptr);
}

std::unique_ptr<Attack> signals(const Place& place) {
  const int number = SIGRTMIN + 7;
  Counted means;
  means.prepare = [=] {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, number);
    return ::sigprocmask(SIG_BLOCK, &set, nullptr) == 0 ? std::string() : refusal("sigprocmask");
  };
  means.take = [=] { return ::sigqueue(::getpid(), number, sigval{}) == 0; };
  means.give = [=] {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, number);
    const timespec now{};
    ::sigtimedwait(&set, nullptr, &now);
  };
  means.look = [](std::vector<double>& seen) {
    timer_t timer{};
    const bool made = ::timer_create(CLOCK_MONOTONIC, nullptr, &timer) == 0;
    seen.push_back(outcome(made));
    if (made) ::timer_delete(timer);
    seen.push_back(waiting_signals());
  };
  // In the control the count shows; there is no need to leave others on the host without.
  means.most = place.open ? 64 : 200000;
  return counted(means);
}

std::unique_ptr<Attack> locked_memory(const Place&) {
  constexpr std::size_t kPiece = 65536;
  constexpr int kMost = 2048;
  const auto held = std::make_shared<std::vector<int>>();
  const auto lock = [] {
    const int memory = ::shmget(IPC_PRIVATE, kPiece, IPC_CREAT | 0600);
    if (::shmctl(memory, SHM_LOCK, nullptr) == 0) return memory;
    const int error = errno;
    ::shmctl(memory, IPC_RMID, nullptr);
    errno = error;
    return -1;
  };
  Counted means;
  means.prepare = [] {
    rlimit locked{};
    ::getrlimit(RLIMIT_MEMLOCK, &locked);
    return locked.rlim_cur <= kPiece * kMost ? "" : "the limit on locked memory is too high to be reached";
  };
  means.take = [=] {
    const int memory = lock();
    if (memory >= 0) held->push_back(memory);
    return memory >= 0;
  };
  means.give = [=] {
    ::shmctl(held->back(), IPC_RMID, nullptr);
    held->pop_back();
  };
  means.look = [=](std::vector<double>& seen) {
    const int memory = lock();
    seen.push_back(outcome(memory >= 0));
    if (memory >= 0) ::shmctl(memory, IPC_RMID, nullptr);
  };
  means.most = kMost;
  return counted(means);
}

/// In the control, as a user that nobody is, since root has no limit; in a sandbox as oneself.
bool become_limited(const Place& place, rlim_t more) {
  constexpr uid_t kNobodyElse = 1987654321;
  if (place.open && (::setgid(kNobodyElse) != 0 || ::setuid(kNobodyElse) != 0)) return false;
  rlim_t there = 0;
  if (!place.open) {
    for (const auto& entry : fs::directory_iterator("/proc"))
      there += std::isdigit(entry.path().filename().c_str()[0]) != 0 ? 1U : 0U;
  }
  const rlimit processes{there + more, there + more};
  return ::setrlimit(RLIMIT_NPROC, &processes) == 0;
}

std::unique_ptr<Attack> processes(const Place& place) {
  const auto held = std::make_shared<std::vector<pid_t>>();
  Counted means;
  means.take = [=] {
    const pid_t child = ::fork();
    if (child == 0) {
      become_limited(place, 1000);
      for (;;) ::pause();
    }
    if (child > 0) held->push_back(child);
    return child > 0;
  };
  means.give = [=] {
    ::kill(held->back(), SIGKILL);
    ::waitpid(held->back(), nullptr, 0);
    held->pop_back();
  };
  means.look = [=](std::vector<double>& seen) {
    const pid_t child = ::fork();
    if (child == 0) {
      if (!become_limited(place, 10)) ::_exit(0);
      const pid_t grandchild = ::fork();
      if (grandchild == 0) ::_exit(0);
      if (grandchild > 0) ::waitpid(grandchild, nullptr, 0);
      ::_exit(grandchild < 0 ? 1 : 0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    seen.push_back(status);
  };
  means.most = 12;
  means.unprivileged = false;
  return counted(means);
}

/// Space and inodes of the places that everybody may write to.
std::unique_ptr<Attack> scratch_space(const Place& place) {
  const std::array<std::string, 2> files = {"/tmp/" + place.token + ".space", "/dev/shm/" + place.token + ".space"};
  Counted means;
  means.take = [=] {
    for (const std::string& name : files) {
      const Fd file(::open(name.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
      if (::fallocate(file.get(), 0, 0, 1 << 20) != 0) return false;
    }
    return true;
  };
  means.give = [=] {
    for (const std::string& name : files) ::unlink(name.c_str());
  };
  means.look = [](std::vector<double>& seen) {
    for (const char* folder : {"/tmp", "/dev/shm"}) {
      struct statvfs space {};
      ::statvfs(folder, &space);
      seen.push_back(static_cast<double>(space.f_bfree));
      seen.push_back(static_cast<double>(space.f_ffree));
    }
  };
  return counted(means);
}

Fd connected(const std::string& path) {
  Fd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), std::min(path.size(), sizeof address.sun_path - 1));
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) socket.reset();
  return socket;
}

/// Connections that never greet, as many as the guard bears. In the control both come to one server, which is slow.
std::unique_ptr<Attack> connections(const Place& place) {
  const std::string path = place.open ? place.common + "/server" : wire::kGuardSocketPath;
  const auto server = std::make_shared<Fd>();
  Counted means = descriptors_of([path] { return connected(path); }, 4);
  means.prepare = [=] {
    if (!place.open) return connected(path) ? std::string() : refusal("connect to the guard");
    if (place.role == Role::high) return std::string();
    server->reset(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), std::min(path.size(), sizeof address.sun_path - 1));
    ::unlink(path.c_str());
    const bool bound = ::bind(server->get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    return bound && ::listen(server->get(), 2) == 0 ? std::string() : refusal("bind");
  };
  means.look = [=](std::vector<double>& seen) {
    const Fd one = connected(path);
    seen.push_back(outcome(one.valid()));
    while (*server && Fd(::accept4(server->get(), nullptr, nullptr, SOCK_CLOEXEC)).valid()) {
    }
  };
  return counted(means);
}

/// Mounts of the high role, in a namespace that ends with it. The low role looks there in the control.
std::unique_ptr<Attack> mounts(const Place& place) {
  const std::string note = place.common + "/mounter";
  // Not the own folder itself: what the role writes down meanwhile would be gone with the mount.
  const std::string point = place.own + "/mounted";
  Counted means;
  means.prepare = [=] {
    if (place.role == Role::low && place.open) return std::string();
    if (place.open && ::unshare(CLONE_NEWNS) != 0) return refusal("unshare");
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return refusal("mount");
    std::ofstream(note) << ::getpid();
    return ::mkdir(point.c_str(), 0700) == 0 || errno == EEXIST ? std::string() : refusal("mkdir");
  };
  means.take = [=] { return ::mount("covert", point.c_str(), "tmpfs", 0, nullptr) == 0; };
  means.give = [=] { ::umount2(point.c_str(), MNT_DETACH); };
  means.look = [=](std::vector<double>& seen) {
    const std::string other = place.open ? text_of(note) : "self";
    const std::string list = text_of("/proc/" + other + "/mountinfo");
    seen.push_back(static_cast<double>(std::count(list.begin(), list.end(), '\n')));
  };
  means.unprivileged = false;
  return counted(means);
}

}  // namespace

std::vector<Means> exhaustion_means() {
  static constexpr char kUser[] = "one user";
  const auto storage = [](const char* name, const char* what, const char* needs, int slot,
                          std::unique_ptr<Attack> (*make)(const Place&)) {
    return Means{11, name, what, needs, Kind::storage, microseconds(slot), false, make};
  };
  return {
      storage("terminals", "all pseudo-terminals of the host are taken or not; one is asked for", "/dev/ptmx", 10000,
              terminals),
      storage("inotify_instances", "all inotify descriptors of a user are taken or not; one is asked for", kUser, 5000,
              watches),
      storage("pipe_memory", "large pipes use up what a user may have; a large pipe is asked for", kUser, 5000,
              pipe_memory),
      storage("descriptors_in_flight", "descriptors lie in sockets; one more is sent", kUser, 3000,
              descriptors_in_flight),
      storage("waiting_signals", "signals wait for a user; a timer, which needs one, is made", kUser, 5000, signals),
      storage("locked_memory", "System V memory is locked; a piece more is locked", kUser, 5000, locked_memory),
      storage("processes_of_user", "processes of a user; a process under a limit starts another", kUser, 10000,
              processes),
      storage("scratch_space", "files in /tmp and /dev/shm; free space there", "one /tmp or /dev/shm", 5000,
              scratch_space),
      storage("connection_queue", "connections that say nothing; a connection is made", "one server", 5000,
              connections),
      storage("mounts", "a mount comes and goes; the list of mounts", "mount, and a view of the other's mounts", 5000,
              mounts),
  };
}

}  // namespace sluice::covert
