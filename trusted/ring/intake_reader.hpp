// Egress's end of one intake: the chain of segments that ingress fills for one receiving rank, in memory of the guard
// alone. What stands there was checked by ingress and stays as it is until egress gives it back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "trusted/ring/segment_pool.hpp"
#include "wire/frame.hpp"

namespace sluice::ring {

class IntakeReader {
 public:
  IntakeReader(SegmentPool& pool, std::uint32_t first_segment) noexcept : pool_(pool), segment_(first_segment) {}

  /// The next frame, or null if there is none yet; its payload follows it. Gives segments that it leaves back.
  [[nodiscard]] const wire::FrameHeader* peek() noexcept;

  /// Goes past the frame that peek() returned.
  void advance() noexcept { offset_ += wire::frame_stride(peek()->payload); }

  /// All published frames of the segment from the one that peek() returned on, back to back.
  [[nodiscard]] std::span<const std::byte> published() const noexcept;

  /// Goes past what published() returned.
  void advance_past(std::span<const std::byte> frames) noexcept {
    offset_ += static_cast<std::uint32_t>(frames.size());
  }

 private:
  SegmentPool& pool_;
  std::uint32_t segment_;
  std::uint32_t offset_ = 0;
};

}  // namespace sluice::ring
