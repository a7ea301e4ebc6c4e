#include "trusted/launcher/line_queue.hpp"

#include <gtest/gtest.h>

namespace sluice::launcher {
namespace {

TEST(LineQueue, DropsAndCountsWhatDoesNotFit) {
  LineQueue queue(10);
  queue.push(Stream::out, "12345");
  queue.push(Stream::err, "1234567");
  queue.push(Stream::out, "12345");
  const auto taken = queue.take();
  ASSERT_EQ(taken.pieces.size(), 2U);
  EXPECT_EQ(taken.dropped, 1U);
  queue.push(Stream::err, "1234567");
  EXPECT_EQ(queue.take().pieces.size(), 1U);
}

TEST(LineQueue, WaitEndsWithTheQueue) {
  LineQueue queue(10);
  queue.push(Stream::out, "x");
  queue.close();
  const auto taken = queue.wait();
  EXPECT_TRUE(taken.closed);
  EXPECT_EQ(taken.pieces.size(), 1U);
}

}  // namespace
}  // namespace sluice::launcher
