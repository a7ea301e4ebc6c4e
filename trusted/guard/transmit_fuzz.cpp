// Hostile transmit memory: TransmitReader::take, MessageCheck::accept and Sender::drain over arbitrary ring bytes,
// now and then with a second thread that changes them meanwhile. Whatever the ring says, frames stay inside the mailbox
// memory (the address sanitizer watches) and stop within one ring.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "trusted/guard/outflows.hpp"
#include "trusted/guard/sender.hpp"
#include "trusted/ring/pool_testing.hpp"

namespace {

using namespace sluice;  // NOLINT(google-build-using-namespace)

constexpr std::uint32_t kReceivers = 2;

table::RunTable make_table() {
  table::RunTable table;
  table.subjects = {{.name = "low", .label = "L", .first_rank = 0, .rank_count = 1},
                    {.name = "high", .label = "H", .first_rank = 1, .rank_count = kReceivers}};
  table.flows = {{.from = 0, .to = 1, .queue_bytes = wire::kMinQueueBytes, .policy_line = 1, .downgrade = ""}};
  table.decisions.resize(4);
  return table;
}

struct Bench {
  /// The receivers have read everything: for the next input each mailbox is as it was made.
  void restart() {
    guard::FlowMemory& memory = flow.memory;
    for (std::uint32_t rank = 0; rank < kReceivers; ++rank) {
      ring::give_back_chain(*memory.pool, rank, memory.progress[rank].links.load());
      memory.progress[rank].frames.store(0);
      memory.progress[rank].links.store(0);
    }
    ring::restart(*memory.pool, kReceivers);
    flow.writers.clear();
    for (std::uint32_t rank = 0; rank < kReceivers; ++rank) {
      flow.writers.emplace_back(*memory.pool, rank, memory.spare.get(), memory.progress[rank]);
    }
    flow.broken.store(false);
  }

  table::RunTable table = make_table();
  guard::Flow flow{0, table.flows[0], std::move(guard::FlowMemory::create(table, table.flows[0])).value()};
  guard::Statistics statistics{};
  guard::Outflows outflows{table, 0, {&flow}, statistics};
};

constexpr std::uint64_t kInputsPerRace = 512;
constexpr int kRoundsPerRace = 64;

struct alignas(wire::kPage) Area {
  std::byte bytes[wire::kTransmitAreaBytes];
};

/// A second thread that changes the ring's first bytes while a race is on. It lives as long as the process: starting
/// one for each input would take most of the time. It hands itself over by two counters, and gives way while it waits.
class Racer {
 public:
  static constexpr std::size_t kMostBytes = 4096;

  explicit Racer(std::byte* ring) : ring_(ring), thread_([this] { run(); }) { thread_.detach(); }

  /// Races over `bytes` bytes until stop(); `seed` chooses what is written.
  void start(std::size_t bytes, std::uint32_t seed) noexcept {
    bytes_ = std::min<std::size_t>(bytes, kMostBytes);
    seed_ = seed;
    wanted_.fetch_add(1, std::memory_order_release);
    wanted_.notify_one();
    await(wanted_.load(std::memory_order_relaxed));
  }
  /// Returns once the thread does not write any more.
  void stop() noexcept {
    wanted_.fetch_add(1, std::memory_order_release);
    await(wanted_.load(std::memory_order_relaxed));
  }

 private:
  void await(std::uint32_t state) const noexcept {
    while (reached_.load(std::memory_order_acquire) != state) std::this_thread::yield();
  }
  [[noreturn]] void run() noexcept {
    for (std::uint32_t state = 0;;) {
      wanted_.wait(state, std::memory_order_acquire);
      state = wanted_.load(std::memory_order_acquire);
      reached_.store(state, std::memory_order_release);
      if (state % 2 == 1) race(state);
    }
  }
  void race(std::uint32_t state) const noexcept {
    std::uint32_t value = seed_;
    while (wanted_.load(std::memory_order_relaxed) == state) {
      for (std::size_t at = 0; at + 4 <= bytes_; at += 4) {
        value = value * 1664525 + 1013904223;
        __atomic_store_n(reinterpret_cast<std::uint32_t*>(ring_ + at), value >> 24, __ATOMIC_RELAXED);
      }
    }
  }

  std::byte* ring_;
  std::size_t bytes_ = 0;
  std::uint32_t seed_ = 0;
  std::atomic<std::uint32_t> wanted_{0};  // odd: race
  std::atomic<std::uint32_t> reached_{0};
  std::thread thread_;
};

}  // namespace

namespace {

/// What the guard makes of the ring as it is, or becomes meanwhile.
void drain(Bench& bench, Area& area) {
  guard::Sender sender(0, area.bytes, bench.outflows.capabilities());
  sender.connected();
  for (int pass = 0; pass < 8; ++pass) {
    const auto progress = sender.drain(bench.outflows, 64);
    if (progress.misbehaviour != guard::Misbehaviour::none) {
      // Named, and the sender is not looked at again.
      if (std::strlen(guard::describe(progress.misbehaviour)) < 10) std::abort();
      break;
    }
    if (!progress.worked) break;
  }
  sender.cut_off(bench.outflows);
  if (sender.life() != guard::Sender::Life::ended) std::abort();
  bench.restart();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Bench bench;
  static auto* area = new Area;  // never freed: the racer may look at it to the end
  static std::uint64_t dirty = wire::kTransmitAreaBytes;
  static std::uint64_t inputs = 0;
  // The guard writes to the first page only its two words.
  std::memset(area->bytes, 0, sizeof(wire::TransmitControl));
  std::memset(area->bytes + wire::kPage, 0, std::min<std::size_t>(dirty, wire::kTransmitAreaBytes) - wire::kPage);
  dirty = wire::kPage;
  if (size < 2) return 0;
  // Interesting frames lie at line boundaries: the first byte says how many lines lie between the chunks.
  const std::size_t gap = (data[0] % 8 + 1) * wire::kCacheLine;
  std::byte* ring = area->bytes + wire::kPage;
  std::size_t offset = 0;
  for (std::size_t at = 1; at < size && offset + 32 <= wire::kTransmitRingBytes; at += 32, offset += gap) {
    std::memcpy(ring + offset, data + at, std::min<std::size_t>(32, size - at));
  }
  dirty += offset + gap;
  drain(bench, *area);
  // A race costs as much as many inputs, most of it for the other thread to begin and to end: seldom, and then long.
  // Each round finds in the ring what the other thread has left there.
  if (++inputs % kInputsPerRace != 0) return 0;
  dirty = std::max<std::uint64_t>(dirty, wire::kPage + Racer::kMostBytes);
  static auto& racer = *new Racer(ring);  // its thread outlives everything
  racer.start(offset, data[0]);
  for (int round = 0; round < kRoundsPerRace; ++round) drain(bench, *area);
  racer.stop();
  return 0;
}
