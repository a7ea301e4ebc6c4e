// The reader's end of one rank's transmit ring: the guard's, or on a shared path the receiver's. Everything in the ring
// is hostile and may change at any moment.
#pragma once

#include <cstddef>
#include <cstdint>

#include "wire/transmit.hpp"

namespace sluice::ring {

enum class Taken {
  nothing,   ///< no frame is published
  fragment,  ///< `Fragment` holds one
  unknown_kind,
  oversized,  ///< payload over the bound or past the ring's end
};

struct Fragment {
  wire::FrameHeader header;            ///< the one copy that was validated
  const std::byte* payload = nullptr;  ///< header.payload bytes in the ring: copy them once and do not interpret them
};

class TransmitReader {
 public:
  /// `area` is the guard's mapping of kTransmitAreaBytes.
  explicit TransmitReader(std::byte* area) noexcept
      : control_(reinterpret_cast<wire::TransmitControl*>(area)), ring_(area + wire::kPage) {}
  /// On a shared path: its ring, and where positions are told.
  TransmitReader(wire::TransmitControl* control, const std::byte* ring) noexcept
      : control_(control), ring_(ring), size_(wire::kSharedRingBytes) {}

  /// Looks at the next frame. After `fragment`, call release() once its payload has been copied; after a fault the
  /// ring must not be used again.
  [[nodiscard]] Taken take(Fragment& fragment) noexcept;

  /// Steps over the fragment that take() returned.
  void release(const Fragment& fragment) noexcept;

  /// Lets the sender write again up to the read position. Batched by the caller; release() does it by itself after
  /// an eighth of the ring.
  void publish_position() noexcept;

  void want_doorbell(bool wanted) noexcept {
    control_->doorbell_wanted.store(wanted ? 1 : 0, std::memory_order_relaxed);
  }

  /// What the sender says that it was denied. Any numbers at all.
  struct Denials {
    std::uint64_t count;
    std::uint32_t rank;
  };
  [[nodiscard]] Denials denials() const noexcept {
    return {control_->denied.load(std::memory_order_relaxed), control_->denied_rank.load(std::memory_order_relaxed)};
  }

  /// Bytes taken since the start.
  [[nodiscard]] std::uint64_t position() const noexcept { return position_; }

 private:
  wire::TransmitControl* control_;
  const std::byte* ring_;
  std::uint32_t size_ = wire::kTransmitRingBytes;
  std::uint32_t offset_ = 0;  // position_ % size_
  std::uint64_t position_ = 0;
  std::uint64_t published_ = 0;
};

}  // namespace sluice::ring
