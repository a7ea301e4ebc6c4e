#include "trusted/ring/segment_pool.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <random>
#include <set>
#include <thread>

namespace sluice::ring {
namespace {

constexpr std::uint32_t kSegments = 8;
constexpr std::uint32_t kReceivers = 2;

std::unique_ptr<SegmentPool> make_pool(std::uint32_t segments = kSegments, std::uint32_t receivers = kReceivers) {
  auto pool = SegmentPool::create(segments, receivers);
  EXPECT_TRUE(pool.ok());
  return std::move(pool).value();
}

TEST(SegmentPool, HandsOutEachSegmentOnceUntilTheQuotaIsUsedUp) {
  const auto pool = make_pool();
  std::set<std::uint32_t> taken;
  for (std::uint32_t i = kReceivers; i < kSegments; ++i) {
    const auto segment = pool->take();
    ASSERT_TRUE(segment.has_value());
    EXPECT_GE(*segment, kReceivers) << "a receiver's first segment was handed out";
    EXPECT_TRUE(taken.insert(*segment).second) << "segment handed out twice";
  }
  EXPECT_FALSE(pool->take().has_value());
  EXPECT_EQ(pool->in_use(), kSegments - kReceivers);
}

TEST(SegmentPool, ReusesAGivenBackSegmentFirst) {
  const auto pool = make_pool();
  const auto first = pool->take();
  ASSERT_TRUE(first.has_value());
  pool->give_back(*first);
  EXPECT_EQ(pool->take(), first);
  pool->give_back(0);
  EXPECT_EQ(pool->take(), 0U);
}

TEST(SegmentPool, NeverHandsOutASegmentThatIsInUseWhateverTheOrder) {
  const auto pool = make_pool(64, 4);
  std::mt19937 random(7);
  std::set<std::uint32_t> in_use = {0, 1, 2, 3};
  for (int step = 0; step < 200'000; ++step) {
    if (random() % 2 == 0) {
      const auto segment = pool->take();
      ASSERT_EQ(segment.has_value(), in_use.size() < 64);
      if (segment) {
        ASSERT_TRUE(in_use.insert(*segment).second) << "segment " << *segment << " is in use";
      }
    } else if (!in_use.empty()) {
      const auto victim = std::next(in_use.begin(), static_cast<long>(random() % in_use.size()));
      pool->give_back(*victim);
      in_use.erase(victim);
    }
  }
}

TEST(SegmentPool, IngressAndEgressMayRunAtTheSameTime) {
  const auto pool = make_pool(16, 1);
  constexpr int kRounds = 100'000;
  // The value of a segment's first word travels with it: a lost or doubled segment breaks the count.
  std::atomic<std::uint64_t> handed{0};
  std::atomic<std::uint32_t> slots[kRounds];
  std::thread egress([&] {
    for (int i = 0; i < kRounds; ++i) {
      while (handed.load(std::memory_order_acquire) <= static_cast<std::uint64_t>(i)) std::this_thread::yield();
      pool->give_back(slots[i].load(std::memory_order_relaxed));
    }
  });
  for (int i = 0; i < kRounds; ++i) {
    auto segment = pool->take();
    while (!segment) {
      std::this_thread::yield();
      segment = pool->take();
    }
    slots[i].store(*segment, std::memory_order_relaxed);
    handed.fetch_add(1, std::memory_order_release);
  }
  egress.join();
  EXPECT_EQ(pool->in_use(), 0U);
}

TEST(SegmentPool, ReceiverDescriptorCannotBecomeWritable) {
  const auto pool = make_pool();
  const int fd = pool->receiver_fd().get();
  const std::size_t bytes = std::size_t{kSegments} * wire::kSegmentBytes;
  EXPECT_NE(::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd, 0), MAP_FAILED) << "positive control: reading works";
  EXPECT_EQ(::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  const int reopened = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (reopened >= 0) {
    EXPECT_EQ(::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, reopened, 0), MAP_FAILED);
    EXPECT_EQ(::pwrite(reopened, "x", 1, 0), -1);
    EXPECT_NE(::fallocate(reopened, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), 0);
    EXPECT_NE(::ftruncate(reopened, 0), 0);
    ::close(reopened);
  }
}

}  // namespace
}  // namespace sluice::ring
