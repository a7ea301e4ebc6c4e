// Do the fragments of one sending rank add up to messages? A small state machine over validated header copies.
#pragma once

#include <cstdint>
#include <optional>

#include "trusted/guard/control.hpp"
#include "wire/frame.hpp"

namespace sluice::guard {

class MessageCheck {
 public:
  /// `capabilities`: how many capability indexes the sender's subject has.
  explicit MessageCheck(std::uint32_t capabilities) noexcept : capabilities_(capabilities) {}

  /// Accepts the next fragment, or names what is wrong with it. `header` must be a private copy.
  [[nodiscard]] Misbehaviour accept(const wire::FrameHeader& header) noexcept;

  /// Whether the last accepted fragment ended its message.
  [[nodiscard]] bool complete() const noexcept { return remaining_ == 0; }
  /// Capability of the message that is open; nullopt between messages.
  [[nodiscard]] std::optional<std::uint32_t> open_capability() const noexcept {
    return complete() ? std::nullopt : std::optional(capability_);
  }

 private:
  std::uint32_t capabilities_;
  std::uint32_t capability_ = 0;
  std::uint64_t offset_ = 0;     // of the open message
  std::uint64_t remaining_ = 0;  // of the open message; 0 between messages
};

}  // namespace sluice::guard
