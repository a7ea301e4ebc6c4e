#include "trusted/ring/transmit_reader.hpp"

#include <atomic>
#include <bit>

namespace sluice::ring {

namespace {

static_assert(wire::kTransmitRingBytes % wire::kCacheLine == 0 && wire::kSharedRingBytes % wire::kCacheLine == 0);

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
  wire::FrameKind kind = wire::load_kind(ring_ + offset_);
  // A skip at the very start would let a sender turn the reader in circles.
  if (kind == wire::FrameKind::skip && offset_ != 0) {
    position_ += size_ - offset_;
    offset_ = 0;
    kind = wire::load_kind(ring_);
  }
  if (kind == wire::FrameKind::none) return Taken::nothing;
  if (kind != wire::FrameKind::message_start && kind != wire::FrameKind::message_part) return Taken::unknown_kind;
  fragment.header = copy_once(ring_ + offset_);
  fragment.header.kind = kind;
  if (fragment.header.payload > wire::kMaxFragmentBytes) return Taken::oversized;
  if (offset_ + wire::frame_stride(fragment.header.payload) > size_) return Taken::oversized;
  fragment.payload = ring_ + offset_ + sizeof(wire::FrameHeader);
  return Taken::fragment;
}

void TransmitReader::release(const Fragment& fragment) noexcept {
  const std::uint32_t stride = wire::frame_stride(fragment.header.payload);
  position_ += stride;
  offset_ += stride;
  if (offset_ == size_) offset_ = 0;
  if (position_ - published_ >= size_ / 8) publish_position();
}

void TransmitReader::publish_position() noexcept {
  if (published_ == position_) return;
  published_ = position_;
  control_->taken.store(position_, std::memory_order_release);
}

}  // namespace sluice::ring
