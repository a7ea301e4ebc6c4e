// Hostile transmit memory: TransmitReader::take, MessageCheck::accept and Sender::drain over arbitrary ring bytes,
// with a second thread that changes them meanwhile. Whatever the ring says, frames stay inside the mailbox memory
// (the address sanitizer watches) and stop within one ring.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
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

/// A second thread that changes the ring's first bytes while a race is on. It lives as long as the process: starting
/// one for each input would take most of the time. It hands itself over by two counters, and gives way while it waits.
class Racer {
 public:
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
  static constexpr std::size_t kMostBytes = 4096;

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

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Bench bench;
  static auto* area = new Area;  // never freed: the racer may look at it to the end
  static std::uint64_t dirty = wire::kTransmitAreaBytes;
  // The guard writes to the first page only its two words.
  std::memset(area->bytes, 0, sizeof(wire::TransmitControl));
  std::memset(area->bytes + wire::kPage, 0, std::min<std::size_t>(dirty, wire::kTransmitAreaBytes) - wire::kPage);
  if (size < 2) return 0;
  // Interesting frames lie at line boundaries: the first byte says how many lines lie between the chunks.
  const std::size_t gap = (data[0] % 8 + 1) * wire::kCacheLine;
  const bool race = data[1] % 64 == 0;  // costs as much as many inputs without
  std::byte* ring = area->bytes + wire::kPage;
  std::size_t offset = 0;
  for (std::size_t at = 2; at < size && offset + 32 <= wire::kTransmitRingBytes; at += 32, offset += gap) {
    std::memcpy(ring + offset, data + at, std::min<std::size_t>(32, size - at));
  }
  dirty = wire::kPage + std::max<std::size_t>(offset + gap, 4096);

  guard::Outflows outflows(bench.table, 0, {&bench.flow}, bench.statistics);
  guard::Sender sender(0, area->bytes, outflows.capabilities());
  sender.connected();
  static auto& racer = *new Racer(ring);  // its thread outlives everything
  if (race) racer.start(offset, data[0]);
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
  if (race) racer.stop();
  return 0;
}
