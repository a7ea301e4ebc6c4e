#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <random>
#include <thread>
#include <vector>

#include "trusted/ring/mailbox_reclaimer.hpp"
#include "trusted/ring/mailbox_writer.hpp"

namespace sluice::ring {
namespace {

std::vector<std::byte> bytes_of(std::size_t size, std::uint32_t seed) {
  std::vector<std::byte> bytes(size);
  std::mt19937 random(seed);
  for (auto& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

/// Reads a mailbox as a receiving rank does.
class Reader {
 public:
  Reader(const SegmentPool& pool, std::uint32_t segment, wire::InflowCursor& cursor)
      : pool_(pool), cursor_(cursor), segment_(segment) {}

  struct Frame {
    wire::FrameHeader header;
    std::vector<std::byte> payload;
  };

  std::optional<Frame> next() {
    for (;;) {
      const std::byte* place = pool_.segment(segment_) + offset_;
      const auto kind = static_cast<wire::FrameKind>(
          __atomic_load_n(reinterpret_cast<const std::uint32_t*>(place), __ATOMIC_ACQUIRE));
      if (kind == wire::FrameKind::none) return std::nullopt;
      Frame frame;
      std::memcpy(&frame.header, place, sizeof frame.header);
      if (kind == wire::FrameKind::next_segment) {
        segment_ = frame.header.endpoint;
        offset_ = 0;
        cursor_.segments_released.fetch_add(1, std::memory_order_release);
        continue;
      }
      frame.payload.assign(place + sizeof frame.header, place + sizeof frame.header + frame.header.payload);
      offset_ += wire::frame_stride(frame.header.payload);
      return frame;
    }
  }

 private:
  const SegmentPool& pool_;
  wire::InflowCursor& cursor_;
  std::uint32_t segment_;
  std::uint32_t offset_ = 0;
};

struct Mailbox {
  explicit Mailbox(std::uint32_t segments)
      : pool(std::move(SegmentPool::create(segments, 1)).value()),
        spare(wire::kSegmentBytes),
        writer(*pool, 0, spare.data(), progress),
        reclaimer(*pool, 0, progress),
        reader(*pool, 0, cursor) {}
  std::unique_ptr<SegmentPool> pool;
  std::vector<std::byte> spare;
  MailboxProgress progress;
  wire::InflowCursor cursor{};
  MailboxWriter writer;
  MailboxReclaimer reclaimer;
  Reader reader;
};

Envelope envelope(std::uint32_t source, std::int32_t tag, std::uint64_t extent) {
  return {.kind = wire::FrameKind::message_start, .source = source, .context = 1, .tag = tag, .extent = extent};
}

TEST(Mailbox, EveryFrameArrivesWholeAndInOrderThroughManyReuses) {
  Mailbox mailbox(4);
  std::mt19937 random(1);
  for (std::uint32_t i = 0; i < 5'000; ++i) {
    // Old payload bytes look like headers, so that taking stale memory for a frame would show.
    auto payload = bytes_of(random() % (wire::kMaxFragmentBytes + 1), i);
    if (i % 3 == 0) std::fill(payload.begin(), payload.end(), std::byte{1});
    ASSERT_TRUE(mailbox.writer.put(envelope(i, static_cast<std::int32_t>(i), payload.size()), payload));
    const auto frame = mailbox.reader.next();
    ASSERT_TRUE(frame.has_value());
    ASSERT_EQ(frame->header.endpoint, i);
    ASSERT_EQ(frame->header.tag, static_cast<std::int32_t>(i));
    ASSERT_EQ(frame->payload, payload);
    ASSERT_FALSE(mailbox.reader.next().has_value()) << "a frame that nobody wrote";
    ASSERT_TRUE(mailbox.reclaimer.reclaim(mailbox.cursor).ok());
  }
}

TEST(Mailbox, RandomBurstsAgainstAModel) {
  Mailbox mailbox(16);
  std::mt19937 random(2);
  std::deque<std::vector<std::byte>> model;
  for (int step = 0; step < 20'000; ++step) {
    if (random() % 2 == 0 && model.size() < 60) {
      model.push_back(bytes_of(random() % 20'000 % wire::kMaxFragmentBytes, static_cast<std::uint32_t>(random())));
      ASSERT_TRUE(mailbox.writer.put(envelope(0, 0, model.back().size()), model.back()));
    } else if (auto frame = mailbox.reader.next()) {
      ASSERT_FALSE(model.empty());
      ASSERT_EQ(frame->payload, model.front());
      model.pop_front();
      ASSERT_TRUE(mailbox.reclaimer.reclaim(mailbox.cursor).ok());
    } else {
      ASSERT_TRUE(model.empty()) << "a frame was lost";
    }
  }
}

TEST(Mailbox, FullQuotaBreaksTheFlowForGoodAndNeverTouchesWhatIsThere) {
  Mailbox mailbox(3);
  const auto payload = bytes_of(wire::kMaxFragmentBytes, 9);
  std::uint32_t accepted = 0;
  while (mailbox.writer.put(envelope(accepted, 0, payload.size()), payload)) ++accepted;
  EXPECT_GT(accepted, 3 * (wire::kSegmentBytes / wire::frame_stride(wire::kMaxFragmentBytes) - 1) - 1);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(mailbox.writer.put(envelope(77, 0, payload.size()), payload));
  for (std::uint32_t i = 0; i < accepted; ++i) {
    const auto frame = mailbox.reader.next();
    ASSERT_TRUE(frame.has_value());
    EXPECT_EQ(frame->header.endpoint, i);
    EXPECT_EQ(frame->payload, payload);
  }
  EXPECT_FALSE(mailbox.reader.next().has_value()) << "a frame of the broken flow became visible";
  // Room that comes too late does not mend it: the receiver would miss frames without knowing.
  ASSERT_TRUE(mailbox.reclaimer.reclaim(mailbox.cursor).ok());
  EXPECT_FALSE(mailbox.writer.put(envelope(78, 0, 0), {}));
}

TEST(Mailbox, AHostileCursorIsNamedAndGivesNothingBack) {
  Mailbox mailbox(8);
  const auto payload = bytes_of(wire::kMaxFragmentBytes, 3);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(mailbox.writer.put(envelope(0, 0, payload.size()), payload));
  const auto in_use = mailbox.pool->in_use();
  ASSERT_GE(in_use, 2U);

  mailbox.cursor.segments_released = in_use + 1;
  auto ahead = mailbox.reclaimer.reclaim(mailbox.cursor);
  ASSERT_FALSE(ahead.ok());
  EXPECT_EQ(ahead.error(), CursorFault::ahead);
  mailbox.cursor.segments_released = ~std::uint64_t{0};
  EXPECT_FALSE(mailbox.reclaimer.reclaim(mailbox.cursor).ok());
  EXPECT_EQ(mailbox.pool->in_use(), in_use);

  mailbox.cursor.segments_released = 2;
  auto honest = mailbox.reclaimer.reclaim(mailbox.cursor);
  ASSERT_TRUE(honest.ok()) << "positive control: an honest cursor is accepted";
  EXPECT_EQ(honest.value(), 2U);
  mailbox.cursor.segments_released = 1;
  auto backwards = mailbox.reclaimer.reclaim(mailbox.cursor);
  ASSERT_FALSE(backwards.ok());
  EXPECT_EQ(backwards.error(), CursorFault::backwards);
}

TEST(Mailbox, WriterReaderAndReclaimerMayRunAtTheSameTime) {
  Mailbox mailbox(6);
  constexpr std::uint32_t kFrames = 30'000;
  std::atomic<std::uint32_t> read{0};
  std::thread receiver([&] {
    std::uint32_t expected = 0;
    while (expected < kFrames) {
      const auto frame = mailbox.reader.next();
      if (!frame) {
        std::this_thread::yield();
        continue;
      }
      ASSERT_EQ(frame->header.endpoint, expected);
      ASSERT_EQ(frame->payload.size(), expected % 3'000);
      for (const std::byte byte : frame->payload) ASSERT_EQ(byte, static_cast<std::byte>(expected));
      read.store(++expected, std::memory_order_release);
    }
  });
  std::thread egress([&] {
    while (read.load(std::memory_order_acquire) < kFrames) {
      ASSERT_TRUE(mailbox.reclaimer.reclaim(mailbox.cursor).ok());
      std::this_thread::yield();
    }
  });
  std::vector<std::byte> payload(3'000);
  for (std::uint32_t i = 0; i < kFrames; ++i) {
    // Stay well inside the quota: this test is about order, not about fullness.
    while (i - read.load(std::memory_order_acquire) > 100 || mailbox.pool->in_use() >= 4) std::this_thread::yield();
    std::fill(payload.begin(), payload.end(), static_cast<std::byte>(i));
    ASSERT_TRUE(mailbox.writer.put(envelope(i, 0, 0), {payload.data(), i % 3'000}));
  }
  receiver.join();
  egress.join();
}

}  // namespace
}  // namespace sluice::ring
