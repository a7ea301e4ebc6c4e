#include "trusted/launcher/front.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <string>

#include "trusted/launcher/audit_log.hpp"
#include "trusted/launcher/directories.hpp"
#include "trusted/launcher/group_keeper.hpp"
#include "trusted/launcher/identity.hpp"
#include "trusted/launcher/spawn.hpp"
#include "trusted/launcher/supervisor.hpp"
#include "trusted/sandbox/host_check.hpp"

namespace sluice::launcher {
namespace {

namespace fs = std::filesystem;
using sandbox::Problem;

void say(const std::string& text) { (void)std::fprintf(stderr, "%s\n", text.c_str()); }

void say(const Problem& problem) {
  say("sluice run: " + problem.what);
  if (!problem.mend.empty()) say("  to mend it: " + problem.mend);
}

bool enough_memory(const policy::Policy& policy) {
  const MemoryNeed need = memory_need(policy);
  if (need.queues <= need.available) return true;
  constexpr std::uint64_t mebibyte = 1 << 20;
  say(Problem{sandbox::ProblemKind::host,
              "the queues of this policy need " + std::to_string(need.queues / mebibyte) + " MiB of memory, and " +
                  std::to_string(need.available / mebibyte) + " MiB are available",
              "give the flows smaller `queue:` sizes"});
  return false;
}

bool wants_memory_limits(const policy::Policy& policy) {
  return std::any_of(policy.subjects.begin(), policy.subjects.end(),
                     [](const policy::Subject& subject) { return subject.limits.memory != 0; });
}

/// Opens what the run will write for the operator. Nothing that is there is followed or shared with others.
Result<Outputs, Problem> open_outputs(const Plan& plan) {
  Outputs outputs;
  if (plan.options.output) {
    std::error_code error;
    fs::create_directories(*plan.options.output, error);
    for (const policy::Subject& subject : plan.policy.subjects) {
      OutputFiles files;
      for (const char* kind : {".out", ".err"}) {
        const fs::path path = *plan.options.output / (subject.name + kind);
        unlink(path.c_str());
        Fd file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        if (!file) return sandbox::system_problem("cannot write " + path.string());
        (std::string(kind) == ".out" ? files.out : files.err) = std::move(file);
      }
      outputs.subjects.push_back(std::move(files));
    }
  }
  if (plan.options.json) {
    const bool standard = *plan.options.json == "-";
    outputs.json.reset(standard ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
                                : open(plan.options.json->c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!outputs.json) return sandbox::system_problem("cannot write " + plan.options.json->string());
  }
  if (plan.options.audit) {
    auto opened = AuditFile::open(*plan.options.audit);
    if (!opened) return opened.error();
    outputs.audit = std::move(opened).value();
  }
  return outputs;
}

bool write_file(const char* path, const std::string& text) {
  const Fd file(open(path, O_WRONLY | O_CLOEXEC));
  return file && write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

/// In the supervisor without privilege: the invoking user stays who it is.
bool map_self(uid_t uid, gid_t gid) {
  const std::string user = std::to_string(uid);
  const std::string group = std::to_string(gid);
  return write_file("/proc/self/setgroups", "deny") && write_file("/proc/self/uid_map", user + " " + user + " 1") &&
         write_file("/proc/self/gid_map", group + " " + group + " 1");
}

/// The supervisor's first steps. Returns its exit code.
int become_supervisor(const Plan& plan, const Identities& identities, uid_t uid, gid_t gid, Fd control, Outputs outputs,
                      std::vector<sandbox::LimitGroup> groups, std::vector<sandbox::Relaxation> relaxations) {
  if (!identities.distinct() && !map_self(uid, gid)) {
    say(sandbox::system_problem("cannot map the own user in a new user namespace"));
    return kHostCannot;
  }
  // After the last change of credentials, which would undo it. If the front has died before, its end of the
  // connection is closed, and the first look at it ends the supervisor.
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return kHostCannot;
  pollfd front{control.get(), POLLIN, 0};
  if (poll(&front, 1, 0) == 1 && (front.revents & POLLHUP) != 0) return kTrustedPartDied;
  setsid();
  return supervise(plan, identities, std::move(control), std::move(outputs), std::move(groups), std::move(relaxations));
}

/// Waits for the supervisor; passes signals on.
int wait_for(pid_t supervisor, const Fd& control, const Fd& signals) {
  const Fd process = open_process(supervisor);
  int asked = 0;
  for (;;) {
    std::array<pollfd, 2> waits = {{{process.get(), POLLIN, 0}, {signals.get(), POLLIN, 0}}};
    if (poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) return kTrustedPartDied;
    if (waits[1].revents != 0) {
      signalfd_siginfo info{};
      if (read(signals.get(), &info, sizeof info) != sizeof info) continue;
      const char order = asked == 0 ? kStopOrderly : kStopNow;
      (void)!send(control.get(), &order, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
      // A supervisor that does not look, because the terminal takes nothing, say, need not be asked a third time.
      if (++asked > 2) signal_process(process, SIGKILL);
    }
    if (waits[0].revents == 0) continue;
    int status = 0;
    if (waitpid(supervisor, &status, 0) != supervisor) return kTrustedPartDied;
    if (WIFEXITED(status)) return WEXITSTATUS(status);
    if (asked > 2) return kInterrupted;
    say("sluice run: the supervisor died (signal " + std::to_string(WTERMSIG(status)) +
        "), and with it every process of the run");
    return kTrustedPartDied;
  }
}

Fd block_signals() {
  sigset_t watched;
  sigemptyset(&watched);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) sigaddset(&watched, signal);
  sigprocmask(SIG_BLOCK, &watched, nullptr);
  return Fd(signalfd(-1, &watched, SFD_CLOEXEC));
}

int launch(const Plan& plan, Outputs outputs, GroupKeeper keeper, std::vector<sandbox::Relaxation> relaxations) {
  const Identities identities = Identities::of_this_run();
  const uid_t uid = geteuid();
  const gid_t gid = getegid();
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    say(sandbox::system_problem("cannot connect to the supervisor"));
    return kHostCannot;
  }
  Fd ours(ends[0]);
  Fd theirs(ends[1]);
  Fd signals = block_signals();
  const unsigned long flags =
      CLONE_NEWPID | CLONE_NEWNS | SIGCHLD | (identities.distinct() ? 0UL : static_cast<unsigned long>(CLONE_NEWUSER));
  const long pid = syscall(SYS_clone, flags, nullptr, nullptr, nullptr, nullptr);
  if (pid < 0) {
    Problem problem = sandbox::system_problem("cannot make the run's namespaces");
    problem.mend = "sluice doctor says what this host lacks";
    say(problem);
    return kHostCannot;
  }
  if (pid == 0) {
    ours.reset();
    signals.reset();
    _exit(become_supervisor(plan, identities, uid, gid, std::move(theirs), std::move(outputs),
                            std::move(keeper.groups()), std::move(relaxations)));
  }
  theirs.reset();
  outputs = Outputs{};
  const int code = wait_for(static_cast<pid_t>(pid), ours, signals);
  keeper.finish();
  return code;
}

bool host_is_fit() {
  bool fit = true;
  for (const sandbox::Check& check :
       sandbox::check_host(sandbox::CheckDepth::before_a_run, find_installation_places())) {
    if (check.verdict != sandbox::Verdict::missing) continue;
    say(Problem{sandbox::ProblemKind::host,
                "this host cannot keep what a run needs: " + check.name + ": " + check.detail, check.mend});
    fit = false;
  }
  return fit;
}

}  // namespace

sandbox::Places find_installation_places() {
  const Installation installation = find_installation();
  return {installation.guard, installation.rank, installation.mirror, installation.confine, installation.libraries};
}

int run(const RunOptions& options) {
  auto loaded = policy::load(options.policy, policy::CheckFiles::yes);
  if (!loaded) {
    say(policy::describe(loaded.error(), options.policy));
    return kPolicyMistakes;
  }
  if (!host_is_fit()) return kHostCannot;
  auto plan = make_plan(options, std::move(loaded).value());
  if (!plan) {
    ExitCode code = kHostCannot;
    for (const PlanProblem& problem : plan.error()) {
      say(problem.problem);
      if (code == kHostCannot || problem.code == kPolicyMistakes) code = problem.code;
    }
    return code;
  }
  if (!enough_memory(plan.value().policy)) return kHostCannot;
  auto outputs = open_outputs(plan.value());
  if (!outputs) {
    say(outputs.error());
    return kUsage;
  }
  auto unlabelled = prepare_directories(plan.value().policy);
  if (!unlabelled) {
    for (const Problem& problem : unlabelled.error()) say(problem);
    return kPolicyMistakes;
  }
  std::vector<sandbox::Relaxation> relaxations;
  for (const std::string& directory : unlabelled.value()) {
    relaxations.push_back(
        {"labels", "",
         directory + ": its file system keeps no labels; what is written there carries none after the run"});
  }
  GroupKeeper keeper = GroupKeeper::start(plan.value());
  for (const sandbox::Relaxation& relaxation : keeper.relaxations()) {
    if (wants_memory_limits(plan.value().policy)) {
      say(Problem{sandbox::ProblemKind::host, "the policy limits memory, and " + relaxation.what,
                  "start runs as root, or take `memory` out of the policy's limits"});
      return kHostCannot;
    }
    relaxations.push_back(relaxation);
  }
  return launch(plan.value(), std::move(outputs).value(), std::move(keeper), std::move(relaxations));
}

}  // namespace sluice::launcher
