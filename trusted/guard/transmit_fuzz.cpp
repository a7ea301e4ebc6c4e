// Hostile transmit memory: TransmitReader::take, MessageCheck::accept and Sender::drain over arbitrary ring bytes,
// with a second thread that changes them meanwhile. Whatever the ring says, frames stay inside the mailbox memory
// (the address sanitizer watches) and stop within one ring.
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>

#include "trusted/guard/outflows.hpp"
#include "trusted/guard/sender.hpp"

namespace {

using namespace sluice;  // NOLINT(google-build-using-namespace)

table::RunTable make_table() {
  table::RunTable table;
  table.subjects = {{.name = "low", .label = "L", .first_rank = 0, .rank_count = 1},
                    {.name = "high", .label = "H", .first_rank = 1, .rank_count = 2}};
  table.flows = {{.from = 0, .to = 1, .queue_bytes = wire::kMinQueueBytes, .policy_line = 1, .downgrade = ""}};
  table.decisions.resize(4);
  return table;
}

struct Bench {
  Bench() : flow(0, table.flows[0], std::move(guard::FlowMemory::create(table, table.flows[0])).value()) {}
  table::RunTable table = make_table();
  guard::Flow flow;
  guard::Statistics statistics{};
};

struct alignas(wire::kPage) Area {
  std::byte bytes[wire::kTransmitAreaBytes];
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Bench bench;
  static auto area = std::make_unique<Area>();
  static std::uint64_t dirty = wire::kTransmitAreaBytes;
  std::memset(area->bytes, 0, std::min<std::size_t>(dirty, wire::kTransmitAreaBytes));
  if (size < 2) return 0;
  // Interesting frames lie at line boundaries: the first byte says how many lines lie between the chunks.
  const std::size_t gap = (data[0] % 8 + 1) * wire::kCacheLine;
  const bool race = (data[1] & 1) != 0;
  std::byte* ring = area->bytes + wire::kPage;
  std::size_t offset = 0;
  for (std::size_t at = 2; at < size && offset + 32 <= wire::kTransmitRingBytes; at += 32, offset += gap) {
    std::memcpy(ring + offset, data + at, std::min<std::size_t>(32, size - at));
  }
  dirty = wire::kPage + offset + gap;

  guard::Outflows outflows(bench.table, 0, {&bench.flow}, bench.statistics);
  guard::Sender sender(0, area->bytes, outflows.capabilities());
  sender.connected();
  std::atomic<bool> stop{false};
  std::thread racer;
  if (race) {
    racer = std::thread([&] {
      std::uint32_t value = data[0];
      while (!stop.load(std::memory_order_relaxed)) {
        for (std::size_t at = 0; at + 4 <= offset && at < 4096; at += 4) {
          value = value * 1664525 + 1013904223;
          __atomic_store_n(reinterpret_cast<std::uint32_t*>(ring + at), value >> 24, __ATOMIC_RELAXED);
        }
      }
    });
  }
  for (int pass = 0; pass < 8; ++pass) {
    const auto progress = sender.drain(outflows, 64);
    if (progress.misbehaviour != guard::Misbehaviour::none) {
      // Named, and the sender is not looked at again.
      if (std::strlen(guard::describe(progress.misbehaviour)) < 10) std::abort();
      break;
    }
  }
  sender.cut_off(outflows);
  if (sender.life() != guard::Sender::Life::ended) std::abort();
  stop.store(true, std::memory_order_relaxed);
  if (racer.joinable()) racer.join();
  return 0;
}
