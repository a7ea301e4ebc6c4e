#include "trusted/launcher/supervisor.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <memory>
#include <optional>

#include "trusted/base/mapping.hpp"
#include "trusted/guard/control.hpp"
#include "trusted/launcher/audit_log.hpp"
#include "trusted/launcher/descendants.hpp"
#include "trusted/launcher/refused_calls.hpp"
#include "trusted/launcher/run_state.hpp"
#include "trusted/launcher/spawn.hpp"
#include "trusted/launcher/started_run.hpp"
#include "trusted/launcher/terminal.hpp"
#include "trusted/sandbox/network_counters.hpp"
#include "trusted/sandbox/proc_covers.hpp"

namespace sluice::launcher {
namespace {

using Clock = std::chrono::steady_clock;
using sandbox::Problem;

constexpr std::chrono::milliseconds kStatusPeriod{250};
constexpr std::chrono::seconds kStopGrace{5};
/// Open MPI's mpiexec hangs now and then after an abort, its ranks long gone. This long without one, it is ended; on a
/// busy machine it may take long to start the first.
constexpr std::chrono::seconds kAfterRanks{4};
constexpr std::chrono::seconds kBeforeRanks{15};
constexpr std::chrono::milliseconds kRankLookPeriod{1000};
constexpr std::chrono::seconds kGuardEnd{2};
constexpr std::size_t kMaxInfo = 4096;

/// One subject's sandbox while it lives.
struct Sandbox {
  Child child;  ///< bubblewrap itself
  Fd first;     ///< the sandbox's pid 1; when it has ended, every process of the sandbox has
  pid_t first_pid = -1;
  bool outer_reaped = false;
  std::string info;
  std::vector<sandbox::Entry> proc_covers;
  std::unique_ptr<Drain> drain;
  std::unique_ptr<RefusedCalls> refused_calls;     ///< none where this host lets nobody count them
  std::optional<Clock::time_point> without_ranks;  ///< since when its mpiexec has no process below it
  bool had_ranks = false;                          ///< one was seen below it
};

class Supervisor {
 public:
  Supervisor(const Plan& plan, const Identities& identities, Fd control, Outputs outputs,
             std::vector<sandbox::LimitGroup> groups, std::vector<sandbox::Relaxation> relaxations)
      : plan_(plan),
        identities_(identities),
        front_(std::move(control)),
        outputs_(std::move(outputs)),
        audit_(std::move(outputs_.audit), plan),
        groups_(std::move(groups)) {
    state_.subjects.resize(plan.subjects.size());
    state_.flows.resize(plan.policy.table.flows.size());
    state_.relaxations = std::move(relaxations);
  }

  int run() {
    catch_signals();
    if (auto started = start(); !started) return give_up(started.error());
    while (!all_ended() && !state_.trusted_part_died) wait_once();
    end_everything();
    return report();
  }

 private:
  void catch_signals();
  Status<Problem> start();
  void start_output(std::vector<StartedSubject> subjects);
  int give_up(const Problem& problem);

  void wait_once();
  void on_front();
  void on_guard();
  void on_event(const guard::Event& event);
  bool on_info(std::size_t index);
  void open_gate(std::size_t index);
  void note(std::size_t index, const sandbox::Relaxation& relaxation);
  void reap();
  void check_gone(std::size_t index);
  void look_at_memory(std::size_t index);
  void look_now_and_then();
  void end_subject(std::size_t index, EndedBy by, const std::string& why);
  void stop(bool now);
  void guard_died();
  void draw_status();
  bool all_ended() const;
  const guard::Statistics& statistics() const;
  void end_everything();
  int report();

  const Plan& plan_;
  const Identities& identities_;
  Fd front_;
  Outputs outputs_;
  AuditLog audit_;
  std::vector<sandbox::LimitGroup> groups_;  ///< of the subjects; none where this host has none
  RunState state_;
  Fd signals_;
  Fd guard_control_;
  Child guard_;
  bool guard_reaped_ = false;
  Mapping statistics_;
  std::vector<Sandbox> sandboxes_;
  std::unique_ptr<Terminal> terminal_;
  std::unique_ptr<Drain> guard_drain_;
  bool live_ = false;
  std::optional<Clock::time_point> stop_deadline_;
  Clock::time_point next_status_ = Clock::now();
  Clock::time_point next_rank_look_ = Clock::now();
};

void Supervisor::catch_signals() {
  sigset_t watched;
  sigemptyset(&watched);
  for (const int signal : {SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) sigaddset(&watched, signal);
  sigprocmask(SIG_BLOCK, &watched, nullptr);
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  signals_.reset(signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK));
  live_ = isatty(STDERR_FILENO) == 1 && !plan_.options.quiet;
}

Status<Problem> Supervisor::start() {
  raise_descriptor_limit();
  state_.started = Clock::now();
  auto begun = start_run(plan_, identities_, groups_);
  if (!begun) return begun.error();
  StartedRun& run = begun.value();
  state_.relaxations.insert(state_.relaxations.end(), run.relaxations.begin(), run.relaxations.end());
  audit_.run_started(identities_, state_);
  // Nothing of a subject's runs before its gate is opened, which wait_once() does.
  for (const sandbox::Relaxation& relaxation : state_.relaxations) {
    if (auto allowed = check_relaxation(plan_, relaxation); !allowed) return allowed;
  }
  guard_ = std::move(run.guard.child);
  guard_control_ = std::move(run.guard.control);
  statistics_ = std::move(run.guard.statistics);
  if (auto ready = await_guard(guard_, guard_control_, front_, state_.interrupted); !ready) return ready;
  start_output(std::move(run.subjects));
  return Unit{};
}

/// Threads for what the sandboxes and the guard write.
void Supervisor::start_output(std::vector<StartedSubject> subjects) {
  terminal_ = std::make_unique<Terminal>(plan_.subjects.size() + 1, live_);
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    const policy::Subject& subject = plan_.policy.subjects[i];
    OutputFiles files = outputs_.subjects.empty() ? OutputFiles{} : std::move(outputs_.subjects[i]);
    Sandbox sandbox;
    sandbox.child = std::move(subjects[i].child);
    sandbox.proc_covers = std::move(subjects[i].proc_covers);
    sandbox.drain = std::make_unique<Drain>(Drain::Source{i, subject.label_text, subject.name},
                                            RankPipes{std::move(sandbox.child.out), std::move(sandbox.child.err)},
                                            std::move(subjects[i].output), std::move(files), *terminal_);
    if (subjects[i].heard) sandbox.refused_calls = std::make_unique<RefusedCalls>(std::move(subjects[i].heard));
    sandboxes_.push_back(std::move(sandbox));
  }
  guard_drain_ = std::make_unique<Drain>(Drain::Source{plan_.subjects.size(), "sluice", "guard"},
                                         RankPipes{std::move(guard_.out), std::move(guard_.err)},
                                         std::vector<RankPipes>{}, OutputFiles{}, *terminal_);
}

int Supervisor::give_up(const Problem& problem) {
  state_.host_failed = !state_.interrupted;
  audit_.run_ended(state_);
  // Ending this process ends every other one of the namespace.
  std::string text = "sluice run: " + problem.what + "\n";
  if (!problem.mend.empty()) text += "  to mend it: " + problem.mend + "\n";
  (void)!write(STDERR_FILENO, text.data(), text.size());
  return state_.interrupted ? kInterrupted : kHostCannot;
}

const guard::Statistics& Supervisor::statistics() const {
  return *reinterpret_cast<const guard::Statistics*>(statistics_.data());
}

bool Supervisor::all_ended() const {
  return std::all_of(state_.subjects.begin(), state_.subjects.end(),
                     [](const SubjectState& subject) { return subject.phase == SubjectState::Phase::ended; });
}

void Supervisor::wait_once() {
  std::vector<pollfd> waits = {
      {front_.get(), POLLIN, 0}, {signals_.get(), POLLIN, 0}, {guard_control_.get(), POLLIN, 0}};
  const std::size_t fixed = waits.size();
  for (const Sandbox& sandbox : sandboxes_) waits.push_back({sandbox.child.info.get(), POLLIN, 0});
  for (std::size_t i = 0; i < sandboxes_.size(); ++i) {
    // A sandbox whose monitor is gone may be waiting for its last processes; one that has ended stays readable for
    // ever.
    const bool ending = sandboxes_[i].outer_reaped && state_.subjects[i].phase != SubjectState::Phase::ended;
    waits.push_back({ending ? sandboxes_[i].first.get() : -1, POLLIN, 0});
  }
  const std::size_t gates = waits.size();
  for (const Sandbox& sandbox : sandboxes_) waits.push_back({sandbox.child.gate.get(), POLLIN, 0});
  int timeout = static_cast<int>(kRankLookPeriod.count());
  if (live_) timeout = static_cast<int>(kStatusPeriod.count());
  if (stop_deadline_) timeout = 100;
  if (poll(waits.data(), waits.size(), timeout) < 0 && errno != EINTR) return;
  if (waits[0].revents != 0) on_front();
  for (std::size_t i = 0; i < sandboxes_.size(); ++i) {
    if (waits[fixed + i].revents != 0) on_info(i);
    if (waits[gates + i].revents != 0) open_gate(i);
  }
  if (waits[1].revents != 0) {
    std::array<signalfd_siginfo, 16> drained;
    (void)!read(signals_.get(), drained.data(), sizeof drained);
  }
  reap();
  // What the guard said of a subject before its last process ended counts as its end.
  on_guard();
  for (std::size_t i = 0; i < sandboxes_.size(); ++i) check_gone(i);
  look_now_and_then();
  if (stop_deadline_ && Clock::now() > *stop_deadline_) stop(true);
  draw_status();
}

void Supervisor::on_front() {
  char order = 0;
  const ssize_t got = read(front_.get(), &order, 1);
  // Without a front nobody waits for this run: everything goes with this process.
  if (got <= 0) _exit(kTrustedPartDied);
  stop(order == kStopNow);
}

void Supervisor::stop(bool now) {
  if (!state_.interrupted) {
    terminal_->message("sluice run: stopping the subjects");
    audit_.stopping();
  }
  state_.interrupted = true;
  for (std::size_t i = 0; i < sandboxes_.size(); ++i) {
    if (state_.subjects[i].phase == SubjectState::Phase::ended) continue;
    if (now) {
      end_subject(i, EndedBy::interrupt, "");
    } else {
      state_.subjects[i].ended_by = EndedBy::interrupt;
      for (const pid_t pid : children_of(sandboxes_[i].first_pid)) kill(pid, SIGTERM);
    }
  }
  if (!now && !stop_deadline_) stop_deadline_ = Clock::now() + kStopGrace;
}

void Supervisor::on_guard() {
  while (!state_.trusted_part_died) {
    guard::Event event{};
    const ssize_t got = recv(guard_control_.get(), &event, sizeof event, MSG_DONTWAIT);
    if (got == sizeof event) {
      on_event(event);
      continue;
    }
    if (got >= 0 || (errno != EAGAIN && errno != EINTR)) guard_died();
    return;
  }
}

void Supervisor::on_event(const guard::Event& event) {
  audit_.guard_event(event);
  if (event.kind == guard::EventKind::rank_up && event.subject < state_.subjects.size()) {
    ++state_.subjects[event.subject].ranks_connected;
  } else if (event.kind == guard::EventKind::rank_ended && event.subject < state_.subjects.size()) {
    auto& connected = state_.subjects[event.subject].ranks_connected;
    if (connected > 0) --connected;
  } else if (event.kind == guard::EventKind::misbehaved && event.subject < state_.subjects.size()) {
    end_subject(event.subject, EndedBy::guard_misbehaviour, guard::describe(event.misbehaviour));
  } else if (event.kind == guard::EventKind::setup_failed) {
    // After it was ready, that is memory which turned out not to be there.
    state_.host_failed = true;
    const std::string text(event.text, strnlen(event.text, sizeof event.text));
    for (std::size_t i = 0; i < sandboxes_.size(); ++i) end_subject(i, EndedBy::collapse, text);
  } else if (event.kind == guard::EventKind::queue_full && event.flow < state_.flows.size()) {
    const table::Flow& flow = plan_.policy.table.flows[event.flow];
    const std::string why(event.text, strnlen(event.text, sizeof event.text));
    end_subject(flow.to, EndedBy::guard_queue_full,
                "the queue from " + plan_.policy.subjects[flow.from].name + " was full (" +
                    std::to_string(flow.queue_bytes >> 20) + " MiB, policy line " + std::to_string(flow.policy_line) +
                    "): " + (why.empty() ? "it received too slowly" : why) + "; a larger `queue:` gives it more time");
  }
}

void Supervisor::guard_died() {
  state_.trusted_part_died = true;
  audit_.guard_died();
  terminal_->message("sluice run: the guard died; the run ends with it");
  for (std::size_t i = 0; i < sandboxes_.size(); ++i) end_subject(i, EndedBy::collapse, "the guard died");
}

void Supervisor::end_subject(std::size_t index, EndedBy by, const std::string& why) {
  SubjectState& subject = state_.subjects[index];
  if (subject.phase == SubjectState::Phase::ended) return;
  subject.ended_by = by;
  subject.why = why;
  if (by != EndedBy::interrupt) {
    terminal_->message("sluice run: " + plan_.policy.subjects[index].name + " " + describe_end(subject));
  }
  signal_process(sandboxes_[index].child.process, SIGKILL);
  signal_process(sandboxes_[index].first, SIGKILL);
}

/// Reads what bubblewrap reports. False when there is nothing more to read now.
bool Supervisor::on_info(std::size_t index) {
  Sandbox& sandbox = sandboxes_[index];
  std::array<char, 512> block{};
  const ssize_t got = read(sandbox.child.info.get(), block.data(), block.size());
  if (got <= 0) {
    if (got == 0) sandbox.child.info.reset();
    return false;
  }
  if (sandbox.info.size() < kMaxInfo) sandbox.info.append(block.data(), static_cast<std::size_t>(got));
  const std::size_t key = sandbox.info.find("\"child-pid\":");
  if (sandbox.first || key == std::string::npos) return true;
  const std::size_t digits = sandbox.info.find_first_of("0123456789", key);
  const std::size_t end = sandbox.info.find_first_not_of("0123456789", digits);
  if (digits == std::string::npos || end == std::string::npos) return true;
  std::from_chars(sandbox.info.data() + digits, sandbox.info.data() + end, sandbox.first_pid);
  sandbox.first = open_process(sandbox.first_pid);
  if (state_.subjects[index].phase == SubjectState::Phase::starting)
    state_.subjects[index].phase = SubjectState::Phase::running;
  return true;
}

/// The sandbox is there, and sluice-confine in it waits; or it has ended before.
void Supervisor::open_gate(std::size_t index) {
  Sandbox& sandbox = sandboxes_[index];
  const Fd gate = std::move(sandbox.child.gate);
  while (!sandbox.first && sandbox.child.info && on_info(index)) continue;
  char ready = 0;
  if (read(gate.get(), &ready, 1) != 1 || !sandbox.first) return;
  if (auto covered = sandbox::cover(sandbox.first, sandbox.proc_covers); !covered) {
    state_.host_failed = true;
    end_subject(index, EndedBy::collapse, covered.error().what);
    return;
  }
  if (!sandbox::hide_network_counters(sandbox.first_pid)) {
    note(index, {"network-counters", plan_.policy.subjects[index].name,
                 "can read counters of the whole host's network in /proc/net"});
  }
  (void)send(gate.get(), "g", 1, MSG_NOSIGNAL);
}

/// A relaxation that shows only now. The subject has not begun: if the policy refuses that, it never does.
void Supervisor::note(std::size_t index, const sandbox::Relaxation& relaxation) {
  state_.relaxations.push_back(relaxation);
  audit_.relaxation(relaxation);
  const auto allowed = check_relaxation(plan_, relaxation);
  if (allowed) return;
  state_.host_failed = true;
  end_subject(index, EndedBy::collapse, allowed.error().what);
}

void Supervisor::reap() {
  int status = 0;
  for (pid_t pid = 0; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    if (pid == guard_.pid) {
      guard_reaped_ = true;
      if (!all_ended() && !state_.trusted_part_died) guard_died();
    }
    for (std::size_t i = 0; i < sandboxes_.size(); ++i) {
      Sandbox& sandbox = sandboxes_[i];
      if (pid != sandbox.child.pid) continue;
      // Not to the end: if bubblewrap was killed early, its child may live and hold the pipe.
      while (sandbox.child.info && on_info(i)) continue;
      sandbox.outer_reaped = true;
      // Without an exit code in its report bubblewrap never came to start the program.
      if (sandbox.info.find("\"exit-code\"") != std::string::npos || WIFSIGNALED(status)) {
        state_.subjects[i].exit_status = status;
      }
      signal_process(sandbox.first, SIGKILL);
    }
  }
}

void Supervisor::check_gone(std::size_t index) {
  const Sandbox& sandbox = sandboxes_[index];
  SubjectState& subject = state_.subjects[index];
  if (subject.phase == SubjectState::Phase::ended || !sandbox.outer_reaped) return;
  if (sandbox.first && !has_ended(sandbox.first)) return;
  subject.phase = SubjectState::Phase::ended;
  sandbox.drain->end();
  audit_.counters(statistics());
  if (sandbox.refused_calls) audit_.refused_calls(index, sandbox.refused_calls->news());
  look_at_memory(index);
  audit_.subject_ended(index, subject);
  if (!subject.exit_status && subject.ended_by == EndedBy::itself) state_.host_failed = true;
  const guard::Command command{guard::CommandKind::subject_ended, static_cast<std::uint32_t>(index)};
  (void)send(guard_control_.get(), &command, sizeof command, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/// Says so if the kernel has ended processes of a subject because they needed more memory than it may have.
void Supervisor::look_at_memory(std::size_t index) {
  if (groups_.empty() || groups_[index].ended_for_memory() == 0) return;
  SubjectState& subject = state_.subjects[index];
  if (subject.ended_by != EndedBy::itself) return;
  subject.ended_by = EndedBy::memory_limit;
  subject.why = "it needed more memory than it may have; `limits: { memory: ... }` in the policy gives it more";
}

void Supervisor::look_now_and_then() {
  const auto now = Clock::now();
  if (now < next_rank_look_) return;
  next_rank_look_ = now + kRankLookPeriod;
  audit_.counters(statistics());
  for (std::size_t i = 0; i < sandboxes_.size(); ++i) {
    Sandbox& sandbox = sandboxes_[i];
    if (sandbox.refused_calls) audit_.refused_calls(i, sandbox.refused_calls->news());
    if (state_.subjects[i].phase != SubjectState::Phase::running) continue;
    const std::vector<pid_t> launcher = children_of(sandbox.first_pid);
    if (launcher.size() != 1 || !children_of(launcher[0]).empty()) {
      sandbox.without_ranks.reset();
      sandbox.had_ranks = sandbox.had_ranks || launcher.size() == 1;
    } else if (!sandbox.without_ranks) {
      sandbox.without_ranks = now;
    } else if (now - *sandbox.without_ranks > (sandbox.had_ranks ? kAfterRanks : kBeforeRanks)) {
      end_subject(i, EndedBy::stuck_launcher, "its mpiexec went on without any rank");
    }
  }
}

void Supervisor::draw_status() {
  if (!live_ || Clock::now() < next_status_) return;
  next_status_ = Clock::now() + kStatusPeriod;
  read_figures(statistics(), state_);
  terminal_->status(status_text(plan_, state_));
}

void Supervisor::end_everything() {
  state_.seconds = std::chrono::duration<double>(Clock::now() - state_.started).count();
  read_figures(statistics(), state_);
  const auto deadline = Clock::now() + kGuardEnd;
  shutdown(guard_control_.get(), SHUT_RDWR);
  while (!guard_reaped_ && !has_ended(guard_.process) && Clock::now() < deadline) {
    pollfd wait{guard_.process.get(), POLLIN, 0};
    (void)poll(&wait, 1, 50);
  }
  for (const Sandbox& sandbox : sandboxes_) {
    signal_process(sandbox.child.process, SIGKILL);
    signal_process(sandbox.first, SIGKILL);
  }
  signal_process(guard_.process, SIGKILL);
  // As process 1 of the run's namespace this reaches whatever else is left: a sandbox whose first process was not yet
  // known, say. What they wrote until then is still shown.
  if (getpid() == 1) kill(-1, SIGKILL);
  guard_drain_.reset();
  for (Sandbox& sandbox : sandboxes_) sandbox.drain.reset();
}

int Supervisor::report() {
  for (SubjectState& subject : state_.subjects) subject.phase = SubjectState::Phase::ended;
  audit_.run_ended(state_);
  if (!plan_.options.quiet) terminal_->message(summary_text(plan_, state_));
  terminal_->finish();
  if (outputs_.json) {
    const std::string text = summary_json(plan_, state_);
    (void)!write(outputs_.json.get(), text.data(), text.size());
  }
  return exit_code(state_);
}

}  // namespace

int supervise(const Plan& plan, const Identities& identities, Fd control, Outputs outputs,
              std::vector<sandbox::LimitGroup> groups, std::vector<sandbox::Relaxation> relaxations) {
  return Supervisor(plan, identities, std::move(control), std::move(outputs), std::move(groups), std::move(relaxations))
      .run();
}

}  // namespace sluice::launcher
