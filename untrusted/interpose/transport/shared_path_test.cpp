// The receiver's end of a shared path: order across ring and relay, and senders that write what they like.
#include "untrusted/interpose/transport/shared_path.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "untrusted/interpose/transport/incoming_testing.hpp"

namespace sluice::interpose {
namespace {

using testing::IncomingTest;
using testing::kContext;

/// One ring, and what its reader writes.
struct PairMemory {
  PairMemory() : ring(static_cast<std::byte*>(std::calloc(1, wire::kSharedRingBytes))) {}
  ~PairMemory() { std::free(ring); }
  PairMemory(const PairMemory&) = delete;
  PairMemory& operator=(const PairMemory&) = delete;
  wire::TransmitControl control{};
  std::byte* ring;
};

/// Rank 0 has a shared path to rank 2; rank 1 has none.
class SharedPathTest : private PairMemory, public IncomingTest {
 protected:
  SharedPathTest() : IncomingTest({{ring::TransmitReader(&control, ring), 0}}) {}

  void in_ring(wire::FrameKind kind, int tag, std::uint64_t extent, const std::string& bytes,
               std::uint64_t context = kContext) {
    ASSERT_TRUE(writer_.has_room(static_cast<std::uint32_t>(bytes.size())));
    writer_.put({kind, static_cast<std::uint32_t>(bytes.size()), 77, tag, context, extent}, bytes.data());
  }
  void ring_message(int tag, const std::string& bytes) {
    in_ring(wire::FrameKind::message_start, tag, bytes.size(), bytes);
  }
  void leave_ring() {
    in_ring(wire::FrameKind::message_start, static_cast<int>(wire::PathNote::by_relay), 0, "", wire::kPathChannel);
  }
  void note(wire::PathNote what, std::uint64_t extent = 0, const std::string& bytes = "") {
    on(Channel::path, 0);
    put(wire::FrameKind::message_start, 0, static_cast<int>(what), extent, bytes);
    on(Channel::point_to_point);
  }

  TransmitRing writer_{&control, ring};
};

TEST_F(SharedPathTest, RingReachesTheReceiveWithItsTrueSource) {
  const Receive& posted = receive(kAnySource, 4);
  ring_message(4, "ring");
  EXPECT_TRUE(incoming_.mail_waits());
  EXPECT_TRUE(incoming_.drain(8));
  EXPECT_EQ(text(posted), "ring");
  EXPECT_EQ(posted.matched.source, 0);
  EXPECT_TRUE(writer_.empty());
}

TEST_F(SharedPathTest, WhatNobodyWaitsForStaysInTheRing) {
  const Receive& awaited = receive(0, 1);
  ring_message(1, "a");
  ring_message(1, "b");
  EXPECT_TRUE(incoming_.drain(8));
  EXPECT_EQ(text(awaited), "a");
  EXPECT_EQ(incoming_.find({kContext, kAnySource, kAnyTag}), nullptr) << "nothing was copied to the heap";
  const Receive& later = receive(0, 1);
  EXPECT_TRUE(incoming_.drain(8));
  EXPECT_EQ(text(later), "b");
}

TEST_F(SharedPathTest, RelayComesAfterWhatWasInTheRingBefore) {
  ring_message(1, "a");
  ring_message(1, "b");
  leave_ring();
  message(0, 1, "c");
  note(wire::PathNote::by_ring);
  ring_message(1, "d");
  incoming_.drain(1);  // one from the ring, and one from the mailbox, before which the rest of the ring must come
  incoming_.drain(8);
  incoming_.drain(8);
  for (const char* expected : {"a", "b", "c", "d"}) EXPECT_EQ(text(receive(0, 1)), expected);
}

TEST_F(SharedPathTest, RestOfAMessageComesByRelay) {
  const Receive& posted = receive(0, 1);
  in_ring(wire::FrameKind::message_start, 1, 7, "abc");
  leave_ring();
  note(wire::PathNote::rest, 4, "de");
  put(wire::FrameKind::message_part, 0, 0, 2, "fg");
  incoming_.drain(8);
  EXPECT_EQ(posted.outcome, Outcome::complete);
  EXPECT_EQ(text(posted), "abcdefg");
}

TEST_F(SharedPathTest, WakeInTheMiddleOfAMessageChangesNothing) {
  const Receive& posted = receive(0, 1);
  in_ring(wire::FrameKind::message_start, 1, 6, "abc");
  incoming_.drain(8);
  note(wire::PathNote::wake);
  incoming_.drain(8);
  in_ring(wire::FrameKind::message_part, 0, 3, "def");
  incoming_.drain(8);
  EXPECT_EQ(text(posted), "abcdef");
}

TEST_F(SharedPathTest, AcknowledgementInTheMiddleOfAMessageChangesNothing) {
  const Receive& posted = receive(0, 1);
  in_ring(wire::FrameKind::message_start, 1, 6, "abc");
  incoming_.drain(8);
  on(Channel::acknowledgement, 3);
  put(wire::FrameKind::message_start, 0, 0, 0, "");
  incoming_.drain(8);
  in_ring(wire::FrameKind::message_part, 0, 3, "def");
  incoming_.drain(8);
  EXPECT_EQ(text(posted), "abcdef");
  ASSERT_EQ(incoming_.acknowledged().size(), 1U);
  EXPECT_EQ(incoming_.acknowledged()[0].number, 3U);
}

TEST_F(SharedPathTest, EndOfTheSenderComesAfterItsMessages) {
  ring_message(1, "last");
  const Receive& cut = receive(0, 2);
  in_ring(wire::FrameKind::message_start, 2, 6, "abc");
  put(wire::FrameKind::sender_ended, 0, 0, 0, "");
  incoming_.drain(1);
  EXPECT_EQ(text(receive(0, 1)), "last");
  EXPECT_EQ(cut.outcome, Outcome::source_ended);
  EXPECT_TRUE(incoming_.ended(0));
}

TEST_F(SharedPathTest, BrokenFramesEndTheirSenderAndNobodyElse) {
  const Receive& from_broken = receive(0, 1);
  const Receive& from_other = receive(1, 1);
  in_ring(wire::FrameKind::message_part, 1, 3, "part of nothing");
  incoming_.drain(8);
  EXPECT_EQ(from_broken.outcome, Outcome::source_ended);
  ring_message(1, "never read");
  message(1, 1, "well");
  incoming_.drain(8);
  EXPECT_EQ(text(from_other), "well");
  EXPECT_EQ(incoming_.fault(), nullptr);
  EXPECT_FALSE(incoming_.mail_waits());
}

TEST_F(SharedPathTest, MoreThanWasAnnouncedEndsTheSender) {
  const Receive& posted = receive(0, 1, 4);
  in_ring(wire::FrameKind::message_start, 1, 2, "more than two");
  incoming_.drain(8);
  EXPECT_EQ(posted.outcome, Outcome::source_ended);
  EXPECT_EQ(incoming_.fault(), nullptr);
}

TEST_F(SharedPathTest, RestOfNothingIsForNobody) {
  note(wire::PathNote::rest, 6, "abc");
  put(wire::FrameKind::message_part, 0, 0, 3, "def");
  message(0, 1, "next");
  incoming_.drain(8);
  EXPECT_EQ(incoming_.fault(), nullptr);
  EXPECT_EQ(text(receive(0, kAnyTag)), "next");
}

TEST_F(SharedPathTest, RelayedMessageInsideAnOpenOneCutsIt) {
  const Receive& first = receive(0, 1);
  in_ring(wire::FrameKind::message_start, 1, 6, "abc");
  incoming_.drain(8);
  message(0, 2, "second");
  incoming_.drain(8);
  EXPECT_EQ(first.outcome, Outcome::source_ended);
  EXPECT_EQ(text(receive(0, 2)), "second");
  EXPECT_EQ(incoming_.fault(), nullptr);
}

}  // namespace
}  // namespace sluice::interpose
