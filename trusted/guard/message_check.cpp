#include "trusted/guard/message_check.hpp"

namespace sluice::guard {

Misbehaviour MessageCheck::accept(const wire::FrameHeader& header) noexcept {
  if (header.kind == wire::FrameKind::message_start) {
    if (remaining_ != 0) return Misbehaviour::broken_message;
    if (header.endpoint >= capabilities_) return Misbehaviour::unknown_capability;
    if (header.extent > wire::kMaxMessageBytes) return Misbehaviour::oversized_message;
    // An empty fragment of a message that is not empty would let a sender go on for ever.
    if (header.payload == 0 && header.extent != 0) return Misbehaviour::broken_message;
    if (header.payload > header.extent) return Misbehaviour::broken_message;
    // Only now is a message open: its receiver is never told of the end of one that it has not seen begin.
    capability_ = header.endpoint;
    offset_ = 0;
    remaining_ = header.extent;
  } else {
    if (remaining_ == 0 || header.payload == 0) return Misbehaviour::broken_message;
    if (header.endpoint != capability_ || header.extent != offset_) return Misbehaviour::broken_message;
    if (header.payload > remaining_) return Misbehaviour::broken_message;
  }
  offset_ += header.payload;
  remaining_ -= header.payload;
  return Misbehaviour::none;
}

}  // namespace sluice::guard
