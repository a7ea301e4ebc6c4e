#include "trusted/ring/transmit_reader.hpp"

#include <atomic>
#include <bit>

namespace sluice::ring {

namespace {

constexpr std::uint64_t kRing = wire::kTransmitRingBytes;
static_assert(kRing % wire::kCacheLine == 0);

/// Copies a header out of hostile memory with one load for each word, so that no later check can see another value
/// than an earlier one did.
wire::FrameHeader copy_once(const std::byte* frame) noexcept {
  struct Words {
    std::uint64_t word[4];
  } words;
  static_assert(sizeof(Words) == sizeof(wire::FrameHeader));
  const auto* source = reinterpret_cast<const std::uint64_t*>(frame);
  for (int i = 0; i < 4; ++i) words.word[i] = __atomic_load_n(source + i, __ATOMIC_RELAXED);
  return std::bit_cast<wire::FrameHeader>(words);
}

}  // namespace

Taken TransmitReader::take(Fragment& fragment) noexcept {
  std::uint64_t offset = position_ % kRing;
  wire::FrameKind kind = wire::load_kind(ring_ + offset);
  // A skip at the very start would let a sender turn the reader in circles.
  if (kind == wire::FrameKind::skip && offset != 0) {
    position_ += kRing - offset;
    offset = 0;
    kind = wire::load_kind(ring_);
  }
  if (kind == wire::FrameKind::none) return Taken::nothing;
  if (kind != wire::FrameKind::message_start && kind != wire::FrameKind::message_part) return Taken::unknown_kind;
  fragment.header = copy_once(ring_ + offset);
  fragment.header.kind = kind;
  if (fragment.header.payload > wire::kMaxFragmentBytes) return Taken::oversized;
  if (offset + wire::frame_stride(fragment.header.payload) > kRing) return Taken::oversized;
  fragment.payload = ring_ + offset + sizeof(wire::FrameHeader);
  return Taken::fragment;
}

void TransmitReader::release(const Fragment& fragment) noexcept {
  position_ += wire::frame_stride(fragment.header.payload);
  if (position_ - published_ >= kRing / 8) publish_position();
}

void TransmitReader::publish_position() noexcept {
  if (published_ == position_) return;
  published_ = position_;
  control_->taken.store(position_, std::memory_order_release);
}

}  // namespace sluice::ring
