// The sender's end of a transmit ring (wire/transmit.hpp).
#pragma once

#include <cstddef>
#include <cstdint>

#include "wire/transmit.hpp"

namespace sluice::interpose {

/// Writes frames into the memory that this rank shares with the guard. One writer at a time.
class TransmitRing {
 public:
  TransmitRing() noexcept = default;
  /// `area` is kTransmitAreaBytes long; `doorbell` is an eventfd, not owned, or -1 for none.
  TransmitRing(std::byte* area, int doorbell) noexcept
      : control_(reinterpret_cast<wire::TransmitControl*>(area)),
        denials_(reinterpret_cast<wire::TransmitControl*>(area)),
        ring_(area + wire::kPage),
        doorbell_(doorbell) {}
  /// On a shared path: its ring, and `control`, which is the reader's and only read here.
  TransmitRing(const wire::TransmitControl* control, std::byte* ring) noexcept
      : control_(control), ring_(ring), size_(wire::kSharedRingBytes) {}

  /// Whether a frame of `payload` bytes (at most kMaxFragmentBytes) can be written now, so that `spare` bytes stay free
  /// behind it.
  [[nodiscard]] bool has_room(std::uint32_t payload, std::uint32_t spare = 0) noexcept;

  /// Whether the reader has taken all that was written.
  [[nodiscard]] bool empty() noexcept;

  /// Writes and publishes one frame: `header` (its kind included) and header.payload bytes from `payload`. Then the
  /// reader is to be woken. Precondition: has_room(header.payload).
  void put(const wire::FrameHeader& header, const void* payload) noexcept;

  /// Whether the reader sleeps, or is about to, and has not seen all that was put.
  [[nodiscard]] bool reader_sleeps() const noexcept;

  /// Rings the doorbell if the guard sleeps.
  void wake_guard() noexcept;

  /// Tells the audit log of a call that was refused because no flow carries it. `world_rank` is the one that it named,
  /// or wire::kNoDeniedRank.
  void count_denial(std::uint32_t world_rank) noexcept;

  [[nodiscard]] std::uint64_t position() const noexcept { return position_; }

  /// How far the reader had come when last asked by has_room() or empty().
  [[nodiscard]] std::uint64_t taken() const noexcept { return taken_; }

 private:
  void publish(const wire::FrameHeader& header, std::uint32_t stride, const void* payload) noexcept;

  const wire::TransmitControl* control_ = nullptr;
  wire::TransmitControl* denials_ = nullptr;  ///< the same, where the writer may write it
  std::byte* ring_ = nullptr;
  int doorbell_ = -1;
  std::uint32_t size_ = wire::kTransmitRingBytes;
  std::uint32_t offset_ = 0;    ///< position_ % size_
  std::uint64_t position_ = 0;  ///< next byte to write, since the start
  std::uint64_t taken_ = 0;     ///< the guard's position when last looked at
};

}  // namespace sluice::interpose
