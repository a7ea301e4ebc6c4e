// Ingress's end of one mailbox: the chain of segments of one receiving rank in one flow.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "trusted/ring/segment_pool.hpp"
#include "wire/frame.hpp"

namespace sluice::ring {

/// What ingress tells egress of one mailbox. Written by ingress alone.
struct alignas(wire::kCacheLine) MailboxProgress {
  std::atomic<std::uint64_t> frames{0};  ///< frames published
  std::atomic<std::uint64_t> links{0};   ///< next_segment frames published
};

/// What a mailbox frame says besides its payload.
struct Envelope {
  wire::FrameKind kind = wire::FrameKind::none;
  std::uint32_t source = 0;  ///< true world rank
  std::uint64_t context = 0;
  std::int32_t tag = 0;
  std::uint64_t extent = 0;
};

class MailboxWriter {
 public:
  /// `first_segment` is the receiver's own index. `spare` is private memory of kSegmentBytes that takes the bytes of
  /// a broken flow, so that a full queue costs the sender what an empty one does.
  MailboxWriter(SegmentPool& pool, std::uint32_t first_segment, std::byte* spare, MailboxProgress& progress) noexcept;

  /// Publishes one frame. Precondition: payload.size() <= wire::kMaxFragmentBytes.
  /// False once the flow's quota is used up: the frame, and each one after it, is lost to the receiver.
  [[nodiscard]] bool put(const Envelope& envelope, std::span<const std::byte> payload) noexcept;

  /// Whether a frame with so much payload needs no further segment.
  [[nodiscard]] bool fits(std::uint32_t payload_bytes) const noexcept {
    return offset_ + wire::frame_stride(payload_bytes) + wire::kCacheLine <= wire::kSegmentBytes;
  }

 private:
  [[nodiscard]] bool advance() noexcept;
  void publish(std::uint32_t offset, const Envelope& envelope, std::uint32_t payload_bytes) noexcept;

  SegmentPool& pool_;
  std::byte* spare_;
  MailboxProgress& progress_;
  std::byte* base_;
  std::uint32_t segment_;
  std::uint32_t offset_ = 0;
  bool broken_ = false;
};

}  // namespace sluice::ring
