#include "trusted/launcher/guard_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <string>

#include "trusted/guard/control.hpp"

namespace sluice::launcher {
namespace {

using Clock = std::chrono::steady_clock;
using sandbox::Problem;

constexpr std::chrono::seconds kGuardStart{60};

}  // namespace

Result<GuardProcess, Problem> start_guard_process(const Plan& plan, const Stage& stage, const Identities& identities) {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return sandbox::system_problem("cannot connect to the guard");
  }
  GuardProcess result;
  result.control.reset(ends[0]);
  const Fd theirs(ends[1]);
  const std::vector<std::byte> encoded = table::encode(plan.policy.table);
  const Fd table(memfd_create("sluice-table", MFD_CLOEXEC));
  if (!table || write(table.get(), encoded.data(), encoded.size()) != static_cast<ssize_t>(encoded.size()) ||
      lseek(table.get(), 0, SEEK_SET) != 0) {
    return sandbox::system_problem("cannot write the tables");
  }
  auto statistics = fixed_memory("sluice-statistics", sizeof(guard::Statistics));
  if (!statistics) return sandbox::system_problem("cannot make the statistics' memory");
  auto mapped = Mapping::of(statistics.value(), sizeof(guard::Statistics), true);
  if (!mapped) return sandbox::system_problem("cannot map the statistics' memory");
  result.statistics = std::move(mapped).value();
  GuardDescriptors descriptors{theirs.get(), table.get(), statistics.value().get(), {}, {}};
  for (const Fd& listener : stage.listeners) descriptors.listeners.push_back(listener.get());
  for (const Fd& spill : stage.spills) descriptors.spills.push_back(spill.get());
  auto started = start_guard(stage.guard_program, descriptors, identities);
  if (!started) return started.error();
  result.child = std::move(started).value();
  return result;
}

Status<Problem> await_guard(const Child& child, const Fd& control, const Fd& front, bool& interrupted) {
  const auto deadline = Clock::now() + kGuardStart;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    std::array<pollfd, 2> waits = {{{control.get(), POLLIN, 0}, {front.get(), POLLIN, 0}}};
    const int ready = left > 0 ? poll(waits.data(), waits.size(), static_cast<int>(left)) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0)
      return Problem{sandbox::ProblemKind::host, "the guard was not ready within 60 s", "use smaller queues"};
    if (waits[1].revents != 0) {
      interrupted = true;
      return Problem{sandbox::ProblemKind::system, "stopped before the start", ""};
    }
    guard::Event event{};
    const ssize_t got = recv(control.get(), &event, sizeof event, 0);
    if (got != sizeof event) break;
    if (event.kind == guard::EventKind::ready) return Unit{};
    event.text[sizeof event.text - 1] = 0;
    return Problem{sandbox::ProblemKind::host, std::string("the guard cannot start: ") + event.text, ""};
  }
  std::array<char, 512> text{};
  fcntl(child.err.get(), F_SETFL, O_NONBLOCK);
  const ssize_t got = read(child.err.get(), text.data(), text.size() - 1);
  return Problem{sandbox::ProblemKind::host,
                 "the guard ended before it was ready" + (got > 0 ? ": " + std::string(text.data()) : std::string()),
                 ""};
}

}  // namespace sluice::launcher
