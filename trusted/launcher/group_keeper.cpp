#include "trusted/launcher/group_keeper.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "trusted/launcher/spawn.hpp"

namespace sluice::launcher {
namespace {

constexpr int kMostSteps = 3000;

/// A group is free some milliseconds after its last process, or much later.
void rest(int step) { poll(nullptr, 0, step < 20 ? 1 : 10); }

/// Removes the groups, which have to be empty for that.
void remove_groups(const sandbox::GroupPlace& place, pid_t keeper, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const std::string folder = place.folder / sandbox::group_name(keeper, i);
    for (int step = 0; step < kMostSteps && rmdir(folder.c_str()) != 0 && errno == EBUSY; ++step) rest(step);
  }
}

/// Waits for the end of the run.
[[noreturn]] void keep(int alive, const sandbox::GroupPlace& place, std::size_t count) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  setpgid(0, 0);
  dup2(alive, 0);
  syscall(SYS_close_range, 1, ~0U, 0);
  char byte = 0;
  while (read(0, &byte, 1) < 0 && errno == EINTR) continue;
  remove_groups(place, getpid(), count);
  _exit(0);
}

}  // namespace

GroupKeeper GroupKeeper::start(const Plan& plan) {
  GroupKeeper result;
  const auto without = [&](const sandbox::Problem& problem) {
    result.groups_.clear();
    result.relaxations_.push_back({"memory", "", problem.what + "; a subject may use all memory of the host"});
    return std::move(result);
  };
  const auto place = sandbox::find_memory_group();
  if (!place) return without(place.error());
  sandbox::remove_forgotten_groups(place.value());
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return without(sandbox::system_problem("no pipe"));
  result.alive_.reset(ends[1]);
  result.place_ = place.value();
  const Fd theirs(ends[0]);
  // Before the groups, which are called after it: no moment in which nobody would remove them.
  result.keeper_ = fork();
  if (result.keeper_ == 0) keep(theirs.get(), place.value(), plan.subjects.size());
  if (result.keeper_ < 0) return without(sandbox::system_problem("no process"));
  for (std::size_t i = 0; i < plan.subjects.size(); ++i) {
    auto group = sandbox::LimitGroup::make(place.value(), sandbox::group_name(result.keeper_, i),
                                           plan.subjects[i].limits.memory);
    if (!group) return without(group.error());
    result.groups_.push_back(std::move(group).value());
    ++result.count_;
  }
  return result;
}

void GroupKeeper::finish() {
  groups_.clear();
  alive_.reset();
  if (keeper_ < 0) return;
  const Fd process = open_process(keeper_);
  pollfd wait{process.get(), POLLIN, 0};
  (void)poll(&wait, 1, 5000);
  waitpid(keeper_, nullptr, WNOHANG);
  // If somebody has killed the keeper.
  remove_groups(place_, keeper_, count_);
}

}  // namespace sluice::launcher
