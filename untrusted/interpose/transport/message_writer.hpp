// Writes messages to other subjects: into the transmit ring, or where there is a shared path into the receiver's ring.
#pragma once

#include <cstddef>
#include <cstdint>

#include "untrusted/interpose/transport/shared_path.hpp"
#include "wire/frame.hpp"
#include "wire/shared_path.hpp"

namespace sluice::interpose {

/// Writes one message, piece by piece, and makes progress on incoming mail meanwhile. Complete once written: the guard
/// empties the transmit ring whatever the receiver does, so the wait for room is short; and a receiver's ring that
/// stays full is left for the transmit ring. The layer stays locked from first to last, so that messages of two threads
/// do not mix.
class MessageWriter {
 public:
  /// Precondition: the own subject has a flow to `world_rank`. `context`: with the channel. `extent`: bytes of the
  /// whole message.
  MessageWriter(std::uint32_t world_rank, std::uint64_t context, int tag, std::uint64_t extent) noexcept;

  /// Writes `count` bytes as fragments. A message without bytes takes one call with none.
  void append(const std::byte* bytes, std::uint64_t count);

  MessageWriter(const MessageWriter&) = delete;
  MessageWriter& operator=(const MessageWriter&) = delete;
  ~MessageWriter();

 private:
  void put_by_relay(const wire::FrameHeader& header, const std::byte* bytes);
  [[nodiscard]] wire::FrameHeader note(wire::PathNote note) const noexcept;
  bool ring_has_room();
  bool waited_for_ring();
  void leave_ring();

  wire::FrameHeader header_;
  SharedOutflow* shared_;
  std::uint64_t extent_;       ///< of the whole message
  std::uint64_t written_ = 0;  ///< of it
  std::uint64_t in_ring_ = 0;  ///< of it, before the rest that goes by relay
};

}  // namespace sluice::interpose
