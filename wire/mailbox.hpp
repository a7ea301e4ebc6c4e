// Layout of the mailbox memory of one flow, and of the cursors that its receivers hand back.
//
// Mailbox memory is written by the guard and mapped read-only by the ranks of the receiving subject: a pool of
// `segment_count` segments of kSegmentBytes. Receiving rank i (of the subject) starts at the start of segment i;
// a `next_segment` frame leads on. Every segment keeps room for that frame.
//
//   [segment 0][segment 1] ...
//
// Cursor memory lies in a third place, one per receiving rank: written by that rank, read by the guard, and hostile.
#pragma once

#include <atomic>
#include <cstdint>

#include "wire/frame.hpp"
#include "wire/limits.hpp"

namespace sluice::wire {

/// Cursor of one receiving rank in one inflow.
struct alignas(kCacheLine) InflowCursor {
  /// Segments of this rank's chain that it has left behind for good (it followed their next_segment frame and
  /// needs nothing in them any more). Only ever grows.
  std::atomic<std::uint64_t> segments_released;
};

struct CursorPage {
  /// 1 while the rank sleeps and wants its wake socket made readable when mail arrives. The rank sets it, issues a
  /// sequentially consistent fence, looks at its mailboxes once more, and only then sleeps.
  alignas(kCacheLine) std::atomic<std::uint32_t> asleep;
  /// One per inflow of the subject, in the order of the privilege control table.
  alignas(kCacheLine) InflowCursor inflow[kMaxSubjects];
};
static_assert(sizeof(CursorPage) <= kPage);

}  // namespace sluice::wire
