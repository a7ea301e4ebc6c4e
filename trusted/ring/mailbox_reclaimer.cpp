#include "trusted/ring/mailbox_reclaimer.hpp"

namespace sluice::ring {

Result<std::uint64_t, CursorFault> MailboxReclaimer::reclaim(const wire::InflowCursor& cursor) noexcept {
  const std::uint64_t claimed = cursor.segments_released.load(std::memory_order_acquire);
  if (claimed < released_) return CursorFault::backwards;
  if (claimed > progress_.links.load(std::memory_order_acquire)) return CursorFault::ahead;
  const std::uint64_t count = claimed - released_;
  for (; released_ < claimed; ++released_) {
    const std::uint32_t next = pool_.next(oldest_);
    pool_.give_back(oldest_);
    oldest_ = next;
  }
  return count;
}

}  // namespace sluice::ring
