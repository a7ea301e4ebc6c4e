// Hostile cursors: MailboxReclaimer::reclaim beside MailboxWriter::put, with whatever the receiver writes as released.
// Whatever it claims, a segment belongs to one mailbox or to the free ones, and never to two.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <set>
#include <vector>

#include "trusted/ring/mailbox_reclaimer.hpp"
#include "trusted/ring/mailbox_writer.hpp"

namespace {

using namespace sluice;  // NOLINT(google-build-using-namespace)

constexpr std::uint32_t kSegments = 8;
constexpr std::uint32_t kReceivers = 3;

/// One receiver's chain as it must be: the segments from the oldest that it holds to the newest.
struct Chain {
  std::vector<std::uint32_t> segments;
};

struct Bench {
  Bench() : pool(std::move(ring::SegmentPool::create(kSegments, kReceivers)).value()) {
    for (std::uint32_t rank = 0; rank < kReceivers; ++rank) {
      writers.emplace_back(*pool, rank, spare.data(), progress[rank]);
      reclaimers.emplace_back(*pool, rank, progress[rank]);
      chains[rank].segments = {rank};
    }
  }

  void put(std::uint32_t rank, std::uint32_t bytes) {
    const std::uint64_t links = progress[rank].links.load();
    static const std::vector<std::byte> payload(wire::kMaxFragmentBytes);
    const bool kept = writers[rank].put({.kind = wire::FrameKind::message_start, .source = 9, .extent = bytes},
                                        {payload.data(), bytes});
    if (kept && progress[rank].links.load() != links) {
      chains[rank].segments.push_back(pool->next(chains[rank].segments.back()));
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
    std::set<std::uint32_t> held;
    for (const Chain& chain : chains) {
      for (const std::uint32_t segment : chain.segments) {
        if (segment >= kSegments || !held.insert(segment).second) std::abort();
      }
    }
  }

  std::unique_ptr<ring::SegmentPool> pool;
  std::vector<std::byte> spare = std::vector<std::byte>(wire::kSegmentBytes);
  ring::MailboxProgress progress[kReceivers];
  std::vector<ring::MailboxWriter> writers;
  std::vector<ring::MailboxReclaimer> reclaimers;
  Chain chains[kReceivers];
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bench bench;
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
  return 0;
}
