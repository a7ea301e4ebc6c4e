// Writes messages to other subjects into the transmit ring.
#pragma once

#include <cstddef>
#include <cstdint>

#include "wire/frame.hpp"

namespace sluice::interpose {

/// Writes one message, piece by piece, and makes progress on incoming mail meanwhile. Complete once written: the guard
/// empties the ring whatever the receiver does, so the wait for room is short. The layer stays locked from first to
/// last, so that messages of two threads do not mix.
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
  void wait_for_room();

  wire::FrameHeader header_;
  std::uint64_t written_ = 0;
};

}  // namespace sluice::interpose
