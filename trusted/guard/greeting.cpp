#include "trusted/guard/greeting.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

namespace sluice::guard {

Greeting read_greeting(const Fd& connection) noexcept {
  // One byte more than a Hello, so that a longer packet is told from a right one.
  char packet[sizeof(wire::Hello) + 1];
  const ssize_t bytes = ::recv(connection.get(), packet, sizeof packet, MSG_DONTWAIT);
  if (bytes < 0) {
    const bool none_yet = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    return {none_yet ? Greeting::Kind::nothing : Greeting::Kind::ended, {}};
  }
  if (bytes == 0) return {Greeting::Kind::ended, {}};
  Greeting greeting{Greeting::Kind::broken, {}};
  if (bytes != sizeof(wire::Hello)) return greeting;
  std::memcpy(&greeting.hello, packet, sizeof greeting.hello);
  if (greeting.hello.magic == wire::kGreetingMagic) greeting.kind = Greeting::Kind::hello;
  return greeting;
}

Fd accept_connection(const Fd& listener) noexcept {
  return Fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
}

std::optional<uid_t> peer_user(const Fd& connection) noexcept {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return std::nullopt;
  return credentials.uid;
}

wire::GreetingVerdict judge(const wire::Hello& hello, std::span<const bool> taken) noexcept {
  if (hello.version != wire::kProtocolVersion) return wire::GreetingVerdict::wrong_version;
  if (hello.host_size != taken.size()) return wire::GreetingVerdict::wrong_size;
  if (hello.host_rank >= taken.size()) return wire::GreetingVerdict::no_such_rank;
  if (taken[hello.host_rank]) return wire::GreetingVerdict::rank_taken;
  return wire::GreetingVerdict::welcome;
}

Misbehaviour misbehaviour_of(wire::GreetingVerdict verdict) noexcept {
  switch (verdict) {
    case wire::GreetingVerdict::welcome:
      return Misbehaviour::none;
    case wire::GreetingVerdict::wrong_size:
      return Misbehaviour::wrong_job_size;
    case wire::GreetingVerdict::no_such_rank:
      return Misbehaviour::rank_out_of_range;
    case wire::GreetingVerdict::rank_taken:
      return Misbehaviour::rank_taken;
    case wire::GreetingVerdict::foreign_process:
      return Misbehaviour::foreign_process;
    case wire::GreetingVerdict::guard_exhausted:
      return Misbehaviour::too_many_connections;
    case wire::GreetingVerdict::not_a_hello:
    case wire::GreetingVerdict::wrong_version:
      return Misbehaviour::bad_greeting;
  }
  return Misbehaviour::bad_greeting;
}

bool answer(const Fd& connection, wire::GreetingVerdict verdict, const SubjectMemory& subject, std::uint32_t rank,
            std::span<const int> inbound) noexcept {
  int descriptors[wire::kMostDescriptors];
  std::size_t count = 0;
  if (verdict == wire::GreetingVerdict::welcome) {
    const RankMemory& memory = subject.ranks[rank];
    for (const Fd* fd :
         {&subject.table_fd, &memory.transmit_fd, &subject.doorbell, &memory.cursor_fd, &memory.wake_rank}) {
      descriptors[count++] = fd->get();
    }
    for (const int fd : inbound.first(std::min(inbound.size(), wire::kMostDescriptors - count)))
      descriptors[count++] = fd;
  }
  wire::Welcome welcome{.magic = wire::kGreetingMagic,
                        .version = wire::kProtocolVersion,
                        .verdict = verdict,
                        .descriptors = static_cast<std::uint32_t>(count),
                        .table_bytes = count != 0 ? subject.table_bytes : 0};
  iovec vector{&welcome, sizeof welcome};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof descriptors)] = {};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  if (count != 0) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (header == nullptr) return false;
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(int));
    std::memcpy(CMSG_DATA(header), descriptors, count * sizeof(int));
  }
  return ::sendmsg(connection.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL) == static_cast<ssize_t>(sizeof welcome);
}

}  // namespace sluice::guard
