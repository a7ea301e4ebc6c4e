// A rank without the library: speaks the wire contracts directly, honestly or not. For tests of the guard and for
// attackers. Header only, uses wire/ alone.
#pragma once

#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "wire/greeting.hpp"
#include "wire/mailbox.hpp"
#include "wire/privilege_table.hpp"
#include "wire/transmit.hpp"

namespace sluice::testing {

/// A frame as a receiver sees it.
struct Received {
  wire::FrameHeader header{};
  std::vector<std::byte> payload;
};

class RawRank {
 public:
  RawRank() = default;
  RawRank(const RawRank&) = delete;
  RawRank& operator=(const RawRank&) = delete;
  ~RawRank() {
    for (const int fd : descriptors_) ::close(fd);
    if (socket_ >= 0) ::close(socket_);
  }

  /// Connects to a Unix socket: a path, or an abstract name that starts with '@'. False if refused.
  bool connect(const std::string& name) {
    socket_ = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    return ::connect(socket_, reinterpret_cast<sockaddr*>(&address), size) == 0;
  }

  bool say(const void* packet, std::size_t bytes) const {
    return ::send(socket_, packet, bytes, MSG_NOSIGNAL) == static_cast<ssize_t>(bytes);
  }

  /// Waits up to `timeout_ms` for the guard's answer; nullopt if none came or the connection ended.
  std::optional<wire::GreetingVerdict> answer(int timeout_ms = 5000) {
    pollfd polled{socket_, POLLIN, 0};
    if (::poll(&polled, 1, timeout_ms) != 1) return std::nullopt;
    wire::Welcome welcome{};
    iovec vector{&welcome, sizeof welcome};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * (wire::kFixedDescriptors + wire::kMaxSubjects))];
    msghdr message{};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    if (::recvmsg(socket_, &message, MSG_CMSG_CLOEXEC) != static_cast<ssize_t>(sizeof welcome)) return std::nullopt;
    if (const cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr && header->cmsg_type == SCM_RIGHTS) {
      descriptors_.resize((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
      std::memcpy(descriptors_.data(), CMSG_DATA(header), descriptors_.size() * sizeof(int));
    }
    if (welcome.verdict == wire::GreetingVerdict::welcome && !map(welcome.table_bytes)) return std::nullopt;
    return welcome.verdict;
  }

  /// connect, Hello, answer.
  std::optional<wire::GreetingVerdict> join(const std::string& name, std::uint32_t rank, std::uint32_t size) {
    if (!connect(name)) return std::nullopt;
    const wire::Hello hello{wire::kGreetingMagic, wire::kProtocolVersion, rank, size};
    if (!say(&hello, sizeof hello)) return std::nullopt;
    return answer();
  }

  void hang_up() {
    ::close(socket_);
    socket_ = -1;
  }

  /// True once the guard has closed the connection.
  [[nodiscard]] bool dropped(int timeout_ms = 5000) const {
    pollfd polled{socket_, POLLIN, 0};
    char byte = 0;
    return ::poll(&polled, 1, timeout_ms) == 1 && ::recv(socket_, &byte, 1, MSG_DONTWAIT | MSG_PEEK) <= 0;
  }

  /// Publishes a frame at the write position, whatever its header says. `stride` 0: as the payload needs. Waits for
  /// room. False if none comes within 5 s.
  bool publish(const wire::FrameHeader& header, const void* payload, std::uint32_t payload_bytes) {
    const std::uint32_t stride = wire::frame_stride(payload_bytes);
    std::uint32_t offset = static_cast<std::uint32_t>(position_ % wire::kTransmitRingBytes);
    if (offset + stride > wire::kTransmitRingBytes) {
      if (!wait_for_room(wire::kTransmitRingBytes - offset + stride)) return false;
      store_kind(0, wire::FrameKind::none, std::memory_order_relaxed);
      store_kind(offset, wire::FrameKind::skip, std::memory_order_release);
      position_ += wire::kTransmitRingBytes - offset;
      offset = 0;
    }
    if (!wait_for_room(stride)) return false;
    std::byte* frame = ring() + offset;
    store_kind((offset + stride) % wire::kTransmitRingBytes, wire::FrameKind::none, std::memory_order_relaxed);
    if (payload_bytes != 0) std::memcpy(frame + sizeof header, payload, payload_bytes);
    wire::store_header(frame, header);
    store_kind(offset, header.kind, std::memory_order_release);
    position_ += stride;
    if (rings) ring_doorbell();
    return true;
  }

  /// Whether publish() rings the doorbell when the guard wants it.
  bool rings = true;

  /// A whole message in fragments.
  bool send(std::uint32_t capability, std::int32_t tag, const void* data, std::uint64_t bytes) {
    std::uint64_t offset = 0;
    do {
      const auto part = static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes - offset, wire::kMaxFragmentBytes));
      wire::FrameHeader header{};
      header.kind = offset == 0 ? wire::FrameKind::message_start : wire::FrameKind::message_part;
      header.payload = part;
      header.endpoint = capability;
      header.context = wire::kWorldContext;
      header.tag = tag;
      header.extent = offset == 0 ? bytes : offset;
      if (!publish(header, static_cast<const std::byte*>(data) + offset, part)) return false;
      offset += part;
    } while (offset < bytes);
    return true;
  }

  /// Next frame of an inflow, stepping from segment to segment; nullopt after `timeout_ms`.
  std::optional<Received> receive(std::uint32_t inflow, int timeout_ms = 5000) {
    Inbox& inbox = inboxes_[inflow];
    for (int waited = 0; waited <= timeout_ms;) {
      const std::byte* frame = inbox.memory + std::size_t{inbox.segment} * wire::kSegmentBytes + inbox.offset;
      const auto kind = static_cast<wire::FrameKind>(
          __atomic_load_n(reinterpret_cast<const std::uint32_t*>(frame), __ATOMIC_ACQUIRE));
      if (kind == wire::FrameKind::none) {
        ::usleep(1000);
        ++waited;
        continue;
      }
      Received received;
      std::memcpy(&received.header, frame, sizeof received.header);
      if (kind == wire::FrameKind::next_segment) {
        inbox.segment = received.header.endpoint;
        inbox.offset = 0;
        ++inbox.released;
        cursor()->inflow[inflow].segments_released.store(inbox.released, std::memory_order_release);
        continue;
      }
      received.payload.assign(frame + sizeof received.header, frame + sizeof received.header + received.header.payload);
      inbox.offset += wire::frame_stride(received.header.payload);
      return received;
    }
    return std::nullopt;
  }

  [[nodiscard]] const std::vector<int>& descriptors() const { return descriptors_; }
  [[nodiscard]] const wire::PrivilegeTable* table() const {
    return reinterpret_cast<const wire::PrivilegeTable*>(table_);
  }
  [[nodiscard]] wire::CursorPage* cursor() const { return cursor_; }
  [[nodiscard]] wire::TransmitControl* control() const { return reinterpret_cast<wire::TransmitControl*>(transmit_); }
  [[nodiscard]] std::byte* ring() const { return transmit_ + wire::kPage; }
  [[nodiscard]] const std::byte* mailbox(std::uint32_t inflow) const { return inboxes_[inflow].memory; }
  [[nodiscard]] int wake_socket() const { return descriptors_[4]; }
  [[nodiscard]] std::uint64_t position() const { return position_; }

  void store_kind(std::uint32_t ring_offset, wire::FrameKind kind, std::memory_order order) const {
    auto* word = reinterpret_cast<std::uint32_t*>(ring() + ring_offset);
    std::atomic_ref<std::uint32_t>(*word).store(static_cast<std::uint32_t>(kind), order);
  }

  void ring_doorbell() const {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (control()->doorbell_wanted.load(std::memory_order_relaxed) == 0) return;
    const std::uint64_t once = 1;
    static_cast<void>(!::write(descriptors_[2], &once, sizeof once));
  }

 private:
  struct Inbox {
    const std::byte* memory = nullptr;
    std::uint32_t segment = 0;
    std::uint32_t offset = 0;
    std::uint64_t released = 0;
  };

  bool map(std::uint64_t table_bytes) {
    if (descriptors_.size() < wire::kFixedDescriptors) return false;
    const auto mapped = [](int fd, std::size_t bytes, int protection) {
      void* address = ::mmap(nullptr, bytes, protection, MAP_SHARED, fd, 0);
      return address == MAP_FAILED ? nullptr : static_cast<std::byte*>(address);
    };
    table_ = mapped(descriptors_[0], table_bytes, PROT_READ);
    transmit_ = mapped(descriptors_[1], wire::kTransmitAreaBytes, PROT_READ | PROT_WRITE);
    cursor_ = reinterpret_cast<wire::CursorPage*>(mapped(descriptors_[3], wire::kPage, PROT_READ | PROT_WRITE));
    if (table_ == nullptr || transmit_ == nullptr || cursor_ == nullptr) return false;
    const auto* inflow = inflow_entries();
    inboxes_.resize(table()->inflow_count);
    for (std::uint32_t i = 0; i < table()->inflow_count; ++i) {
      inboxes_[i].memory = mapped(descriptors_[wire::kFixedDescriptors + i],
                                  std::size_t{inflow[i].segment_count} * wire::kSegmentBytes, PROT_READ);
      if (inboxes_[i].memory == nullptr) return false;
      inboxes_[i].segment = own_rank_in_subject_;
    }
    return true;
  }

  [[nodiscard]] const wire::InflowEntry* inflow_entries() const {
    const std::size_t subjects = table()->subject_count;
    const std::size_t offset = sizeof(wire::PrivilegeTable) + subjects * sizeof(wire::SubjectEntry) +
                               2 * subjects * sizeof(wire::DecisionEntry) + table()->rank_count * sizeof(std::uint32_t);
    return reinterpret_cast<const wire::InflowEntry*>(table_ + offset);
  }

  bool wait_for_room(std::uint64_t bytes) const {
    for (int waited = 0; waited < 50000; ++waited) {
      const std::uint64_t taken = control()->taken.load(std::memory_order_acquire);
      if (position_ + bytes + wire::kTransmitReserve <= taken + wire::kTransmitRingBytes) return true;
      ::usleep(100);
    }
    return false;
  }

  int socket_ = -1;
  std::vector<int> descriptors_;
  std::byte* table_ = nullptr;
  std::byte* transmit_ = nullptr;
  wire::CursorPage* cursor_ = nullptr;
  std::vector<Inbox> inboxes_;
  std::uint64_t position_ = 0;

 public:
  /// Set before join(): rank within the subject, which is also its first mailbox segment.
  std::uint32_t own_rank_in_subject_ = 0;
};

}  // namespace sluice::testing
