// Hostile packets on a rank's connection: read_greeting and judge over arbitrary bytes.
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

#include "trusted/guard/greeting.hpp"

namespace {

struct Pair {
  Pair() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
    guard_end.reset(ends[0]);
    rank_end.reset(ends[1]);
  }
  sluice::Fd guard_end;
  sluice::Fd rank_end;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;  // NOLINT(google-build-using-namespace)
  if (size == 0 || size > 4096) return 0;
  // One connection for all: a packet is taken as a whole, or what is left of it is gone.
  static const Pair pair;
  const Fd& guard_end = pair.guard_end;
  const Fd& rank_end = pair.rank_end;
  if (::send(rank_end.get(), data, size, 0) != static_cast<ssize_t>(size)) std::abort();
  const guard::Greeting greeting = guard::read_greeting(guard_end);
  if (greeting.kind == guard::Greeting::Kind::hello) {
    const bool taken[] = {true, false, true, false};
    const auto verdict = guard::judge(greeting.hello, taken);
    const bool right = greeting.hello.version == wire::kProtocolVersion && greeting.hello.host_size == 4 &&
                       greeting.hello.host_rank < 4 && !taken[greeting.hello.host_rank];
    if ((verdict == wire::GreetingVerdict::welcome) != right) std::abort();
  } else if (greeting.kind == guard::Greeting::Kind::nothing) {
    std::abort();
  }
  if (guard::read_greeting(guard_end).kind != guard::Greeting::Kind::nothing) std::abort();
  return 0;
}
