#include "untrusted/interpose/transport/transmit_ring.hpp"

#include <sys/eventfd.h>

#include <atomic>
#include <cstring>

namespace sluice::interpose {

bool TransmitRing::has_room(std::uint32_t payload, std::uint32_t spare) noexcept {
  const std::uint64_t stride = wire::frame_stride(payload);
  const std::uint64_t to_end = size_ - offset_;
  const std::uint64_t need = (stride <= to_end ? stride : to_end + stride) + wire::kTransmitReserve + spare;
  if (position_ - taken_ + need <= size_) return true;
  taken_ = control_->taken.load(std::memory_order_acquire);
  return position_ - taken_ + need <= size_;
}

void TransmitRing::count_denial(std::uint32_t world_rank) noexcept {
  if (denials_ == nullptr) return;
  denials_->denied_rank.store(world_rank, std::memory_order_relaxed);
  denials_->denied.store(denials_->denied.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

bool TransmitRing::empty() noexcept {
  taken_ = control_->taken.load(std::memory_order_acquire);
  return taken_ == position_;
}

void TransmitRing::put(const wire::FrameHeader& header, const void* payload) noexcept {
  const std::uint32_t stride = wire::frame_stride(header.payload);
  if (stride > size_ - offset_) {
    const wire::FrameHeader skip{
        .kind = wire::FrameKind::skip, .payload = 0, .endpoint = 0, .tag = 0, .context = 0, .extent = 0};
    publish(skip, size_ - offset_, nullptr);
  }
  publish(header, stride, payload);
}

void TransmitRing::publish(const wire::FrameHeader& header, std::uint32_t stride, const void* payload) noexcept {
  std::byte* frame = ring_ + offset_;
  const std::uint32_t next = offset_ + stride == size_ ? 0 : offset_ + stride;
  wire::store_kind(ring_ + next, wire::FrameKind::none, std::memory_order_relaxed);
  if (header.payload != 0) std::memcpy(frame + sizeof header, payload, header.payload);
  wire::store_header(frame, header);
  wire::store_kind(frame, header.kind, std::memory_order_release);
  position_ += stride;
  offset_ = next;
}

bool TransmitRing::reader_sleeps() const noexcept {
  // Keeps the compiler from asking before the frame is stored; the processor may (wire/transmit.hpp).
  std::atomic_signal_fence(std::memory_order_seq_cst);
  return control_->doorbell_wanted.load(std::memory_order_relaxed) != 0;
}

void TransmitRing::wake_guard() noexcept {
  if (doorbell_ >= 0 && reader_sleeps()) static_cast<void>(::eventfd_write(doorbell_, 1));
}

}  // namespace sluice::interpose
