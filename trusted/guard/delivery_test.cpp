// Ingress, egress and receiver of one flow with an intake, played by one thread.
#include "trusted/guard/delivery.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <vector>

#include "trusted/ring/mailbox_reclaimer.hpp"

namespace sluice::guard {
namespace {

constexpr std::uint32_t kSenders = 2;
constexpr std::uint32_t kReceivers = 2;
constexpr std::uint64_t kSpillBytes = std::uint64_t{4} << 20;

table::RunTable make_table(table::WhenFull when_full, std::uint64_t queue) {
  table::RunTable table;
  table.subjects = {{.name = "low", .label = "L", .first_rank = 0, .rank_count = kSenders},
                    {.name = "high", .label = "H", .first_rank = kSenders, .rank_count = kReceivers}};
  table.flows = {{.from = 0,
                  .to = 1,
                  .queue_bytes = queue,
                  .when_full = when_full,
                  .spill_bytes = when_full == table::WhenFull::spill ? kSpillBytes : 0,
                  .policy_line = 1,
                  .downgrade = ""}};
  return table;
}

struct Frame {
  wire::FrameHeader header;
  std::vector<std::byte> payload;
};

class Bench {
 public:
  explicit Bench(table::WhenFull when_full, std::uint64_t queue = wire::kMinQueueBytes)
      : table_(make_table(when_full, queue)), flow_(0, table_.flows[0], memory(), file()) {
    for (std::uint32_t rank = 0; rank < kReceivers; ++rank) {
      deliveries.push_back(make_delivery(flow_, rank, table_.subjects[0]));
      reclaimers_.emplace_back(*flow_.memory.pool, rank, flow_.memory.progress[rank]);
      places_.push_back({rank, 0});
    }
  }

  /// Ingress: one message of `bytes` bytes of value `tag`, in fragments of at most `largest`.
  void send(std::uint32_t source, std::uint32_t receiver, int tag, std::size_t bytes,
            std::size_t largest = wire::kMaxFragmentBytes) {
    const std::vector<std::byte> data(bytes, static_cast<std::byte>(tag));
    std::size_t offset = 0;
    do {
      const std::size_t part = std::min(bytes - offset, largest);
      fragment(source, receiver, tag, offset == 0 ? bytes : offset, {data.data() + offset, part}, offset == 0);
      offset += part;
    } while (offset < bytes);
  }

  void fragment(std::uint32_t source, std::uint32_t receiver, int tag, std::uint64_t extent,
                std::span<const std::byte> payload, bool starts) {
    put({.kind = starts ? wire::FrameKind::message_start : wire::FrameKind::message_part,
         .source = source,
         .context = wire::kWorldContext,
         .tag = tag,
         .extent = extent},
        receiver, payload);
  }

  void end(std::uint32_t source, std::uint32_t receiver) {
    put({.kind = wire::FrameKind::sender_ended, .source = source}, receiver, {});
  }

  /// Egress, until nothing moves.
  const char* move() {
    for (std::uint32_t rank = 0; rank < kReceivers; ++rank) {
      do {
        deliveries[rank]->released(reclaimers_[rank].reclaim(cursors_[rank]).value());
        if (const char* why = deliveries[rank]->move(); why != nullptr) return why;
      } while (deliveries[rank]->has_more());
    }
    return nullptr;
  }

  /// Receiver: the next frame that is there.
  std::optional<Frame> receive(std::uint32_t rank) {
    for (;;) {
      auto& [segment, offset] = places_[rank];
      const std::byte* place = flow_.memory.pool->segment(segment) + offset;
      Frame frame;
      std::memcpy(&frame.header, place, sizeof frame.header);
      if (frame.header.kind == wire::FrameKind::none) return std::nullopt;
      if (frame.header.kind == wire::FrameKind::next_segment) {
        segment = frame.header.endpoint;
        offset = 0;
        cursors_[rank].segments_released.fetch_add(1);
        continue;
      }
      frame.payload.assign(place + sizeof frame.header, place + sizeof frame.header + frame.header.payload);
      offset += wire::frame_stride(frame.header.payload);
      return frame;
    }
  }

  std::vector<std::unique_ptr<Delivery>> deliveries;

 private:
  FlowMemory memory() { return std::move(FlowMemory::create(table_, table_.flows[0])).value(); }
  static Fd file() {
    Fd fd(::memfd_create("spill", MFD_CLOEXEC));
    EXPECT_EQ(::ftruncate(fd.get(), static_cast<off_t>(kSpillBytes)), 0);
    return fd;
  }
  void put(const ring::Envelope& envelope, std::uint32_t receiver, std::span<const std::byte> payload) {
    ASSERT_TRUE(flow_.writers[receiver].put(envelope, payload)) << "the intake is full";
  }

  table::RunTable table_;
  Flow flow_;
  std::deque<ring::MailboxReclaimer> reclaimers_;
  wire::InflowCursor cursors_[kReceivers]{};
  std::vector<std::pair<std::uint32_t, std::uint32_t>> places_;
};

std::uint64_t count_of(const Frame& frame) {
  std::uint64_t count = 0;
  EXPECT_EQ(frame.payload.size(), sizeof count);
  std::memcpy(&count, frame.payload.data(), sizeof count);
  return count;
}

TEST(Spill, EverythingComesInOrderThroughTheFile) {
  Bench bench(table::WhenFull::spill);
  std::mt19937 random(1);
  std::vector<int> tags[kReceivers];
  for (int round = 0; round < 40; ++round) {
    // Beyond a rank's half of the queue, and within its half of the file.
    for (int i = 0; i < 8; ++i) {
      const std::uint32_t receiver = random() % kReceivers;
      const int tag = static_cast<int>(random() % 256);
      bench.send(random() % kSenders, receiver, tag, random() % wire::kMaxFragmentBytes);
      tags[receiver].push_back(tag);
      ASSERT_EQ(bench.move(), nullptr);
    }
    if (round % 4 != 3) continue;
    for (std::uint32_t rank = 0; rank < kReceivers; ++rank) {
      for (const int tag : tags[rank]) {
        auto frame = bench.receive(rank);
        if (!frame) {
          ASSERT_EQ(bench.move(), nullptr);
          frame = bench.receive(rank);
        }
        ASSERT_TRUE(frame.has_value());
        ASSERT_EQ(frame->header.tag, tag);
        ASSERT_EQ(frame->payload, std::vector<std::byte>(frame->header.extent, static_cast<std::byte>(tag)));
      }
      tags[rank].clear();
      ASSERT_FALSE(bench.receive(rank).has_value());
    }
  }
}

TEST(Spill, AFullFileIsSaid) {
  Bench bench(table::WhenFull::spill);
  const char* why = nullptr;
  int sent = 0;
  for (; why == nullptr && sent < 1000; ++sent) {
    bench.send(0, 0, 1, 10000);
    why = bench.move();
  }
  ASSERT_NE(why, nullptr);
  EXPECT_NE(std::strstr(why, "spill file"), nullptr);
  EXPECT_GT(sent, 200) << "half of the file, and half of the queue";
}

TEST(Spill, ARankThatDoesNotReceiveDoesNotDisturbAnother) {
  Bench bench(table::WhenFull::spill);
  for (int i = 0; i < 150; ++i) {
    bench.send(0, 0, 1, 10000);
    ASSERT_EQ(bench.move(), nullptr);
  }
  for (int i = 0; i < 150; ++i) {
    bench.send(0, 1, i % 256, 10000);
    ASSERT_EQ(bench.move(), nullptr);
    const auto frame = bench.receive(1);
    ASSERT_TRUE(frame.has_value());
    ASSERT_EQ(frame->header.tag, i % 256);
  }
}

/// What a receiver makes of all frames that are there: messages by source and tag, and missed ones in their places.
struct Account {
  std::map<std::uint32_t, std::vector<std::pair<int, bool>>> by_source;  ///< tag, and whether it came
  std::uint64_t missed_bytes = 0;
  int ended = 0;
  bool open = false;

  void take(const Frame& frame) {
    auto& list = by_source[frame.header.endpoint];
    switch (frame.header.kind) {
      case wire::FrameKind::message_start:
        list.emplace_back(frame.header.tag, true);
        break;
      case wire::FrameKind::messages_missed:
        missed_bytes += frame.header.extent;
        for (std::uint64_t i = 0; i < count_of(frame); ++i) list.emplace_back(frame.header.tag, false);
        break;
      case wire::FrameKind::sender_ended:
        ++ended;
        break;
      default:
        break;
    }
  }
};

TEST(Drop, EachMessageComesOrIsToldInItsPlace) {
  Bench bench(table::WhenFull::drop);
  std::mt19937 random(2);
  Account account;
  std::map<std::uint32_t, std::vector<int>> sent;
  for (int i = 0; i < 3000; ++i) {
    const std::uint32_t source = random() % kSenders;
    const int tag = static_cast<int>(random() % 3);
    bench.send(source, 0, tag, random() % 60000);
    sent[source].push_back(tag);
    ASSERT_EQ(bench.move(), nullptr);
    // Now and then it receives for a while.
    for (int n = i % 100 < 40 ? 0 : 12; n > 0; --n) {
      if (const auto frame = bench.receive(0)) account.take(*frame);
    }
  }
  for (std::uint32_t source = 0; source < kSenders; ++source) bench.end(source, 0);
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(bench.move(), nullptr);
    while (const auto frame = bench.receive(0)) account.take(*frame);
  }
  EXPECT_EQ(account.ended, 2) << "the end of a sender is never left out";
  std::size_t missed = 0;
  for (const auto& [source, tags] : sent) {
    // By tag, as a run of missed messages is told by tag.
    for (int tag = 0; tag < 3; ++tag) {
      const auto has_tag = [tag](const auto& one) { return one.first == tag; };
      const auto& got = account.by_source[source];
      EXPECT_EQ(std::count_if(got.begin(), got.end(), has_tag), std::count(tags.begin(), tags.end(), tag));
    }
    for (const auto& [tag, came] : account.by_source[source]) missed += came ? 0 : 1;
  }
  EXPECT_GT(missed, 100U);
  EXPECT_GT(account.missed_bytes, missed * 1000);
  EXPECT_FALSE(bench.deliveries[0]->waits());
}

TEST(Drop, NoPartOfAMessageComesWithoutTheRest) {
  Bench bench(table::WhenFull::drop);
  // More than a rank's half of the queue: never begun, however much room there is.
  bench.send(0, 0, 1, 700000);
  bench.send(0, 0, 2, 10);
  ASSERT_EQ(bench.move(), nullptr);
  const auto first = bench.receive(0);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->header.kind, wire::FrameKind::messages_missed);
  EXPECT_EQ(first->header.extent, 700000U);
  EXPECT_EQ(count_of(*first), 1U);
  const auto second = bench.receive(0);
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->header.tag, 2);
  EXPECT_FALSE(bench.receive(0).has_value());
}

TEST(Drop, AMessageInManySmallPartsThatTurnsOutTooLongIsTakenBack) {
  Bench bench(table::WhenFull::drop);
  bench.send(0, 0, 1, 10000, 1);  // 64 bytes of room for each byte
  bench.send(0, 0, 2, 10);
  ASSERT_EQ(bench.move(), nullptr);
  auto frame = bench.receive(0);
  ASSERT_TRUE(frame.has_value());
  EXPECT_EQ(frame->header.kind, wire::FrameKind::message_start);
  std::optional<Frame> last;
  std::uint64_t missed = 0;
  for (int i = 0; i < 3; ++i, static_cast<void>(bench.move())) {
    while ((frame = bench.receive(0))) {
      if (frame->header.kind != wire::FrameKind::message_part) last = frame;
      missed += frame->header.kind == wire::FrameKind::messages_missed ? frame->header.extent : 0;
    }
  }
  ASSERT_TRUE(last.has_value());
  EXPECT_EQ(missed, 10000U + (last->header.kind == wire::FrameKind::messages_missed ? 10 : 0));
}

TEST(Drop, AFloodOfOneKindTakesNoRoom) {
  Bench bench(table::WhenFull::drop);
  constexpr int kMessages = 200000;
  for (int i = 0; i < kMessages; ++i) {
    bench.send(0, 0, 5, 40);
    if (i % 100 == 0) {
      ASSERT_EQ(bench.move(), nullptr);
    }
  }
  std::uint64_t told = 0;
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(bench.move(), nullptr);
    while (const auto frame = bench.receive(0)) {
      told += frame->header.kind == wire::FrameKind::messages_missed ? count_of(*frame) : 1;
    }
  }
  EXPECT_EQ(told, static_cast<std::uint64_t>(kMessages));
}

TEST(Drop, TooManyKindsAreSaid) {
  Bench bench(table::WhenFull::drop);
  const char* why = nullptr;
  for (int i = 0; why == nullptr && i < 40000; ++i) {
    bench.send(0, 0, i, 100);
    why = bench.move();
  }
  EXPECT_NE(why, nullptr);
}

}  // namespace
}  // namespace sluice::guard
