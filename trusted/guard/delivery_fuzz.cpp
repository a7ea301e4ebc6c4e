// Frames of a hostile sender and cursors of a hostile receiver over a flow that spills or drops: Delivery::move.
// Whatever comes, what reaches the receiver and what it is told to have missed add up to what was sent, in the order of
// each sender, and no frame leaves its segment (the address sanitizer watches).
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "trusted/guard/delivery.hpp"
#include "trusted/ring/mailbox_reclaimer.hpp"

namespace {

using namespace sluice;  // NOLINT(google-build-using-namespace)

constexpr std::uint32_t kSenders = 2;

table::RunTable make_table(table::WhenFull when_full) {
  table::RunTable table;
  table.subjects = {{.name = "low", .label = "L", .first_rank = 0, .rank_count = kSenders},
                    {.name = "high", .label = "H", .first_rank = kSenders, .rank_count = 1}};
  table.flows = {{.from = 0,
                  .to = 1,
                  .queue_bytes = wire::kMinQueueBytes,
                  .when_full = when_full,
                  .spill_bytes = when_full == table::WhenFull::spill ? wire::kMinSpillBytes : 0,
                  .policy_line = 1,
                  .downgrade = ""}};
  return table;
}

/// What one sender has sent and not yet seen accounted for, in bytes and messages.
struct Account {
  std::uint64_t sent = 0;
  std::uint64_t told = 0;
};

/// Memory that is made once: it is more than an input is worth.
struct Memory {
  explicit Memory(table::WhenFull when_full)
      : table(make_table(when_full)), flow(std::move(guard::FlowMemory::create(table, table.flows[0])).value()) {
    spill.reset(::memfd_create("spill", MFD_CLOEXEC));
    if (::ftruncate(spill.get(), static_cast<off_t>(wire::kMinSpillBytes)) != 0) std::abort();
  }
  table::RunTable table;
  guard::FlowMemory flow;
  Fd spill;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  Memory memory(data[0] % 2 == 0 ? table::WhenFull::drop : table::WhenFull::spill);
  guard::Flow flow(0, memory.table.flows[0], std::move(memory.flow), std::move(memory.spill));
  const auto delivery = guard::make_delivery(flow, 0, memory.table.subjects[0]);
  ring::MailboxReclaimer reclaimer(*flow.memory.pool, 0, flow.memory.progress[0]);
  wire::InflowCursor cursor{};
  Account accounts[kSenders];
  std::uint32_t segment = 0;
  std::uint32_t offset = 0;
  const auto receive = [&] {
    const std::byte* place = flow.memory.pool->segment(segment) + offset;
    wire::FrameHeader header;
    std::memcpy(&header, place, sizeof header);
    if (header.kind == wire::FrameKind::none) return false;
    if (header.kind == wire::FrameKind::next_segment) {
      segment = header.endpoint;
      offset = 0;
      cursor.segments_released.fetch_add(1);
      return true;
    }
    if (header.endpoint >= kSenders) std::abort();
    offset += wire::frame_stride(header.payload);
    Account& account = accounts[header.endpoint];
    std::uint64_t count = 1;
    if (header.kind == wire::FrameKind::messages_missed) std::memcpy(&count, place + sizeof header, sizeof count);
    account.told += count;
    if (header.kind == wire::FrameKind::message_start && static_cast<std::uint64_t>(header.context) != account.told) {
      std::abort();  // out of order: each message carries its number
    }
    if (account.told > account.sent) std::abort();
    return true;
  };
  static const std::vector<std::byte> payload(wire::kMaxFragmentBytes);
  bool lost = false;
  for (std::size_t at = 1; at + 2 <= size && !lost; at += 2) {
    const std::uint32_t bytes = std::uint32_t{data[at + 1]} * 64U % wire::kMaxFragmentBytes;
    const std::uint32_t source = data[at] % kSenders;
    if (data[at] % 4 < 2) {
      for (int i = 0; i < 1 + data[at] / 64; ++i) {
        ++accounts[source].sent;
        // In a context of its own, missed messages are told one by one.
        if (!flow.writers[0].put({.kind = wire::FrameKind::message_start,
                                  .source = source,
                                  .context = accounts[source].sent,
                                  .extent = bytes},
                                 {payload.data(), bytes})) {
          return 0;  // the intake is full: the receiver is ended
        }
      }
    } else {
      for (int i = 0; i < data[at + 1] && receive(); ++i) continue;
    }
    const auto reclaimed = reclaimer.reclaim(cursor);
    if (!reclaimed) std::abort();
    delivery->released(reclaimed.value());
    lost = delivery->move() != nullptr;
  }
  while (!lost) {
    bool came = false;
    while (receive()) came = true;
    delivery->released(reclaimer.reclaim(cursor).value());
    lost = delivery->move() != nullptr;
    if (!came && !delivery->has_more()) break;
  }
  for (const Account& account : accounts) {
    if (!lost && account.told != account.sent) std::abort();
  }
  return 0;
}
