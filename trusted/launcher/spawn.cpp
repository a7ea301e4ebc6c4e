#include "trusted/launcher/spawn.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "trusted/guard/control.hpp"

namespace sluice::launcher {
namespace {

using sandbox::Problem;
using sandbox::system_problem;

constexpr int kExecFailed = 127;
/// Descriptors are moved above this one before they take their final numbers.
constexpr int kHighFd = 512;

struct Pipe {
  Fd read_end;
  Fd write_end;
};

Result<Pipe, Problem> make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return system_problem("cannot make a pipe");
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

/// In the child: default signals, quiet standard input, given outputs, no core dumps, and every other descriptor
/// closed at exec. Ends with the supervisor. Async-signal-safe, as is all that children do.
bool settle(int out, int err) {
  sigset_t none;
  sigemptyset(&none);
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0)
    return false;
  if (syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC) != 0) return false;
  const rlimit no_core{0, 0};
  return setrlimit(RLIMIT_CORE, &no_core) == 0;
}

/// In the child: a process group of its own, so that a signal to "my group" from inside a sandbox reaches nobody else.
/// Not a session of its own: where the kernel groups processes by session (sched_autogroup), yielding does not give way
/// across sessions, and a message between two waiting ranks would take a time slice. The whole run is one session,
/// which the front made and which has no terminal.
bool own_group() { return setpgid(0, 0) == 0; }

/// In the child, after its last change of credentials, which would undo it.
bool end_with_supervisor() { return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == 1; }

/// In the child: enters the subject's control group, if there is one, and is what the kernel ends first when the host
/// runs out of memory.
bool join(const Fd& group) {
  const int adjustment = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (adjustment < 0 || write(adjustment, "500", 3) != 3 || close(adjustment) != 0) return false;
  return !group || write(group.get(), "0", 1) == 1;
}

bool keep_at_exec(int fd) { return fcntl(fd, F_SETFD, 0) == 0; }

/// Limit of descriptors from before raise_descriptor_limit().
rlimit given_limit{};

bool restore_descriptor_limit() { return given_limit.rlim_max == 0 || setrlimit(RLIMIT_NOFILE, &given_limit) == 0; }

/// In the child: the guard's descriptors at their agreed numbers.
bool place_descriptors(std::vector<int>& high, const std::vector<int>& given) {
  for (std::size_t i = 0; i < given.size(); ++i) {
    high[i] = fcntl(given[i], F_DUPFD_CLOEXEC, kHighFd);
    if (high[i] < 0) return false;
  }
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (dup2(high[i], guard::kControlFd + static_cast<int>(i)) < 0) return false;
  }
  return true;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> result;
  result.reserve(words.size() + 1);
  for (std::string& word : words) result.push_back(word.data());
  result.push_back(nullptr);
  return result;
}

/// What start_guard() prepares before the fork.
struct GuardStart {
  int program;
  std::vector<int> given;  ///< descriptors, in the order of their agreed numbers
  std::vector<int> high;   ///< room for copies of them
  std::vector<char*> arguments;
  int out;
  int err;
};

[[noreturn]] void run_guard(GuardStart& start, const Identities& identities) {
  const int exec_fd = fcntl(start.program, F_DUPFD_CLOEXEC, kHighFd);
  char* environment[] = {nullptr};
  if (exec_fd >= 0 && settle(start.out, start.err) && place_descriptors(start.high, start.given) &&
      (!identities.distinct() || become(identities.guard())) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
      end_with_supervisor()) {
    syscall(SYS_execveat, exec_fd, "", start.arguments.data(), environment, AT_EMPTY_PATH);
  }
  _exit(kExecFailed);
}

}  // namespace

void raise_descriptor_limit() {
  if (getrlimit(RLIMIT_NOFILE, &given_limit) != 0) return;
  rlimit limit = given_limit;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

Fd open_process(pid_t pid) { return Fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))); }

void signal_process(const Fd& process, int signal) {
  if (process) syscall(SYS_pidfd_send_signal, process.get(), signal, nullptr, 0);
}

bool has_ended(const Fd& process) {
  pollfd wait{process.get(), POLLIN, 0};
  return poll(&wait, 1, 0) == 1;
}

Result<Child, Problem> start_guard(const Fd& program, const GuardDescriptors& descriptors,
                                   const Identities& identities) {
  auto out = make_pipe();
  if (!out) return out.error();
  auto err = make_pipe();
  if (!err) return err.error();
  GuardStart start{program.get(),
                   {descriptors.control, descriptors.table, descriptors.statistics},
                   {},
                   {},
                   out.value().write_end.get(),
                   err.value().write_end.get()};
  start.given.insert(start.given.end(), descriptors.listeners.begin(), descriptors.listeners.end());
  start.given.insert(start.given.end(), descriptors.spills.begin(), descriptors.spills.end());
  start.high.resize(start.given.size());
  // Its arguments are the users that subjects connect as.
  std::vector<std::string> words = {"sluice-guard"};
  for (std::size_t i = 0; i < descriptors.listeners.size(); ++i) words.push_back(std::to_string(identities.subject(i)));
  start.arguments = pointers(words);
  const pid_t pid = fork();
  if (pid < 0) return system_problem("cannot start the guard");
  if (pid == 0) run_guard(start, identities);
  return Child{pid, open_process(pid), std::move(out.value().read_end), std::move(err.value().read_end), Fd(), Fd()};
}

Status<Problem> start_mirrors(const Fd& program, const std::vector<StagedMirror>& mirrors, std::size_t index,
                              const Identities& identities, const Fd& group) {
  if (mirrors.empty()) return Unit{};
  const Fd log(open("/dev/null", O_WRONLY | O_CLOEXEC));
  std::vector<Fd> given;
  std::vector<std::string> words = {"sluice-mirror"};
  for (const StagedMirror& mirror : mirrors) {
    for (const Fd* fd : {&mirror.root, &mirror.fuse}) {
      given.emplace_back(fcntl(fd->get(), F_DUPFD_CLOEXEC, kHighFd));
      if (!given.back()) return system_problem("cannot start a mirror");
      words.push_back(std::to_string(given.back().get()));
    }
    words.push_back(std::to_string(mirror.seconds));
    words.emplace_back(mirror.direct ? "direct" : "cached");
  }
  std::vector<char*> arguments = pointers(words);
  char* environment[] = {nullptr};
  if (!log) return system_problem("cannot start a mirror");
  const pid_t pid = fork();
  if (pid < 0) return system_problem("cannot start a mirror");
  if (pid > 0) return Unit{};
  if (join(group) && settle(log.get(), log.get()) &&
      std::all_of(given.begin(), given.end(), [](const Fd& fd) { return keep_at_exec(fd.get()); }) &&
      (!identities.distinct() || become(identities.subject(index))) && own_group() && end_with_supervisor()) {
    syscall(SYS_execveat, program.get(), "", arguments.data(), environment, AT_EMPTY_PATH);
  }
  _exit(kExecFailed);
}

Result<Child, Problem> start_sandbox(StagedSubject& subject, std::size_t index, const Identities& identities,
                                     const Fd& group) {
  auto out = make_pipe();
  if (!out) return out.error();
  auto err = make_pipe();
  if (!err) return err.error();
  auto info = make_pipe();
  if (!info) return info.error();
  subject.command.info_fd = info.value().write_end.get();
  std::vector<std::string> words = sandbox::bubblewrap_arguments(subject.command);
  std::vector<char*> arguments = pointers(words);
  char* environment[] = {nullptr};
  // bubblewrap makes no time namespace. This one is entered by the next child.
  if (unshare(CLONE_NEWTIME) != 0) return system_problem("cannot make a time namespace");
  const pid_t pid = fork();
  if (pid < 0) return system_problem("cannot start a sandbox");
  if (pid == 0) {
    if (join(group) && settle(out.value().write_end.get(), err.value().write_end.get()) &&
        std::all_of(subject.command.filter_fds.begin(), subject.command.filter_fds.end(), keep_at_exec) &&
        keep_at_exec(subject.filter.denials.get()) && (!subject.told || keep_at_exec(subject.told.get())) &&
        keep_at_exec(subject.command.info_fd) && keep_at_exec(subject.gate_inside.get()) &&
        (!identities.distinct() || become(identities.subject(index))) && own_group() && restore_descriptor_limit() &&
        end_with_supervisor()) {
      execve("/usr/bin/bwrap", arguments.data(), environment);
    }
    _exit(kExecFailed);
  }
  return Child{pid,
               open_process(pid),
               std::move(out.value().read_end),
               std::move(err.value().read_end),
               std::move(info.value().read_end),
               std::move(subject.gate)};
}

}  // namespace sluice::launcher
