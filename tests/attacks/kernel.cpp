// Attempts on the kernel's own facilities: namespaces, programs, events, clocks, the host's state.
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/futex.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <sys/inotify.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include "tests/attacks/attempts.hpp"

namespace sluice::attacks {

namespace {

std::string unshare_one(int flag) { return verdict_of(::unshare(flag)); }

std::string clone_into(unsigned long flag) {
  const auto child = ::syscall(SYS_clone, flag | SIGCHLD, 0, 0, 0, 0);
  if (child == 0) ::_exit(0);
  std::string verdict = verdict_of(child);
  if (child > 0) ::waitpid(static_cast<pid_t>(child), nullptr, 0);
  return verdict;
}

std::string clone_new_call() {
  struct {
    std::uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
  } arguments{CLONE_NEWUSER, 0, 0, 0, SIGCHLD, 0, 0, 0};
  const auto child = ::syscall(SYS_clone3, &arguments, sizeof arguments);
  if (child == 0) ::_exit(0);
  std::string verdict = verdict_of(child);
  if (child > 0) ::waitpid(static_cast<pid_t>(child), nullptr, 0);
  return verdict;
}

/// Enters a namespace of the victim; of the process that the sandbox starts with if the victim is not to be seen.
std::string enter(const Target& target, const char* kind) {
  const pid_t victim = find_victim(target);
  const std::string place = "/proc/" + std::to_string(victim != 0 ? victim : 1) + "/ns/" + kind;
  const int fd = ::open(place.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return name_of(errno);
  return verdict_of(::setns(fd, 0));
}

/// The call alone: none of the sandbox's namespaces can be opened, so that a filter would go untested.
std::string enter_nothing() {
  const bool looked = ::setns(-1, 0) == 0 || errno == EBADF;
  return looked ? kReached : name_of(errno);
}

std::string load_program() {
  bpf_attr attributes{};
  attributes.map_type = BPF_MAP_TYPE_ARRAY;
  attributes.key_size = 4;
  attributes.value_size = 4;
  attributes.max_entries = 1;
  return verdict_of(::syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes));
}

std::string count_events() {
  perf_event_attr attributes{};
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.size = sizeof attributes;
  attributes.config = PERF_COUNT_SW_CONTEXT_SWITCHES;
  return verdict_of(::syscall(SYS_perf_event_open, &attributes, -1, 0, -1, 0));
}

std::string ring_of_requests() {
  unsigned char parameters[120] = {};
  return verdict_of(::syscall(SYS_io_uring_setup, 1, parameters));
}

std::string set_clock() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return verdict_of(::clock_settime(CLOCK_REALTIME, &now));
}

std::string splice_pages() {
  int pipe[2];
  if (::pipe(pipe) != 0) return name_of(errno);
  char byte = 0;
  iovec piece{&byte, 1};
  return verdict_of(::vmsplice(pipe[1], &piece, 1, 0));
}

std::string ask_host() {
  struct sysinfo state {};
  return verdict_of(::sysinfo(&state));
}

/// Two readings of a counter of the whole host, with work in between that moves each of them: processes, open files,
/// names looked up. Reached: it moved, so it is the live one.
std::string live(const char* path) {
  const std::string first = read_file(path);
  if (first.empty()) return kNothing;
  std::vector<int> held;
  for (int i = 0; i < 20; ++i) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    ::waitpid(child, nullptr, 0);
    for (int j = 0; j < 20; ++j) {
      const std::string missing = "no-such-file-" + std::to_string(child) + "-" + std::to_string(j);
      static_cast<void>(::access(missing.c_str(), F_OK));
      held.push_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    }
    ::usleep(20'000);
  }
  const bool moved = read_file(path) != first;
  for (const int fd : held) ::close(fd);
  return moved ? kReached : kNothing;
}

/// Whether a page of a file that the victim maps shows as shared with somebody. No program maps this file.
std::string shared_page() {
  const int fd = ::open(kSharedFile, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return name_of(errno);
  const volatile char* page = static_cast<char*>(::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd, 0));
  if (page == MAP_FAILED) return name_of(errno);
  static_cast<void>(page[0]);
  const std::string maps = read_file("/proc/self/smaps");
  const std::size_t place = maps.find(kSharedFile);
  if (place == std::string::npos) return kNothing;
  const std::size_t shared = maps.find("Shared_Clean:", place);
  return maps.substr(shared, 40).find(" 0 kB") == std::string::npos ? kReached : kNothing;
}

/// Whether the victim, which waits on a word of a file that nobody can write, is woken.
std::string shared_futex() {
  const int fd = ::open(kSharedFile, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return name_of(errno);
  const auto* word = static_cast<const unsigned*>(::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd, 0));
  if (word == MAP_FAILED) return name_of(errno);
  static_cast<void>(*static_cast<const volatile unsigned*>(word));
  const auto woken = ::syscall(SYS_futex, word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
  if (woken < 0) return name_of(errno);
  return woken > 0 ? kReached : kNothing;
}

std::string network_counters() {
  const int fd = ::open("/proc/self/net/softnet_stat", O_RDONLY | O_CLOEXEC);
  return verdict_of(fd);
}

std::string merge_memory() {
  const long page = ::sysconf(_SC_PAGESIZE);
  void* memory =
      ::mmap(nullptr, static_cast<std::size_t>(page), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return verdict_of(::madvise(memory, static_cast<std::size_t>(page), MADV_MERGEABLE));
}

std::string watch_folder() {
  const int fd = ::inotify_init1(IN_CLOEXEC);
  if (fd < 0) return name_of(errno);
  return verdict_of(::inotify_add_watch(fd, "/usr/bin", IN_OPEN));
}

std::vector<Attempt> namespaces(const Target& target) {
  std::vector<Attempt> all;
  static constexpr std::pair<const char*, int> kUnshare[] = {
      {"unshare_user", CLONE_NEWUSER}, {"unshare_mount", CLONE_NEWNS},     {"unshare_pid", CLONE_NEWPID},
      {"unshare_net", CLONE_NEWNET},   {"unshare_ipc", CLONE_NEWIPC},      {"unshare_uts", CLONE_NEWUTS},
      {"unshare_time", CLONE_NEWTIME}, {"unshare_cgroup", CLONE_NEWCGROUP}};
  for (const auto& [name, flag] : kUnshare) all.push_back({name, [flag = flag] { return unshare_one(flag); }});
  all.push_back({"clone_user", [] { return clone_into(CLONE_NEWUSER); }});
  all.push_back({"clone_net", [] { return clone_into(CLONE_NEWNET); }});
  all.push_back({"clone3_user", [] { return clone_new_call(); }});
  static constexpr std::pair<const char*, const char*> kEnter[] = {
      {"setns_mount", "mnt"}, {"setns_net", "net"}, {"setns_pid", "pid"}};
  for (const auto& [name, kind] : kEnter) all.push_back({name, [target, kind = kind] { return enter(target, kind); }});
  all.push_back({"setns", [] { return enter_nothing(); }});
  return all;
}

}  // namespace

std::vector<Attempt> kernel_attempts(const Target& target) {
  std::vector<Attempt> all = namespaces(target);
  const std::vector<Attempt> calls = {
      {"bpf", [] { return load_program(); }},
      {"perf_event_open", [] { return count_events(); }},
      {"userfaultfd", [] { return verdict_of(::syscall(SYS_userfaultfd, 1 /* user mode only */)); }},
      {"io_uring", [] { return ring_of_requests(); }},
      {"vmsplice", [] { return splice_pages(); }},
      {"inotify", [] { return watch_folder(); }},
      {"aio",
       [] {
         unsigned long context = 0;
         return verdict_of(::syscall(SYS_io_setup, 1, &context));
       }},
      {"sysinfo", [] { return ask_host(); }},
      {"syslog", [] { return verdict_of(::klogctl(10 /* size of the buffer */, nullptr, 0)); }},
      {"set_clock", [] { return set_clock(); }},
      {"adjust_clock",
       [] {
         timex nothing{};
         return verdict_of(::adjtimex(&nothing));
       }},
      {"personality", [] { return verdict_of(::personality(ADDR_NO_RANDOMIZE)); }},
      {"gain_privileges",
       [] { return ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? std::string("refused") : std::string(kReached); }},
      {"capabilities",
       [] {
         const std::string status = read_file("/proc/self/status");
         const bool none = status.find("CapEff:\t0000000000000000") != std::string::npos &&
                           status.find("CapPrm:\t0000000000000000") != std::string::npos &&
                           status.find("CapBnd:\t0000000000000000") != std::string::npos;
         return none ? kNothing : kReached;
       }},
      {"other_architecture", [] { return verdict_of(::syscall(0x40000000L | SYS_getpid)); }},
      {"live_stat", [] { return live("/proc/stat"); }},
      {"live_loadavg", [] { return live("/proc/loadavg"); }},
      {"live_uptime", [] { return live("/proc/uptime"); }},
      {"live_interrupts", [] { return live("/proc/interrupts"); }},
      {"live_vmstat", [] { return live("/proc/vmstat"); }},
      {"live_entropy_uuid", [] { return live("/proc/sys/kernel/random/uuid"); }},
      {"live_dentries", [] { return live("/proc/sys/fs/dentry-state"); }},
      {"live_open_files", [] { return live("/proc/sys/fs/file-nr"); }},
      {"shared_page", [] { return shared_page(); }},
      {"shared_futex", [] { return shared_futex(); }},
      {"network_counters", [] { return network_counters(); }},
      {"memory_merging", [] { return merge_memory(); }},
  };
  all.insert(all.end(), calls.begin(), calls.end());
  return all;
}

}  // namespace sluice::attacks
