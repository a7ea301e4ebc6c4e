#include "untrusted/interpose/transport/guard_session.hpp"

#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "wire/greeting.hpp"
#include "wire/transmit.hpp"

namespace sluice::interpose {

namespace {

constexpr timeval kPatience{30, 0};

std::string failure(const char* what) { return std::string(what) + ": " + std::strerror(errno); }

std::string describe(wire::GreetingVerdict verdict) {
  switch (verdict) {
    case wire::GreetingVerdict::welcome:
      return {};
    case wire::GreetingVerdict::not_a_hello:
    case wire::GreetingVerdict::wrong_version:
      return "the library and the guard are of different builds";
    case wire::GreetingVerdict::no_such_rank:
      return "the policy gives this subject fewer ranks";
    case wire::GreetingVerdict::wrong_size:
      return "the MPI job has another size than the policy's `ranks`";
    case wire::GreetingVerdict::rank_taken:
      return "this rank has connected before";
    case wire::GreetingVerdict::foreign_process:
      return "this process runs as another user than its subject";
    case wire::GreetingVerdict::guard_exhausted:
      return "the guard is out of descriptors or memory";
  }
  return "the guard gave an answer of another version";
}

/// Maps `bytes` of `fd`; null if it is shorter or cannot be mapped. Closes `fd`.
void* map_and_close(int fd, std::size_t bytes, int protection) {
  struct stat status {};
  void* memory = MAP_FAILED;
  if (::fstat(fd, &status) == 0 && static_cast<std::size_t>(status.st_size) >= bytes) {
    memory = ::mmap(nullptr, bytes, protection, MAP_SHARED, fd, 0);
  }
  ::close(fd);
  return memory == MAP_FAILED ? nullptr : memory;
}

/// Receives the guard's answer and its descriptors.
std::string receive_answer(int socket, wire::Welcome& welcome, std::vector<int>& descriptors) {
  alignas(cmsghdr) char control[CMSG_SPACE(wire::kMostDescriptors * sizeof(int))];
  iovec part{&welcome, sizeof welcome};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t bytes = 0;
  do {
    bytes = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (bytes < 0 && errno == EINTR);
  if (bytes < 0) return failure("the guard does not answer");
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    descriptors.resize((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    std::memcpy(descriptors.data(), CMSG_DATA(header), descriptors.size() * sizeof(int));
  }
  if (bytes == 0) return "the guard has closed the connection";
  if (bytes != static_cast<ssize_t>(sizeof welcome) || welcome.magic != wire::kGreetingMagic ||
      welcome.version != wire::kProtocolVersion) {
    return describe(wire::GreetingVerdict::wrong_version);
  }
  return describe(welcome.verdict);
}

int connect_to(const char* path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (std::strlen(path) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  std::memcpy(address.sun_path, path, std::strlen(path) + 1);
  const int socket = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (socket < 0) return -1;
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return socket;
  const int error = errno;
  ::close(socket);
  errno = error;
  return -1;
}

}  // namespace

std::string GuardSession::open(const char* path, std::uint32_t host_rank, std::uint32_t host_size) {
  socket = connect_to(path);
  if (socket < 0) return failure("cannot reach the guard");
  const wire::Hello hello{wire::kGreetingMagic, wire::kProtocolVersion, host_rank, host_size};
  if (::send(socket, &hello, sizeof hello, MSG_NOSIGNAL) != static_cast<ssize_t>(sizeof hello)) {
    return failure("cannot greet the guard");
  }
  wire::Welcome welcome{};
  std::vector<int> descriptors;
  std::string problem = receive_answer(socket, welcome, descriptors);
  if (!problem.empty()) return problem;
  if (descriptors.size() != welcome.descriptors || descriptors.size() < wire::kFixedDescriptors) {
    return "not all of the guard's descriptors arrived: is the limit of open files too low?";
  }
  return map(descriptors, welcome.table_bytes);
}

std::string GuardSession::map(std::span<const int> descriptors, std::uint64_t table_bytes) {
  const auto* bytes = static_cast<const std::byte*>(map_and_close(descriptors[0], table_bytes, PROT_READ));
  transmit = static_cast<std::byte*>(map_and_close(descriptors[1], wire::kTransmitAreaBytes, PROT_READ | PROT_WRITE));
  doorbell = descriptors[2];
  void* page = map_and_close(descriptors[3], sizeof(wire::CursorPage), PROT_READ | PROT_WRITE);
  cursors = static_cast<wire::CursorPage*>(page);
  wake = descriptors[4];
  if (bytes == nullptr || transmit == nullptr || cursors == nullptr) return failure("cannot map the guard's memory");
  if (const char* problem = table.read({bytes, table_bytes}); problem != nullptr) return problem;
  const std::size_t first_shared = wire::kFixedDescriptors + table.inflow_count();
  if (descriptors.size() < first_shared) {
    return "the guard's mailboxes do not fit its table";
  }
  for (std::uint32_t i = 0; i < table.inflow_count(); ++i) {
    const std::size_t size = std::size_t{table.inflow(i).segment_count} * wire::kSegmentBytes;
    const void* memory = map_and_close(descriptors[wire::kFixedDescriptors + i], size, PROT_READ);
    if (memory == nullptr) return failure("cannot map a mailbox");
    mailboxes.emplace_back(static_cast<const std::byte*>(memory), size);
  }
  return map_shared_paths(descriptors.subspan(first_shared));
}

std::string GuardSession::map_shared_paths(std::span<const int> descriptors) {
  const std::uint32_t own_ranks = table.subject(table.self()).rank_count;
  for (std::uint32_t other = 0; other < table.subject_count(); ++other) {
    const std::uint32_t other_ranks = table.subject(other).rank_count;
    for (const bool outward : {true, false}) {
      if ((outward ? table.to(other) : table.from(other)).path != wire::kPathShared) continue;
      if (descriptors.size() < wire::kDescriptorsPerSharedFlow) return "the guard's shared paths do not fit its table";
      const std::size_t rings = wire::shared_ring_bytes(own_ranks, other_ranks);
      const std::size_t positions = wire::shared_position_bytes(own_ranks, other_ranks);
      constexpr int kWrite = PROT_READ | PROT_WRITE;
      auto* ring_memory = static_cast<std::byte*>(map_and_close(descriptors[0], rings, outward ? kWrite : PROT_READ));
      auto* position_memory =
          static_cast<std::byte*>(map_and_close(descriptors[1], positions, outward ? PROT_READ : kWrite));
      if (ring_memory == nullptr || position_memory == nullptr) return failure("cannot map a shared path");
      shared.push_back({other, outward, ring_memory, position_memory});
      descriptors = descriptors.subspan(wire::kDescriptorsPerSharedFlow);
    }
  }
  return descriptors.empty() ? "" : "the guard's shared paths do not fit its table";
}

void GuardSession::close() noexcept {
  for (int* fd : {&socket, &doorbell, &wake}) {
    if (*fd >= 0) ::close(*fd);
    *fd = -1;
  }
}

bool GuardSession::lost() const noexcept {
  pollfd polled{socket, POLLIN, 0};
  return ::poll(&polled, 1, 0) > 0;
}

}  // namespace sluice::interpose
