// From a flow's intake to its mailboxes, where the policy says what becomes of what has no room: `when_full: spill` and
// `when_full: drop`.
//
// Ingress puts frames into the intake, memory of the guard alone, as it would into mailboxes. Egress takes them out at
// once, whatever the receiver does, so nothing that ingress does for the sender depends on the receiver.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "trusted/guard/flow.hpp"
#include "trusted/guard/spill_file.hpp"
#include "trusted/ring/intake_reader.hpp"
#include "trusted/ring/mailbox_writer.hpp"

namespace sluice::guard {

/// What egress does for one receiving rank. Used by egress alone.
class Delivery {
 public:
  Delivery(Flow& flow, std::uint32_t receiver) noexcept;
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;
  virtual ~Delivery() = default;

  /// The receiver has released so many of its segments.
  void released(std::uint64_t segments) noexcept { released_ += segments; }

  /// Moves on what has come, a bounded turn of it. Null, or why this receiver cannot be told what was sent any more.
  [[nodiscard]] virtual const char* move() noexcept = 0;

  /// Something waits for room in the mailbox.
  [[nodiscard]] virtual bool waits() const noexcept = 0;
  /// Messages left out, or bytes that went through the file, since the start. For the audit log.
  [[nodiscard]] std::uint64_t overflow() const noexcept { return overflow_; }
  /// Something in the intake waits for the next move().
  [[nodiscard]] bool has_more() noexcept { return intake_.peek() != nullptr; }

 protected:
  /// Frames that one move() takes from the intake, so that receivers are woken meanwhile.
  static constexpr int kTurn = 1024;

  /// Whether the mailbox has room for a frame. Each rank has a share of the queue of its own: one that does not receive
  /// must not keep another from hearing what it missed.
  [[nodiscard]] bool fits(std::uint32_t payload_bytes) const noexcept {
    return mailbox_.fits(payload_bytes) || held() < share_;
  }
  /// Whether it has room for a whole message that starts with this frame and is cut as the library cuts it.
  [[nodiscard]] bool fits_message(const wire::FrameHeader& start) const noexcept;
  void put(const wire::FrameHeader& header, std::span<const std::byte> payload) noexcept;

  ring::IntakeReader intake_;
  std::uint64_t overflow_ = 0;

 private:
  [[nodiscard]] std::uint64_t held() const noexcept {
    return 1 + progress_.links.load(std::memory_order_relaxed) - released_;
  }

  ring::MailboxProgress& progress_;
  ring::MailboxWriter mailbox_;
  std::uint64_t share_;  // segments
  std::uint64_t released_ = 0;
};

/// `when_full: spill`: what has no room waits in the flow's file, of which each receiving rank has an equal part.
class SpillDelivery final : public Delivery {
 public:
  SpillDelivery(Flow& flow, std::uint32_t receiver);
  [[nodiscard]] const char* move() noexcept override;
  [[nodiscard]] bool waits() const noexcept override { return file_.size() != 0 || begin_ != end_; }

 private:
  [[nodiscard]] bool refill() noexcept;
  [[nodiscard]] bool load() noexcept;

  SpillFile file_;
  std::unique_ptr<std::byte[]> window_;  // kSegmentBytes: the oldest bytes, taken out of the file
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

/// `when_full: drop`: a message without room is left out as a whole, and the receiver is told in its place.
class DropDelivery final : public Delivery {
 public:
  DropDelivery(Flow& flow, std::uint32_t receiver, std::uint32_t first_sender, std::uint32_t senders);
  [[nodiscard]] const char* move() noexcept override;
  [[nodiscard]] bool waits() const noexcept override { return !untold_.empty(); }

 private:
  /// A small frame that waits for room. Missed messages that agree in source, context and tag share one.
  struct Untold {
    wire::FrameHeader header;
    std::uint64_t messages;
  };
  struct Source {
    wire::FrameHeader start{};  ///< of its newest message
    bool delivering = false;    ///< that one goes into the mailbox
  };

  void handle(const wire::FrameHeader& frame) noexcept;
  void miss(const wire::FrameHeader& start) noexcept;
  [[nodiscard]] bool tell() noexcept;

  std::uint32_t first_sender_;
  std::vector<Source> sources_;
  std::vector<Untold> untold_;
};

/// The Delivery of a flow that has an intake.
std::unique_ptr<Delivery> make_delivery(Flow& flow, std::uint32_t receiver, const table::Subject& sender);

}  // namespace sluice::guard
