// The memory that the guard shares with ranks, made once before any subject starts.
#pragma once

#include <memory>
#include <vector>

#include "trusted/base/fd.hpp"
#include "trusted/base/mapping.hpp"
#include "trusted/ring/mailbox_writer.hpp"
#include "trusted/ring/segment_pool.hpp"
#include "trusted/table/table.hpp"
#include "wire/mailbox.hpp"
#include "wire/transmit.hpp"

namespace sluice::guard {

/// What one rank shares with the guard. The three parts are different inodes; no other rank gets any of them.
struct RankMemory {
  Fd transmit_fd;
  Mapping transmit;  ///< written by the rank, read by its subject's ingress
  Fd cursor_fd;
  Mapping cursor;  ///< written by the rank, read by the egress of its inflows
  Fd wake_rank;    ///< the rank's end of its wake socket
  Fd wake_guard;   ///< the guard's end; never closed, so that egress threads may use it at any time

  [[nodiscard]] const wire::CursorPage& cursors() const noexcept {
    return *reinterpret_cast<const wire::CursorPage*>(cursor.data());
  }

  static Result<RankMemory, MemoryError> create();
};

/// One subject's side of the run: its ranks' memory and its sealed privilege control table.
struct SubjectMemory {
  Fd table_fd;  ///< read-only
  std::uint64_t table_bytes = 0;
  Fd doorbell;  ///< eventfd on which the subject's ingress sleeps
  std::vector<RankMemory> ranks;

  static Result<SubjectMemory, MemoryError> create(const table::RunTable& table, std::uint32_t subject);
};

/// The two memories of a flow with `path: shared` (wire/shared_path.hpp). The guard makes them and never maps them.
struct SharedPathMemory {
  Fd rings;              ///< for the sending subject
  Fd rings_to_read;      ///< for the receiving subject
  Fd positions;          ///< for the receiving subject
  Fd positions_to_read;  ///< for the sending subject

  static Result<SharedPathMemory, MemoryError> create(std::uint32_t senders, std::uint32_t receivers);
};

/// One flow: mailbox memory, one chain for each receiving rank.
struct FlowMemory {
  std::unique_ptr<ring::SegmentPool> pool;
  std::unique_ptr<ring::SegmentPool> intake;    ///< the guard's alone; null unless the policy gives it one
  std::unique_ptr<std::byte[]> spare;           ///< takes what a broken flow loses
  std::vector<ring::MailboxProgress> progress;  ///< of the mailboxes, one for each receiving rank
  std::vector<ring::MailboxProgress> intake_progress;

  SharedPathMemory shared;  ///< invalid without `path: shared`

  static Result<FlowMemory, MemoryError> create(const table::RunTable& table, const table::Flow& flow);
};

}  // namespace sluice::guard
