#include "trusted/guard/memory.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cstring>
#include <utility>

#include "wire/shared_path.hpp"

namespace sluice::guard {

namespace {

/// A sealed, read-only copy of `bytes`.
Result<Fd, MemoryError> sealed_copy(const char* name, const std::vector<std::byte>& bytes) {
  auto fd = fixed_memory(name, bytes.size());
  if (!fd) return fd.error();
  auto view = Mapping::of(fd.value(), bytes.size(), true);
  if (!view) return view.error();
  std::memcpy(view.value().data(), bytes.data(), bytes.size());
  if (auto sealed = forbid_new_writers(fd.value()); !sealed) return sealed.error();
  return read_only(fd.value());
}

}  // namespace

Result<RankMemory, MemoryError> RankMemory::create() {
  RankMemory memory;
  auto transmit_fd = fixed_memory("sluice-transmit", wire::kTransmitAreaBytes);
  if (!transmit_fd) return transmit_fd.error();
  memory.transmit_fd = std::move(transmit_fd).value();
  auto transmit = Mapping::of(memory.transmit_fd, wire::kTransmitAreaBytes, true);
  if (!transmit) return transmit.error();
  memory.transmit = std::move(transmit).value();

  auto cursor_fd = fixed_memory("sluice-cursor", wire::kPage);
  if (!cursor_fd) return cursor_fd.error();
  memory.cursor_fd = std::move(cursor_fd).value();
  auto cursor = Mapping::of(memory.cursor_fd, wire::kPage, false);
  if (!cursor) return cursor.error();
  memory.cursor = std::move(cursor).value();

  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return MemoryError::create;
  memory.wake_guard.reset(pair[0]);
  memory.wake_rank.reset(pair[1]);
  return memory;
}

Result<SubjectMemory, MemoryError> SubjectMemory::create(const table::RunTable& table, std::uint32_t subject) {
  SubjectMemory memory;
  const auto bytes = table::privilege_table(table, subject);
  auto table_fd = sealed_copy("sluice-table", bytes);
  if (!table_fd) return table_fd.error();
  memory.table_fd = std::move(table_fd).value();
  memory.table_bytes = bytes.size();
  memory.doorbell.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!memory.doorbell) return MemoryError::create;
  // A subject with a world of its own takes no part in flows and never connects.
  const std::uint32_t ranks = table.subjects[subject].in_world ? table.subjects[subject].rank_count : 0;
  memory.ranks.reserve(ranks);
  for (std::uint32_t rank = 0; rank < ranks; ++rank) {
    auto rank_memory = RankMemory::create();
    if (!rank_memory) return rank_memory.error();
    memory.ranks.push_back(std::move(rank_memory).value());
  }
  return memory;
}

Result<SharedPathMemory, MemoryError> SharedPathMemory::create(std::uint32_t senders, std::uint32_t receivers) {
  SharedPathMemory memory;
  auto rings = fixed_memory("sluice-shared-rings", wire::shared_ring_bytes(senders, receivers));
  if (!rings) return rings.error();
  memory.rings = std::move(rings).value();
  auto positions = fixed_memory("sluice-shared-positions", wire::shared_position_bytes(senders, receivers));
  if (!positions) return positions.error();
  memory.positions = std::move(positions).value();
  auto rings_to_read = read_only(memory.rings);
  if (!rings_to_read) return rings_to_read.error();
  memory.rings_to_read = std::move(rings_to_read).value();
  auto positions_to_read = read_only(memory.positions);
  if (!positions_to_read) return positions_to_read.error();
  memory.positions_to_read = std::move(positions_to_read).value();
  return memory;
}

Result<FlowMemory, MemoryError> FlowMemory::create(const table::RunTable& table, const table::Flow& flow) {
  FlowMemory memory;
  const std::uint32_t receivers = table.subjects[flow.to].rank_count;
  auto pool = ring::SegmentPool::create(table::segment_count(table, flow), receivers);
  if (!pool) return pool.error();
  memory.pool = std::move(pool).value();
  if (const std::uint32_t segments = table::intake_segments(table, flow); segments != 0) {
    auto intake = ring::SegmentPool::create(segments, receivers);
    if (!intake) return intake.error();
    memory.intake = std::move(intake).value();
    memory.intake_progress = std::vector<ring::MailboxProgress>(receivers);
  }
  memory.spare = std::make_unique<std::byte[]>(wire::kSegmentBytes);
  memory.progress = std::vector<ring::MailboxProgress>(receivers);
  if (flow.path == table::Path::shared) {
    auto shared = SharedPathMemory::create(table.subjects[flow.from].rank_count, receivers);
    if (!shared) return shared.error();
    memory.shared = std::move(shared).value();
  }
  return memory;
}

}  // namespace sluice::guard
