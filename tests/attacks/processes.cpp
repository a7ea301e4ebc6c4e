// Attempts on another subject's processes.
#include <fcntl.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "tests/attacks/attempts.hpp"

namespace sluice::attacks {

namespace {

/// Tries `alive` on every process id that the kernel can have. Reached: the victim answers. An answer from a process
/// that /proc does not show is told apart: it would be one that hides.
std::string scan(const Target& target, const std::function<bool(pid_t)>& alive) {
  const pid_t last = std::max(number_in(read_file("/proc/sys/kernel/pid_max")), 32768);
  const pid_t victim = find_victim(target);
  for (pid_t pid = 1; pid <= last; ++pid) {
    if (!alive(pid)) continue;
    if (pid == victim) return kReached;
    if (::access(("/proc/" + std::to_string(pid)).c_str(), F_OK) == 0) continue;
    if (alive(pid)) return "hidden process " + std::to_string(pid);
  }
  return kNothing;
}

/// The victim's process id: as the attacker sees it, else as the operator does.
pid_t victim_pid(const Target& target) {
  const pid_t found = find_victim(target);
  return found != 0 ? found : target.pid;
}

std::string look_at_texts(const Target& target, const char* file) {
  // The host's names and the operator's own variables must not show in any process of the sandbox.
  for (const pid_t pid : listed_processes()) {
    const std::string text = read_file("/proc/" + std::to_string(pid) + "/" + file);
    for (const std::string& telling : {target.canary, target.victim_folder, target.policy, target.output}) {
      if (!telling.empty() && text.find(telling) != std::string::npos) return kReached;
    }
  }
  return kNothing;
}

std::string read_memory(pid_t pid, const Target& target) {
  std::vector<char> buffer(target.secret.size());
  iovec local{buffer.data(), buffer.size()};
  iovec remote{secret_place(), buffer.size()};
  if (::process_vm_readv(pid, &local, 1, &remote, 1, 0) < 0) return name_of(errno);
  return std::string(buffer.begin(), buffer.end()) == target.secret ? kReached : kNothing;
}

std::string read_memory_of_all(const Target& target) {
  std::string verdict = kNothing;
  for (pid_t pid = 1; pid <= 32768 && verdict != kReached; ++pid) {
    if (read_memory(pid, target) == kReached) verdict = kReached;
  }
  return verdict;
}

std::string write_memory(const Target& target) {
  // What is written is what is there: a success must not spoil the other attempts.
  std::string text = target.secret;
  iovec local{text.data(), text.size()};
  iovec remote{secret_place(), text.size()};
  return verdict_of(::process_vm_writev(victim_pid(target), &local, 1, &remote, 1, 0));
}

std::string memory_file(const Target& target) {
  const int fd = ::open(("/proc/" + std::to_string(victim_pid(target)) + "/mem").c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return name_of(errno);
  char byte = 0;
  return verdict_of(::pread(fd, &byte, 1, static_cast<off_t>(kSecretAddress)));
}

std::string trace(const Target& target) {
  const pid_t pid = victim_pid(target);
  if (::ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) != 0) return name_of(errno);
  ::ptrace(PTRACE_DETACH, pid, nullptr, nullptr);
  return kReached;
}

std::string open_pidfd(pid_t pid) { return verdict_of(::syscall(SYS_pidfd_open, pid, 0)); }

std::string take_descriptor(const Target& target) {
  // Without a victim to be seen, one's own process must do: the call itself is what must be refused.
  const pid_t victim = find_victim(target);
  const auto pidfd = static_cast<int>(::syscall(SYS_pidfd_open, victim != 0 ? victim : ::getppid(), 0));
  // Without a descriptor of any process the call still says whether it is there.
  return verdict_of(::syscall(SYS_pidfd_getfd, pidfd, 1, 0));
}

/// /proc/1 and the process's own ancestors belong to the sandbox. What they hold of outside must not be reachable.
std::string ancestors_hold(const Target& target, const char* part, const std::string& below) {
  for (const pid_t pid : listed_processes()) {
    const std::string place = "/proc/" + std::to_string(pid) + "/" + part + below;
    if (read_file(place) == target.secret) return kReached;
  }
  return kNothing;
}

std::string descriptors_hold(const Target& target) {
  for (const pid_t pid : listed_processes()) {
    for (int fd = 0; fd < 64; ++fd) {
      const std::string folder = "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(fd);
      char link[4096] = {};
      if (::readlink(folder.c_str(), link, sizeof link - 1) <= 0) continue;
      const std::string held = link;
      if (held.find(target.victim_folder) != std::string::npos || held.find("sluice-mailbox") != std::string::npos ||
          held.find("sluice-transmit") != std::string::npos || held.find(target.policy) != std::string::npos) {
        return kReached;
      }
      if (::access((folder + target.victim_folder + "/secret").c_str(), R_OK) == 0) return kReached;
    }
  }
  return kNothing;
}

std::string signal_victim(const Target& target) { return verdict_of(::kill(victim_pid(target), SIGUSR1)); }

std::string queue_signal(const Target& target) {
  siginfo_t information{};
  information.si_code = SI_QUEUE;
  return verdict_of(::syscall(SYS_rt_sigqueueinfo, victim_pid(target), SIGUSR1, &information));
}

std::string compare(const Target& target) {
  return verdict_of(::syscall(SYS_kcmp, ::getpid(), victim_pid(target), KCMP_FILES, 0, 0));
}

}  // namespace

std::vector<Attempt> process_attempts(const Target& target) {
  return {
      {"proc_listing", [=] { return find_victim(target) != 0 ? kReached : kNothing; }},
      {"proc_environ", [=] { return look_at_texts(target, "environ"); }},
      {"proc_cmdline", [=] { return look_at_texts(target, "cmdline"); }},
      {"proc_mountinfo", [=] { return look_at_texts(target, "mountinfo"); }},
      {"proc_root", [=] { return ancestors_hold(target, "root", target.victim_folder + "/secret"); }},
      {"proc_cwd", [=] { return ancestors_hold(target, "cwd", "/../../../../.." + target.victim_folder + "/secret"); }},
      {"proc_fd", [=] { return descriptors_hold(target); }},
      {"kill_scan", [=] { return scan(target, [](pid_t pid) { return ::kill(pid, 0) == 0 || errno == EPERM; }); }},
      {"affinity_scan",
       [=] {
         return scan(target, [](pid_t pid) {
           cpu_set_t set;
           return ::sched_getaffinity(pid, sizeof set, &set) == 0;
         });
       }},
      {"pgid_scan", [=] { return scan(target, [](pid_t pid) { return ::getpgid(pid) >= 0; }); }},
      {"sid_scan", [=] { return scan(target, [](pid_t pid) { return ::getsid(pid) >= 0; }); }},
      {"scheduler_scan", [=] { return scan(target, [](pid_t pid) { return ::sched_getscheduler(pid) >= 0; }); }},
      {"priority_scan",
       [=] {
         return scan(target, [](pid_t pid) {
           errno = 0;
           ::getpriority(PRIO_PROCESS, static_cast<id_t>(pid));
           return errno == 0;
         });
       }},
      {"limits_scan",
       [=] {
         return scan(target, [](pid_t pid) {
           rlimit limit{};
           return ::prlimit(pid, RLIMIT_NOFILE, nullptr, &limit) == 0 || errno == EPERM;
         });
       }},
      {"pidfd_open", [=] { return open_pidfd(victim_pid(target)); }},
      {"pidfd_getfd", [=] { return take_descriptor(target); }},
      {"ptrace", [=] { return trace(target); }},
      {"process_vm_readv", [=] { return read_memory(victim_pid(target), target); }},
      {"process_vm_readv_scan", [=] { return read_memory_of_all(target); }},
      {"process_vm_writev", [=] { return write_memory(target); }},
      {"proc_mem", [=] { return memory_file(target); }},
      {"signal", [=] { return signal_victim(target); }},
      {"signal_queue", [=] { return queue_signal(target); }},
      {"kcmp", [=] { return compare(target); }},
  };
}

}  // namespace sluice::attacks
