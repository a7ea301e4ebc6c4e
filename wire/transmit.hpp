// Layout of a transmit area: the memory that one sending rank shares with the guard, and with nobody else.
//
//   [TransmitControl, one page][ring of kTransmitRingBytes]
//
// The sender keeps its own write position, the guard its own read position; neither trusts the other's copy.
// Positions are 64-bit byte counts since the start; position p lies at ring offset p % kTransmitRingBytes. A frame
// never wraps: the sender fills the rest of the ring with a `skip` frame.
#pragma once

#include <atomic>
#include <cstdint>

#include "wire/frame.hpp"
#include "wire/limits.hpp"

namespace sluice::wire {

struct TransmitControl {
  /// Written by the guard: all bytes before this position have been taken and may be written again.
  alignas(kCacheLine) std::atomic<std::uint64_t> taken;
  /// Written by the guard: 1 while the subject's ingress sleeps and wants its doorbell rung (an eventfd write of 1)
  /// after a frame is published. The sender reads it after it has stored the frame, without a fence: that would make it
  /// wait for the ring's cache lines at every frame. So the frame may be seen only after the wish was read; whoever
  /// sleeps looks at the ring once more a while after telling the wish (docs/decisions/024-no-fence-behind-a-frame.md).
  alignas(kCacheLine) std::atomic<std::uint32_t> doorbell_wanted;
  /// Written by the sender: how many calls its library has refused because the policy has no flow for them, and the
  /// world rank that the newest one named (kNoDeniedRank: none). For the audit log; nothing is decided by it.
  alignas(kCacheLine) std::atomic<std::uint64_t> denied;
  std::atomic<std::uint32_t> denied_rank;
};
inline constexpr std::uint32_t kNoDeniedRank = 0xffffffff;
static_assert(sizeof(TransmitControl) <= kPage);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

inline constexpr std::size_t kTransmitAreaBytes = kPage + kTransmitRingBytes;

/// A sender keeps this many bytes free in the ring, so that the header after its newest frame can be cleared.
inline constexpr std::uint32_t kTransmitReserve = kCacheLine;

}  // namespace sluice::wire
