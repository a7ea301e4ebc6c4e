// The guard process: takes its descriptors from the launcher (trusted/guard/control.hpp), makes the guard, and ends
// when the launcher does.
#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "trusted/guard/confinement.hpp"
#include "trusted/guard/control.hpp"
#include "trusted/guard/guard.hpp"
#include "trusted/guard/reporter.hpp"

namespace {

using namespace sluice;  // NOLINT(google-build-using-namespace)
using guard::Event;

constexpr std::size_t kMaxTableBytes = std::size_t{64} << 20;

int fail(const guard::Reporter& reporter, std::string_view why) {
  Event event = guard::make_event(guard::EventKind::setup_failed, 0);
  std::memcpy(event.text, why.data(), std::min(why.size(), sizeof event.text - 1));
  reporter.send(event);
  return guard::kExitSetup;
}

std::optional<table::RunTable> read_table() {
  const off_t size = ::lseek(guard::kTableFd, 0, SEEK_END);
  if (size <= 0 || static_cast<std::size_t>(size) > kMaxTableBytes) return std::nullopt;
  Fd file(guard::kTableFd);
  const auto view = Mapping::of(file, static_cast<std::size_t>(size), false);
  if (!view) return std::nullopt;
  auto decoded = table::decode(view.value().bytes());
  if (!decoded) return std::nullopt;
  return std::move(decoded).value();
}

/// User ids from the command line, one for each subject.
std::optional<std::vector<uid_t>> read_users(int argc, char** argv, std::size_t subjects) {
  std::vector<uid_t> users;
  for (int i = 1; i < argc; ++i) {
    const std::string_view text = argv[i];
    uid_t user = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), user);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    users.push_back(user);
  }
  if (users.size() != subjects) return std::nullopt;
  return users;
}

/// The files of the flows that spill. One that is missing fails at its first use, which ends the receiver.
std::vector<Fd> take_spills(const table::RunTable& table) {
  std::vector<Fd> spills;
  int descriptor = guard::kFirstListenFd + static_cast<int>(table.subjects.size());
  for (const table::Flow& flow : table.flows) {
    if (flow.when_full == table::WhenFull::spill) spills.emplace_back(descriptor++);
  }
  return spills;
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
}

/// Keeps the C library's allocator from opening files once that is forbidden: to count processors when there are more
/// than a few threads, and to ask for the overcommit mode before it gives memory back. Each thread gets an arena of its
/// own, so that no two subjects' threads meet at an allocator's lock.
bool tame_allocator(std::size_t threads) {
  return ::mallopt(M_ARENA_MAX, static_cast<int>(threads)) == 1 &&
         ::mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max()) == 1;
}

/// Serves the launcher until its end of the socket is gone.
void serve(guard::Guard& running) {
  guard::Command command{};
  for (;;) {
    const ssize_t bytes = ::recv(guard::kControlFd, &command, sizeof command, 0);
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes != sizeof command) return;
    if (command.kind == guard::CommandKind::subject_ended) running.subject_ended(command.subject);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  const guard::Reporter reporter(guard::kControlFd);
  auto table = read_table();
  if (!table) return fail(reporter, "the launcher's table cannot be read: launcher and guard of different builds?");
  const std::size_t subjects = table->subjects.size();
  // One thread for each subject and each flow, the reporter's, the one that fills queues in, and this one.
  if (!tame_allocator(subjects + table->flows.size() + 3)) return fail(reporter, "the allocator cannot be set up");
  const auto users = read_users(argc, argv, subjects);
  if (!users) return fail(reporter, "one user id for each subject is needed on the command line");
  Fd statistics_fd(guard::kStatisticsFd);
  const auto statistics = Mapping::of(statistics_fd, sizeof(guard::Statistics), true);
  if (!statistics) return fail(reporter, "the launcher's statistics memory cannot be mapped");
  std::vector<Fd> listeners;
  for (std::size_t subject = 0; subject < subjects; ++subject) {
    const int listener = guard::kFirstListenFd + static_cast<int>(subject);
    if (::fcntl(listener, F_SETFL, O_NONBLOCK) != 0) return fail(reporter, "a subject's socket is missing");
    listeners.emplace_back(listener);
  }
  auto spills = take_spills(*table);
  auto running = guard::Guard::create(std::move(*table), std::move(listeners), std::move(spills), *users,
                                      *reinterpret_cast<guard::Statistics*>(statistics.value().data()), reporter);
  if (!running) return fail(reporter, "out of memory or descriptors while making rings and mailboxes");
  if (!running.value()->start()) return fail(reporter, "out of threads");
  if (!guard::confine_self()) return fail(reporter, "the kernel refuses the guard's own seccomp filter");
  reporter.send(guard::make_event(guard::EventKind::ready, 0));
  serve(*running.value());
  // No destructors: threads are still running.
  ::_exit(guard::kExitDone);
}
