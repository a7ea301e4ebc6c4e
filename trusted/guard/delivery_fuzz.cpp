// Frames of a hostile sender and cursors of a hostile receiver over a flow that spills or drops: Delivery::move.
// Whatever comes, what reaches the receiver and what it is told to have missed add up to what was sent, in the order of
// each sender, and no frame leaves its segment (the address sanitizer watches).
#include <sanitizer/asan_interface.h>
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
#include "trusted/ring/pool_testing.hpp"

namespace {

using namespace sluice;  // NOLINT(google-build-using-namespace)

/// Blocks that are large are kept for the next input, poisoned meanwhile: getting them from the system anew takes most
/// of the time otherwise. Reading past one, or after it was given back, is seen as ever.
class LargeBlocks {
 public:
  static void* take(std::size_t bytes) {
    if (bytes < kLarge) return std::malloc(bytes);
    for (Block& block : blocks_) {
      if (!block.free || block.bytes != bytes) continue;
      block.free = false;
      ASAN_UNPOISON_MEMORY_REGION(block.start, bytes);
      return block.start;
    }
    void* start = std::malloc(bytes);
    for (Block& block : blocks_) {
      if (block.start == nullptr && start != nullptr) {
        block = {start, bytes, false};
        break;
      }
    }
    return start;
  }
  static void give_back(void* start) {
    for (Block& block : blocks_) {
      if (start == nullptr || block.start != start) continue;
      block.free = true;
      ASAN_POISON_MEMORY_REGION(start, block.bytes);
      return;
    }
    std::free(start);
  }

 private:
  static constexpr std::size_t kLarge = std::size_t{1} << 16;
  struct Block {
    void* start;
    std::size_t bytes;
    bool free;
  };
  static inline Block blocks_[8] = {};
};

constexpr std::uint32_t kSenders = 2;

table::RunTable make_table(table::WhenFull when_full) {
  table::RunTable table;
  table.subjects = {{.name = "low", .label = "L", .first_rank = 0, .rank_count = kSenders},
                    {.name = "high", .label = "H", .first_rank = kSenders, .rank_count = 1}};
  table.flows = {{.from = 0,
                  .to = 1,
                  .queue_bytes = 4 * wire::kSegmentBytes,
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

/// Memory that is made once: it is more than an input is worth. A queue of few segments is full soon.
struct Bench {
  explicit Bench(table::WhenFull when_full)
      : table(make_table(when_full)),
        flow(0, table.flows[0], std::move(guard::FlowMemory::create(table, table.flows[0])).value(),
             Fd(::memfd_create("spill", MFD_CLOEXEC))) {
    if (::ftruncate(flow.spill.get(), static_cast<off_t>(wire::kMinSpillBytes)) != 0) std::abort();
  }

  /// As it was made. Precondition: the intake is empty, and the receiver holds nothing but `segment`.
  void restart(std::uint32_t segment) {
    guard::FlowMemory& memory = flow.memory;
    memory.pool->give_back(segment);
    ring::restart(*memory.pool, 1);
    // Egress has given back each segment of the intake but the one that is written to.
    std::uint32_t last = 0;
    for (std::uint64_t i = memory.intake_progress[0].links.load(); i > 0; --i) last = memory.intake->next(last);
    memory.intake->give_back(last);
    ring::restart(*memory.intake, 1);
    for (auto* progress : {&memory.progress[0], &memory.intake_progress[0]}) {
      progress->frames.store(0);
      progress->links.store(0);
    }
    flow.writers.clear();
    flow.writers.emplace_back(*memory.intake, 0, memory.spare.get(), memory.intake_progress[0]);
  }

  table::RunTable table;
  guard::Flow flow;
};

}  // namespace

// What libraries have allocated before comes here to be freed.
extern "C" const char* __asan_default_options() { return "alloc_dealloc_mismatch=0"; }  // NOLINT

void* operator new(std::size_t bytes) { return LargeBlocks::take(bytes); }
void* operator new[](std::size_t bytes) { return LargeBlocks::take(bytes); }
void operator delete(void* start) noexcept { LargeBlocks::give_back(start); }
void operator delete[](void* start) noexcept { LargeBlocks::give_back(start); }
void operator delete(void* start, std::size_t /*bytes*/) noexcept { LargeBlocks::give_back(start); }
void operator delete[](void* start, std::size_t /*bytes*/) noexcept { LargeBlocks::give_back(start); }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  static std::unique_ptr<Bench> benches[2];
  std::unique_ptr<Bench>& bench = benches[data[0] % 2];
  if (!bench) bench = std::make_unique<Bench>(data[0] % 2 == 0 ? table::WhenFull::drop : table::WhenFull::spill);
  guard::Flow& flow = bench->flow;
  auto delivery = guard::make_delivery(flow, 0, bench->table.subjects[0]);
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
          bench.reset();  // the intake is full: the receiver is ended
          return 0;
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
  const std::uint64_t released = cursor.segments_released.load();
  if (!lost && flow.memory.progress[0].links.load() == released) {
    delivery.reset();
    bench->restart(segment);
  } else {
    bench.reset();
  }
  return 0;
}
