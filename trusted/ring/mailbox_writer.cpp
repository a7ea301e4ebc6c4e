#include "trusted/ring/mailbox_writer.hpp"

#include <cstring>

namespace sluice::ring {

MailboxWriter::MailboxWriter(SegmentPool& pool, std::uint32_t first_segment, std::byte* spare,
                             MailboxProgress& progress) noexcept
    : pool_(pool), spare_(spare), progress_(progress), base_(pool.segment(first_segment)), segment_(first_segment) {}

bool MailboxWriter::put(const Envelope& envelope, std::span<const std::byte> payload) noexcept {
  const auto payload_bytes = static_cast<std::uint32_t>(payload.size());
  const std::uint32_t stride = wire::frame_stride(payload_bytes);
  // One line stays free for the frame that leads on to the next segment.
  if (!fits(payload_bytes)) broken_ = !advance() || broken_;
  std::byte* frame = base_ + offset_;
  wire::store_kind(frame + stride, wire::FrameKind::none, std::memory_order_relaxed);
  if (payload_bytes != 0) std::memcpy(frame + sizeof(wire::FrameHeader), payload.data(), payload_bytes);
  publish(offset_, envelope, payload_bytes);
  offset_ += stride;
  progress_.frames.store(progress_.frames.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  return !broken_;
}

bool MailboxWriter::advance() noexcept {
  const auto next = broken_ ? std::nullopt : pool_.take();
  if (!next) {
    base_ = spare_;
    offset_ = 0;
    return false;
  }
  std::byte* next_base = pool_.segment(*next);
  wire::store_kind(next_base, wire::FrameKind::none, std::memory_order_relaxed);
  pool_.link(segment_, *next);
  publish(offset_, Envelope{.kind = wire::FrameKind::next_segment, .source = *next}, 0);
  progress_.links.store(progress_.links.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  base_ = next_base;
  segment_ = *next;
  offset_ = 0;
  return true;
}

void MailboxWriter::publish(std::uint32_t offset, const Envelope& envelope, std::uint32_t payload_bytes) noexcept {
  std::byte* frame = base_ + offset;
  wire::store_header(frame, {.kind = wire::FrameKind::none,
                             .payload = payload_bytes,
                             .endpoint = envelope.source,
                             .tag = envelope.tag,
                             .context = envelope.context,
                             .extent = envelope.extent});
  wire::store_kind(frame, envelope.kind, std::memory_order_release);
}

}  // namespace sluice::ring
