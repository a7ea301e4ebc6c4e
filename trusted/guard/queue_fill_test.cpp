#include "trusted/guard/queue_fill.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#include "wire/limits.hpp"

namespace sluice::guard {
namespace {

constexpr std::uint32_t kSegments = 19;  // no multiple of a step

/// How many of the first `segments` segments have all their pages.
std::uint32_t filled(const ring::SegmentPool& pool, std::uint32_t first, std::uint32_t end) {
  std::uint32_t count = 0;
  for (std::uint32_t segment = first; segment < end; ++segment) {
    std::vector<unsigned char> pages(wire::kSegmentBytes / wire::kPage);
    EXPECT_EQ(::mincore(pool.segment(segment), wire::kSegmentBytes, pages.data()), 0);
    const bool all = std::all_of(pages.begin(), pages.end(), [](unsigned char page) { return (page & 1) != 0; });
    count += all ? 1 : 0;
  }
  return count;
}

TEST(QueueFill, BothEndsMeet) {
  for (const std::uint32_t ahead : {0U, 1U, 7U, kSegments, kSegments + 3}) {
    auto pool = ring::SegmentPool::create(kSegments, 1);
    ASSERT_TRUE(pool);
    EXPECT_EQ(filled(*pool.value(), 0, kSegments), 0U) << "the control";
    QueueFill fill(*pool.value());
    for (std::uint32_t i = 0; i < ahead; ++i) {
      EXPECT_EQ(fill.from_end(), i < kSegments ? QueueFill::Step::more : QueueFill::Step::done);
    }
    const std::uint32_t there = std::min(ahead, kSegments);
    EXPECT_EQ(filled(*pool.value(), kSegments - there, kSegments), there);
    EXPECT_EQ(filled(*pool.value(), 0, kSegments), there);
    std::uint32_t steps = 0;
    while (fill.from_front() == QueueFill::Step::more) ASSERT_LE(++steps, kSegments);
    EXPECT_EQ(filled(*pool.value(), 0, kSegments), kSegments);
  }
}

TEST(QueueFill, WhoFillsAheadStopsWhenTheFrontHasBegun) {
  auto pool = ring::SegmentPool::create(kSegments, 1);
  ASSERT_TRUE(pool);
  QueueFill fill(*pool.value());
  EXPECT_EQ(fill.from_end(), QueueFill::Step::more);
  EXPECT_EQ(fill.from_front(), QueueFill::Step::more);
  EXPECT_EQ(fill.from_end(), QueueFill::Step::done);
  EXPECT_LT(filled(*pool.value(), 0, kSegments), kSegments);
}

}  // namespace
}  // namespace sluice::guard
