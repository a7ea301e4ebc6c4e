// The guard's part of a message's way without processes: transmit ring -> guard -> mailbox -> receiver, in one thread.
//
// What remains when nobody waits and nothing moves between caches: an upper bound for the relay, and the place where
// a costlier check or copy shows first.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "trusted/ring/mailbox_reclaimer.hpp"
#include "trusted/ring/mailbox_writer.hpp"
#include "trusted/ring/transmit_reader.hpp"
#include "untrusted/interpose/transport/mailbox_reader.hpp"
#include "untrusted/interpose/transport/transmit_ring.hpp"

namespace {

using namespace sluice;  // NOLINT(google-build-using-namespace)

constexpr std::uint32_t kSegments = 64;

std::unique_ptr<ring::SegmentPool> make_pool() {
  auto pool = ring::SegmentPool::create(kSegments, 1);
  if (!pool) std::abort();
  if (!pool.value()->populate(0, kSegments)) std::abort();
  return std::move(pool).value();
}

/// Memory of one transmit area, on a page, all zero.
class Area {
 public:
  Area() : memory_(static_cast<std::byte*>(std::aligned_alloc(wire::kPage, wire::kTransmitAreaBytes))) {
    if (memory_ == nullptr) std::abort();
    std::memset(memory_, 0, wire::kTransmitAreaBytes);
  }
  Area(const Area&) = delete;
  Area& operator=(const Area&) = delete;
  ~Area() { std::free(memory_); }
  [[nodiscard]] std::byte* get() const { return memory_; }

 private:
  std::byte* memory_;
};

/// All parts of one way, as they meet in a run.
struct Way {
  Area area;
  std::unique_ptr<ring::SegmentPool> pool = make_pool();
  std::vector<std::byte> spare = std::vector<std::byte>(wire::kSegmentBytes);
  ring::MailboxProgress progress;
  wire::InflowCursor cursor{};
  interpose::TransmitRing sender{area.get(), -1};
  ring::TransmitReader taker{area.get()};
  ring::MailboxWriter writer{*pool, 0, spare.data(), progress};
  ring::MailboxReclaimer reclaimer{*pool, 0, progress};
  interpose::MailboxReader receiver{pool->segment(0), kSegments, 0, &cursor};

  /// Sends one fragment all the way. False if it did not come out as it went in.
  bool carry(const std::byte* from, std::byte* to, std::uint32_t bytes) {
    if (!sender.has_room(bytes)) return false;
    sender.put({wire::FrameKind::message_start, bytes, 0, 7, wire::kWorldContext, bytes}, from);
    ring::Fragment fragment;
    if (taker.take(fragment) != ring::Taken::fragment) return false;
    const wire::FrameHeader& header = fragment.header;
    if (!writer.put({header.kind, 1, header.context, header.tag, header.extent}, {fragment.payload, header.payload})) {
      return false;
    }
    taker.release(fragment);
    const wire::FrameHeader* mail = receiver.peek();
    if (mail == nullptr || mail->payload != bytes) return false;
    std::memcpy(to, mail + 1, bytes);
    receiver.advance();
    return true;
  }
};

void relay(benchmark::State& state) {
  const auto bytes = static_cast<std::uint32_t>(state.range(0));
  Way way;
  const std::vector<std::byte> out(bytes, std::byte{1});
  std::vector<std::byte> in(bytes);
  std::uint64_t carried = 0;
  for (auto _ : state) {
    if (!way.carry(out.data(), in.data(), bytes)) {
      state.SkipWithError("a fragment got lost");
      return;
    }
    // Egress looks now and then.
    if (++carried % 8 == 0 && !way.reclaimer.reclaim(way.cursor)) {
      state.SkipWithError("the receiver's cursor was refused");
      return;
    }
    benchmark::ClobberMemory();
  }
  if (in != out) state.SkipWithError("a fragment was changed");
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

BENCHMARK(relay)->Arg(8)->Arg(1024)->Arg(sluice::wire::kMaxFragmentBytes);

}  // namespace

BENCHMARK_MAIN();
