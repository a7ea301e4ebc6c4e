// Hostile cursors: MailboxReclaimer::reclaim beside MailboxWriter::put, with whatever the receiver writes as released.
// Whatever it claims, a segment belongs to one mailbox or to the free ones, and never to two.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "trusted/ring/mailbox_reclaimer.hpp"
#include "trusted/ring/mailbox_writer.hpp"
#include "trusted/ring/pool_testing.hpp"

namespace {

using namespace sluice;  // NOLINT(google-build-using-namespace)

constexpr std::uint32_t kSegments = 8;
constexpr std::uint32_t kReceivers = 3;
constexpr int kInputsPerPool = 1024;

/// One receiver's chain as it must be: the segments from the oldest that it holds to the newest.
struct Chain {
  std::vector<std::uint32_t> segments;
};

struct Bench {
  explicit Bench(ring::SegmentPool& of) : pool(of) {
    writers.reserve(kReceivers);
    reclaimers.reserve(kReceivers);
    for (std::uint32_t rank = 0; rank < kReceivers; ++rank) {
      writers.emplace_back(pool, rank, spare(), progress[rank]);
      reclaimers.emplace_back(pool, rank, progress[rank]);
      chains[rank].segments = {rank};
    }
  }

  static std::byte* spare() {
    static std::vector<std::byte> memory(wire::kSegmentBytes);
    return memory.data();
  }

  void put(std::uint32_t rank, std::uint32_t bytes) {
    const std::uint64_t links = progress[rank].links.load();
    static const std::vector<std::byte> payload(wire::kMaxFragmentBytes);
    const bool kept = writers[rank].put({.kind = wire::FrameKind::message_start, .source = 9, .extent = bytes},
                                        {payload.data(), bytes});
    if (kept && progress[rank].links.load() != links) {
      chains[rank].segments.push_back(pool.next(chains[rank].segments.back()));
    }
  }

  /// False once the receiver has been caught.
  bool reclaim(std::uint32_t rank, std::uint64_t claimed) {
    wire::InflowCursor cursor{};
    cursor.segments_released.store(claimed);
    const auto released = reclaimers[rank].reclaim(cursor);
    if (!released) return false;
    auto& segments = chains[rank].segments;
    if (released.value() >= segments.size()) std::abort();  // the one that is being written cannot be released
    segments.erase(segments.begin(), segments.begin() + static_cast<std::ptrdiff_t>(released.value()));
    return true;
  }

  void check() const {
    std::uint32_t held = 0;
    for (const Chain& chain : chains) {
      for (const std::uint32_t segment : chain.segments) {
        if (segment >= kSegments || (held >> segment & 1U) != 0) std::abort();
        held |= 1U << segment;
      }
    }
  }

  /// Every receiver gives back what it holds, and the pool must then be whole.
  void finish() {
    for (std::uint32_t rank = 0; rank < kReceivers; ++rank) {
      if (!reclaim(rank, progress[rank].links.load())) std::abort();  // that claim is true
      if (chains[rank].segments.size() != 1) std::abort();
      pool.give_back(chains[rank].segments[0]);
    }
    std::vector<std::uint32_t> free;
    while (const auto segment = pool.take()) free.push_back(*segment);
    if (free.size() != kSegments) std::abort();
    for (const std::uint32_t segment : free) pool.give_back(segment);
    ring::restart(pool, kReceivers);
  }

  ring::SegmentPool& pool;
  ring::MailboxProgress progress[kReceivers];
  std::vector<ring::MailboxWriter> writers;
  std::vector<ring::MailboxReclaimer> reclaimers;
  Chain chains[kReceivers];
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static std::unique_ptr<ring::SegmentPool> pool;
  static int inputs = 0;
  // Now and then one with segments that nobody has used yet.
  if (inputs++ % kInputsPerPool == 0) pool = std::move(ring::SegmentPool::create(kSegments, kReceivers)).value();
  Bench bench(*pool);
  bool caught[kReceivers] = {};
  // Two bytes a step: what and whom, and how much.
  for (std::size_t at = 0; at + 2 <= size; at += 2) {
    const std::uint32_t rank = data[at] % kReceivers;
    const std::uint32_t what = data[at] / kReceivers % 4;
    if (what < 2) {
      for (int i = 0; i < 8; ++i) bench.put(rank, std::uint32_t{data[at + 1]} * 64U % wire::kMaxFragmentBytes);
    } else if (!caught[rank]) {
      // Near to what is true, or anything.
      const std::uint64_t claimed = what == 2 ? data[at + 1] % 16 : std::uint64_t{data[at + 1]} * 0x0101010101010101U;
      caught[rank] = !bench.reclaim(rank, claimed);
    }
    bench.check();
  }
  bench.finish();
  return 0;
}
