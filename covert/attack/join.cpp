#include "covert/attack/join.hpp"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "covert/attack/tools.hpp"
#include "wire/greeting.hpp"
#include "wire/transmit.hpp"

namespace sluice::covert {

namespace {

constexpr std::size_t kMostDescriptors = wire::kFixedDescriptors + wire::kMaxSubjects;

std::byte* mapped(const Fd& memory, std::size_t bytes, int protection) {
  void* place = ::mmap(nullptr, bytes, protection, MAP_SHARED, memory.get(), 0);
  return place == MAP_FAILED ? nullptr : static_cast<std::byte*>(place);
}

/// Connects and greets. Empty, or what went wrong.
std::string greet(const char* path, Fd& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path, std::strlen(path));
  socket.reset(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return refusal("connect to the guard");
  }
  const wire::Hello hello{wire::kGreetingMagic, wire::kProtocolVersion, 0, 1};
  const bool sent = ::send(socket.get(), &hello, sizeof hello, MSG_NOSIGNAL) == static_cast<ssize_t>(sizeof hello);
  return sent ? "" : refusal("greeting the guard");
}

/// The guard's answer and what comes with it.
std::string take_answer(const Fd& socket, wire::Welcome& welcome, std::vector<Fd>& descriptors) {
  iovec part{&welcome, sizeof welcome};
  alignas(cmsghdr) char control[CMSG_SPACE(kMostDescriptors * sizeof(int))];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const bool whole = ::recvmsg(socket.get(), &message, MSG_CMSG_CLOEXEC) == static_cast<ssize_t>(sizeof welcome);
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (!whole || welcome.verdict != wire::GreetingVerdict::welcome || header == nullptr) return "not welcome";
  const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
  for (std::size_t i = 0; i < count; ++i) {
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
    descriptors.emplace_back(fd);
  }
  return descriptors.size() < wire::kFixedDescriptors ? "too few descriptors" : "";
}

}  // namespace

std::string Membership::join(const char* path) {
  wire::Welcome welcome{};
  if (std::string problem = greet(path, socket); !problem.empty()) return problem;
  if (std::string problem = take_answer(socket, welcome, descriptors); !problem.empty()) return problem;
  const std::byte* bytes = mapped(descriptors[0], welcome.table_bytes, PROT_READ);
  transmit = mapped(descriptors[1], wire::kTransmitAreaBytes, PROT_READ | PROT_WRITE);
  cursors = reinterpret_cast<wire::CursorPage*>(mapped(descriptors[3], wire::kPage, PROT_READ | PROT_WRITE));
  if (bytes == nullptr || transmit == nullptr || cursors == nullptr) return refusal("mmap of the guard's memory");
  if (const char* problem = table.read({bytes, welcome.table_bytes}); problem != nullptr) return problem;
  for (std::uint32_t i = 0; i < table.inflow_count(); ++i) {
    const std::size_t size = std::size_t{table.inflow(i).segment_count} * wire::kSegmentBytes;
    const std::byte* memory = mapped(descriptors[wire::kFixedDescriptors + i], size, PROT_READ);
    if (memory == nullptr) return refusal("mmap of a mailbox");
    mailboxes.emplace_back(memory, size);
  }
  return {};
}

}  // namespace sluice::covert
