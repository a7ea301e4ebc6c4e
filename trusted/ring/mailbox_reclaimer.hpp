// Egress's end of one mailbox: takes back the segments that the receiving rank has released.
//
// The cursor is the receiver's and hostile. It can only hurt its own mailbox, but it must not make the guard reuse a
// segment of another mailbox: so it is bounded by what ingress has linked.
#pragma once

#include <cstdint>

#include "trusted/base/result.hpp"
#include "trusted/ring/mailbox_writer.hpp"
#include "trusted/ring/segment_pool.hpp"
#include "wire/mailbox.hpp"

namespace sluice::ring {

enum class CursorFault {
  backwards,  ///< a release was taken back
  ahead,      ///< segments released that the receiver never left
};

class MailboxReclaimer {
 public:
  MailboxReclaimer(SegmentPool& pool, std::uint32_t first_segment, const MailboxProgress& progress) noexcept
      : pool_(pool), progress_(progress), oldest_(first_segment) {}

  /// Gives back what `cursor` has released since the last call. The value is how many segments that were.
  Result<std::uint64_t, CursorFault> reclaim(const wire::InflowCursor& cursor) noexcept;

 private:
  SegmentPool& pool_;
  const MailboxProgress& progress_;
  std::uint32_t oldest_;        // first segment of the chain not yet given back
  std::uint64_t released_ = 0;  // private copy of the cursor
};

}  // namespace sluice::ring
