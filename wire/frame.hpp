// One frame: the unit that a sender writes into its transmit ring and that the guard writes into a mailbox.
//
// Frames lie back to back at multiples of a cache line. A frame exists once its `kind` is not `none`: the writer
// first clears the `kind` of the place that follows, then fills the frame, then stores `kind` with release order. A
// reader that loads `kind` with acquire order therefore sees whole frames only, and never takes stale bytes of an
// earlier use of the memory for a frame.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "wire/limits.hpp"

namespace sluice::wire {

enum class FrameKind : std::uint32_t {
  none = 0,           ///< nothing written here yet
  message_start = 1,  ///< first fragment of a message; `extent` is the whole message's bytes
  message_part = 2,   ///< next fragment of the open message; `extent` is this fragment's offset in the message
  skip = 3,           ///< transmit ring only: nothing here, go on at the ring's start
  next_segment = 4,   ///< mailbox only: go on at the start of segment `endpoint`
  sender_ended = 5,   ///< mailbox only: rank `endpoint` sends no more; `extent` is 1 if its last message is cut short
  /// Mailbox only: messages of rank `endpoint` with this tag and context for which the queue had no room
  /// (`when_full: drop`). `extent` is their bytes together, the payload a std::uint64_t, how many they are. They stand
  /// here in the order of that rank's messages. If one of its messages is open, that is the first of them.
  messages_missed = 6,
};

struct FrameHeader {
  FrameKind kind;         ///< stored last, see above
  std::uint32_t payload;  ///< bytes that follow this header, at most kMaxFragmentBytes
  /// In a transmit ring: the sender's capability index of the destination. In a mailbox: the true world rank of the
  /// source, stamped by the guard.
  std::uint32_t endpoint;
  std::int32_t tag;
  std::uint64_t context;  ///< of the communicator, with the channel in its lowest bits; nothing to the guard
  std::uint64_t extent;   ///< see FrameKind
};
static_assert(sizeof(FrameHeader) == 32 && std::is_trivially_copyable_v<FrameHeader>);

/// The kind of the frame that may be at `frame`, which may be memory for reading only. What was written before it was
/// stored is seen by whoever sees it.
inline FrameKind load_kind(const std::byte* frame) noexcept {
  return static_cast<FrameKind>(__atomic_load_n(reinterpret_cast<const std::uint32_t*>(frame), __ATOMIC_ACQUIRE));
}

/// Makes a frame exist (release order), or clears its place (relaxed order).
inline void store_kind(std::byte* frame, FrameKind kind, std::memory_order order) noexcept {
  std::atomic_ref<std::uint32_t>(*reinterpret_cast<std::uint32_t*>(frame))
      .store(static_cast<std::uint32_t>(kind), order);
}

/// Writes all of a header but its kind. Field by field: a copy of a header that has just been put together waits until
/// its parts are in the cache.
inline void store_header(std::byte* frame, const FrameHeader& header) noexcept {
  auto* place = reinterpret_cast<FrameHeader*>(frame);
  place->payload = header.payload;
  place->endpoint = header.endpoint;
  place->tag = header.tag;
  place->context = header.context;
  place->extent = header.extent;
}

/// Bytes that a frame of `payload` payload bytes takes in a ring or segment.
constexpr std::uint32_t frame_stride(std::uint32_t payload) noexcept {
  constexpr std::uint32_t line = kCacheLine;
  return (static_cast<std::uint32_t>(sizeof(FrameHeader)) + payload + line - 1) / line * line;
}

/// Context id of MPI_COMM_WORLD. Others are derived from their parent's, never negotiated. The lowest kChannelBits
/// bits tell apart what travels within one communicator (untrusted/interpose/communicator/communicator.hpp) and are
/// zero here.
inline constexpr std::uint32_t kChannelBits = 3;
inline constexpr std::uint64_t kWorldContext = std::uint64_t{1} << kChannelBits;

}  // namespace sluice::wire
