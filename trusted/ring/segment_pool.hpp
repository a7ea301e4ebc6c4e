// Mailbox memory of one flow: segments under the flow's quota.
//
// Two threads use a pool: the source subject's ingress takes segments, the flow's egress gives them back. They meet
// in one single-producer single-consumer queue and nowhere else; neither ever waits for the other.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "trusted/base/fd.hpp"
#include "trusted/base/mapping.hpp"
#include "wire/mailbox.hpp"

namespace sluice::ring {

class SegmentPool {
 public:
  /// Memory for `segments` segments, of which the first `receivers` are already in use: one for each receiving rank.
  /// Precondition: receivers < segments.
  static Result<std::unique_ptr<SegmentPool>, MemoryError> create(std::uint32_t segments, std::uint32_t receivers);

  [[nodiscard]] std::uint32_t segments() const noexcept { return segments_; }
  [[nodiscard]] std::byte* segment(std::uint32_t index) const noexcept {
    return memory_.data() + std::size_t{index} * wire::kSegmentBytes;
  }
  /// Read-only descriptor for the receiving ranks; no writable mapping can be made from it.
  [[nodiscard]] const Fd& receiver_fd() const noexcept { return receiver_fd_; }

  /// Touches pages so that later writes meet memory that is there. Any thread; called in steps.
  /// False if the system has no memory for the quota.
  [[nodiscard]] bool populate(std::uint32_t first_segment, std::uint32_t count) const noexcept;

  /// Ingress only. Given-back segments first, because they are warm; nullopt when the quota is used up.
  [[nodiscard]] std::optional<std::uint32_t> take() noexcept;
  /// Ingress only. Notes that `next` follows `segment` in some receiver's chain.
  void link(std::uint32_t segment, std::uint32_t next) noexcept { next_[segment] = next; }

  /// Egress only. Successor of `segment`; valid once the ingress has published the link (MailboxProgress::links).
  [[nodiscard]] std::uint32_t next(std::uint32_t segment) const noexcept { return next_[segment]; }
  /// Egress only. `segment` must have been taken and not been given back since.
  void give_back(std::uint32_t segment) noexcept;

  /// Segments taken and not given back. Any thread; for the operator's view.
  [[nodiscard]] std::uint64_t in_use() const noexcept;

 private:
  SegmentPool(Mapping memory, Fd receiver_fd, std::uint32_t segments, std::uint32_t receivers);

  Mapping memory_;
  Fd receiver_fd_;
  std::uint32_t segments_;
  std::unique_ptr<std::uint32_t[]> next_;
  std::unique_ptr<std::uint32_t[]> returned_;  // queue; slot i % segments_

  alignas(wire::kCacheLine) std::uint32_t untouched_;                // ingress: first segment never used
  std::atomic<std::uint64_t> returns_taken_{0};                      // ingress
  std::atomic<std::uint64_t> handed_out_{0};                         // ingress
  alignas(wire::kCacheLine) std::atomic<std::uint64_t> returns_{0};  // egress
};

}  // namespace sluice::ring
