// Bounds that hold on both sides of every trust boundary.
//
// A value from the other side that exceeds its bound is misbehaviour, never something to adapt to.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice::wire {

/// Subjects in one run. Decision tables are quadratic in this, so it stays small.
inline constexpr std::uint32_t kMaxSubjects = 62;

/// World ranks in one run.
inline constexpr std::uint32_t kMaxRanks = 4096;

/// Bytes of one sending rank's ring (one memfd, shared by that rank and the guard alone). With all of them full, the
/// guard of 1,024 ranks of four subjects that all send to each other stays under 1 GiB.
inline constexpr std::uint32_t kTransmitRingBytes = 240 * 1024;

/// Bytes of the ring of a sending and a receiving rank on a shared path. Nothing is between the two, so that this alone
/// is what may be under way; with less, bandwidth suffers.
inline constexpr std::uint32_t kSharedRingBytes = 512 * 1024;

/// Payload bytes of one fragment. Small enough that the guard's copy of one fragment overlaps the sender's
/// copy of the next and the receiver's copy of the one before.
inline constexpr std::uint32_t kMaxFragmentBytes = 16 * 1024 - 32;

/// Bytes of one mailbox segment, the unit in which a flow's quota is handed out and taken back.
inline constexpr std::uint32_t kSegmentBytes = 128 * 1024;

/// Bytes of one MPI message.
inline constexpr std::uint64_t kMaxMessageBytes = std::uint64_t{1} << 40;

/// Smallest and largest queue (quota) of one flow.
inline constexpr std::uint64_t kMinQueueBytes = std::uint64_t{1} << 20;
inline constexpr std::uint64_t kMaxQueueBytes = std::uint64_t{1} << 36;

/// Smallest and largest spill file of one flow (`when_full: spill`).
inline constexpr std::uint64_t kMinSpillBytes = std::uint64_t{1} << 20;
inline constexpr std::uint64_t kMaxSpillBytes = std::uint64_t{1} << 42;

inline constexpr std::size_t kCacheLine = 64;
inline constexpr std::size_t kPage = 4096;

}  // namespace sluice::wire
