// The receiver's end of one mailbox (wire/mailbox.hpp): walks this rank's chain of segments.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "wire/mailbox.hpp"

namespace sluice::interpose {

/// Reads frames in order. What the guard writes is taken to be well-formed, but no read ever leaves the memory.
class MailboxReader {
 public:
  /// `memory` holds `segments` segments and is only read. The chain starts at `first_segment`. `released` is this
  /// rank's cursor for the flow.
  MailboxReader(const std::byte* memory, std::uint32_t segments, std::uint32_t first_segment,
                wire::InflowCursor* released) noexcept
      : memory_(memory), segments_(segments), segment_(first_segment), cursor_(released) {}

  /// The next frame, or null if there is none yet. Its payload follows it. Follows links to further segments, and
  /// gives those it leaves back to the guard.
  [[nodiscard]] const wire::FrameHeader* peek() noexcept;

  /// Goes past the frame that peek() returned.
  void advance() noexcept { offset_ += wire::frame_stride(payload_); }

  /// What is wrong with the mailbox, or null. Nothing more is read from a mailbox with a fault.
  [[nodiscard]] const char* fault() const noexcept { return fault_; }

 private:
  const std::byte* memory_;
  std::uint32_t segments_;
  std::uint32_t segment_;
  std::uint32_t offset_ = 0;
  std::uint32_t payload_ = 0;  ///< of the frame that peek() returned
  std::uint64_t released_ = 0;
  wire::InflowCursor* cursor_;
  const char* fault_ = nullptr;
};

}  // namespace sluice::interpose
