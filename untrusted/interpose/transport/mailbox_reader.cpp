#include "untrusted/interpose/transport/mailbox_reader.hpp"

namespace sluice::interpose {

namespace {

/// Short frames follow each other faster than the processor brings their lines by itself.
constexpr std::size_t kAhead = 4 * wire::kCacheLine;

}  // namespace

const wire::FrameHeader* MailboxReader::peek() noexcept {
  while (fault_ == nullptr) {
    if (offset_ + sizeof(wire::FrameHeader) > wire::kSegmentBytes) {
      fault_ = "a frame lies outside its segment";
      break;
    }
    const std::byte* frame = memory_ + std::size_t{segment_} * wire::kSegmentBytes + offset_;
    const wire::FrameKind kind = wire::load_kind(frame);
    if (kind == wire::FrameKind::none) return nullptr;
    const auto* header = reinterpret_cast<const wire::FrameHeader*>(frame);
    if (kind == wire::FrameKind::next_segment) {
      if (header->endpoint >= segments_) {
        fault_ = "a link leads to no segment";
        break;
      }
      segment_ = header->endpoint;
      offset_ = 0;
      cursor_->segments_released.store(++released_, std::memory_order_release);
      continue;
    }
    payload_ = header->payload;
    if (payload_ > wire::kMaxFragmentBytes || offset_ + wire::frame_stride(payload_) > wire::kSegmentBytes) {
      fault_ = "a fragment is too long";
      break;
    }
    __builtin_prefetch(frame + kAhead);
    return header;
  }
  return nullptr;
}

}  // namespace sluice::interpose
