#include "trusted/ring/intake_reader.hpp"

namespace sluice::ring {

const wire::FrameHeader* IntakeReader::peek() noexcept {
  for (;;) {
    const std::byte* frame = pool_.segment(segment_) + offset_;
    const wire::FrameKind kind = wire::load_kind(frame);
    if (kind == wire::FrameKind::none) return nullptr;
    const auto* header = reinterpret_cast<const wire::FrameHeader*>(frame);
    if (kind != wire::FrameKind::next_segment) return header;
    const std::uint32_t next = header->endpoint;
    pool_.give_back(segment_);
    segment_ = next;
    offset_ = 0;
  }
}

std::span<const std::byte> IntakeReader::published() const noexcept {
  const std::byte* start = pool_.segment(segment_) + offset_;
  const std::byte* end = start;
  for (;;) {
    const wire::FrameKind kind = wire::load_kind(end);
    if (kind == wire::FrameKind::none || kind == wire::FrameKind::next_segment) return {start, end};
    end += wire::frame_stride(reinterpret_cast<const wire::FrameHeader*>(end)->payload);
  }
}

}  // namespace sluice::ring
