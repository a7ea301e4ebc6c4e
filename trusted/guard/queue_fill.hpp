// Fills the memory of one queue in before messages need it, from both ends.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "trusted/ring/segment_pool.hpp"

namespace sluice::guard {

/// From the end a thread of low priority fills while subjects start, from the front, where the first messages go, the
/// flow's egress once the sender is there. Neither waits for the other: both may touch the segments where they meet.
class QueueFill {
 public:
  enum class Step : std::uint8_t { more, done, no_memory };

  explicit QueueFill(const ring::SegmentPool& pool) noexcept : pool_(pool), end_(pool.segments()) {}

  /// Low priority only. One segment, for the kernel's locks are held meanwhile.
  Step from_end() noexcept {
    const std::uint32_t end = end_.load(std::memory_order_relaxed);
    if (end == 0 || front_begun_.load(std::memory_order_relaxed)) return Step::done;
    if (!pool_.populate(end - 1, 1)) return Step::no_memory;
    end_.store(end - 1, std::memory_order_relaxed);
    return Step::more;
  }

  /// Egress only.
  Step from_front() noexcept {
    front_begun_.store(true, std::memory_order_relaxed);
    const std::uint32_t end = end_.load(std::memory_order_relaxed);
    if (front_ >= end) return Step::done;
    const std::uint32_t count = std::min(kStep, end - front_);
    if (!pool_.populate(front_, count)) return Step::no_memory;
    front_ += count;
    return Step::more;
  }

 private:
  /// Segments filled by egress between looks at the receivers.
  static constexpr std::uint32_t kStep = 4;

  const ring::SegmentPool& pool_;
  std::uint32_t front_ = 0;         ///< egress: so many are there
  std::atomic<std::uint32_t> end_;  ///< low priority: all from here on are there
  std::atomic<bool> front_begun_{false};
};

}  // namespace sluice::guard
