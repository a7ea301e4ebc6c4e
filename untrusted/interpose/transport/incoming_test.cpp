#include "untrusted/interpose/transport/incoming.hpp"

#include <gtest/gtest.h>

#include <string>

#include "untrusted/interpose/transport/incoming_testing.hpp"

namespace sluice::interpose {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)

TEST_F(IncomingTest, PostedReceivesMatchInTheirOrder) {
  const Receive& any = receive(kAnySource, kAnyTag);
  const Receive& first = receive(0, 5);
  message(0, 5, "one");
  message(0, 5, "two");
  EXPECT_TRUE(incoming_.drain(10));
  EXPECT_EQ(text(any), "one");
  EXPECT_EQ(text(first), "two");
  EXPECT_EQ(any.matched.source, 0);
  EXPECT_EQ(any.matched.tag, 5);
}

TEST_F(IncomingTest, UnexpectedMessagesMatchInTheirOrder) {
  message(0, 1, "a");
  message(1, 2, "b");
  message(0, 2, "c");
  drain_all();
  EXPECT_EQ(text(receive(0, 2)), "c");
  EXPECT_EQ(text(receive(kAnySource, kAnyTag)), "a");
  EXPECT_EQ(text(receive(1, kAnyTag)), "b");
  EXPECT_EQ(incoming_.find({kContext, kAnySource, kAnyTag}), nullptr);
}

TEST_F(IncomingTest, OtherTagsSourcesAndContextsDoNotMatch) {
  message(0, 1, "a");
  drain_all();
  EXPECT_EQ(incoming_.find({kContext, 0, 2}), nullptr);
  EXPECT_EQ(incoming_.find({kContext, 1, 1}), nullptr);
  EXPECT_EQ(incoming_.find({kContext + 1, 0, 1}), nullptr);
  EXPECT_NE(incoming_.find({kContext, 0, 1}), nullptr);
}

TEST_F(IncomingTest, AMailboxIsLeftAtWhatNobodyWaitsFor) {
  const Receive& awaited = receive(0, 1);
  message(0, 1, "a");
  message(0, 2, "b");
  message(0, 1, "c");
  EXPECT_TRUE(incoming_.drain(10, true));
  EXPECT_EQ(text(awaited), "a");
  EXPECT_FALSE(incoming_.drain(10, true));
  EXPECT_EQ(incoming_.find({kContext, kAnySource, kAnyTag}), nullptr) << "nothing was copied to the heap";
  const Receive& later = receive(0, 2);
  EXPECT_TRUE(incoming_.drain(10, true));
  EXPECT_EQ(text(later), "b");
  drain_all();
  EXPECT_EQ(text(receive(0, 1)), "c");
}

TEST_F(IncomingTest, WhatNeedsNoReceiveIsTakenFromAMailboxThatIsLeft) {
  const Receive& awaited = receive(0, 1);
  put(wire::FrameKind::message_start, 0, 1, 4, "ab");
  put(wire::FrameKind::message_part, 0, 1, 2, "cd");
  put(wire::FrameKind::sender_ended, 1, 0, 0, "");
  on(Channel::acknowledgement, 7);
  message(0, 0, "");
  while (incoming_.drain(10, true)) continue;
  EXPECT_EQ(text(awaited), "abcd");
  EXPECT_TRUE(incoming_.ended(1));
  EXPECT_EQ(incoming_.acknowledged().size(), 1U);
}

TEST_F(IncomingTest, FragmentsOfTwoSendersInterleave) {
  const Receive& zero = receive(0, 1);
  const Receive& one = receive(1, 1);
  put(wire::FrameKind::message_start, 0, 1, 6, "abc");
  put(wire::FrameKind::message_start, 1, 1, 4, "xy");
  put(wire::FrameKind::message_part, 0, 1, 3, "def");
  drain_all();
  EXPECT_EQ(zero.outcome, Outcome::complete);
  EXPECT_EQ(one.outcome, Outcome::pending);
  put(wire::FrameKind::message_part, 1, 1, 2, "zz");
  drain_all();
  EXPECT_EQ(text(zero), "abcdef");
  EXPECT_EQ(text(one), "xyzz");
}

TEST_F(IncomingTest, ReceiveTakesOverAMessageThatIsStillArriving) {
  put(wire::FrameKind::message_start, 0, 1, 6, "abc");
  drain_all();
  const Receive& late = receive(0, 1);
  EXPECT_EQ(late.outcome, Outcome::pending);
  put(wire::FrameKind::message_part, 0, 1, 3, "def");
  drain_all();
  EXPECT_EQ(late.outcome, Outcome::complete);
  EXPECT_EQ(text(late), "abcdef");
}

TEST_F(IncomingTest, LongMessageIsTruncatedAndNothingElseTouched) {
  const Receive& small = receive(0, 1, 2);
  message(0, 1, "abcdef");
  message(0, 1, "next");
  drain_all();
  EXPECT_EQ(small.outcome, Outcome::truncated);
  EXPECT_EQ(text(small), "ab");
  EXPECT_EQ(text(receive(0, 1)), "next");
}

TEST_F(IncomingTest, EmptyMessageIsAMessage) {
  message(1, 9, "");
  drain_all();
  const Receive& empty = receive(kAnySource, 9);
  EXPECT_EQ(empty.outcome, Outcome::complete);
  EXPECT_EQ(empty.length, 0U);
}

TEST_F(IncomingTest, SegmentsAreReleasedWhenLeft) {
  const std::string big(wire::kMaxFragmentBytes, 'q');
  for (int i = 0; i < 40; ++i) {
    message(0, i, big);
    drain_all();
    const Receive& got = receive(0, i, big.size());
    ASSERT_EQ(text(got), big);
  }
  EXPECT_EQ(cursor_.segments_released.load(), 5U);  // 7 such frames fit into a segment
  EXPECT_EQ(incoming_.fault(), nullptr);
}

TEST_F(IncomingTest, EndOfASenderEndsWhatOnlyItCouldComplete) {
  message(0, 1, "last");
  const Receive& pending = receive(0, 2);
  const Receive& other = receive(1, 2);
  const Receive& any = receive(kAnySource, 2);
  put(wire::FrameKind::sender_ended, 0, 0, 0, "");
  drain_all();
  EXPECT_EQ(pending.outcome, Outcome::source_ended);
  EXPECT_EQ(other.outcome, Outcome::pending);
  EXPECT_EQ(any.outcome, Outcome::pending);
  EXPECT_EQ(text(receive(0, 1)), "last");
  EXPECT_EQ(receive(0, 1).outcome, Outcome::source_ended);
  put(wire::FrameKind::sender_ended, 1, 0, 0, "");
  drain_all();
  EXPECT_EQ(other.outcome, Outcome::source_ended);
  EXPECT_EQ(any.outcome, Outcome::source_ended);
}

TEST_F(IncomingTest, WildcardWaitsForThoseWhoMaySend) {
  put(wire::FrameKind::sender_ended, 0, 0, 0, "");
  drain_all();
  anyone_.senders = {0};
  EXPECT_EQ(receive(kAnySource, 1).outcome, Outcome::source_ended);
  anyone_.local_peers = true;
  EXPECT_EQ(receive(kAnySource, 1).outcome, Outcome::pending);
}

TEST_F(IncomingTest, MessageCutShortEndsItsReceive) {
  const Receive& posted = receive(0, 1);
  put(wire::FrameKind::message_start, 0, 1, 6, "abc");
  put(wire::FrameKind::sender_ended, 0, 0, 1, "");
  put(wire::FrameKind::message_start, 1, 1, 6, "abc");
  put(wire::FrameKind::sender_ended, 1, 0, 1, "");
  drain_all();
  EXPECT_EQ(posted.outcome, Outcome::source_ended);
  EXPECT_EQ(receive(1, 1).outcome, Outcome::source_ended);
}

TEST_F(IncomingTest, OfAMessageCutShortTheSenderIsKnown) {
  const Receive& any = receive(kAnySource, 1);
  put(wire::FrameKind::message_start, 1, 1, 6, "abc");
  put(wire::FrameKind::sender_ended, 1, 0, 1, "");
  message(0, 1, "on");
  drain_all();
  EXPECT_EQ(any.outcome, Outcome::source_ended);
  EXPECT_EQ(any.matched.source, 1) << "the receive failed for rank 1 alone: rank 0 goes on";
  EXPECT_EQ(text(receive(kAnySource, 1)), "on");
  put(wire::FrameKind::sender_ended, 0, 0, 0, "");
  drain_all();
  EXPECT_EQ(receive(kAnySource, 1).matched.source, kAnySource) << "nobody is left";
}

TEST_F(IncomingTest, WithdrawnReceiveTakesNothing) {
  Receive& gone = receive(0, 1);
  EXPECT_TRUE(incoming_.withdraw(gone));
  message(0, 1, "kept");
  drain_all();
  EXPECT_EQ(gone.outcome, Outcome::pending);
  EXPECT_EQ(text(receive(0, 1)), "kept");
  EXPECT_FALSE(incoming_.withdraw(gone));
}

TEST_F(IncomingTest, StagedReceiveCollectsItsBytes) {
  Receive& staged = receive(0, 1, 4);
  staged.staged = true;
  message(0, 1, "abcdef");
  drain_all();
  EXPECT_EQ(staged.outcome, Outcome::truncated);
  EXPECT_EQ(text(staged), "abcd");
}

TEST_F(IncomingTest, WhatTheGuardNeverWritesIsAFault) {
  put(wire::FrameKind::message_part, 0, 1, 0, "abc");
  drain_all();
  EXPECT_STREQ(incoming_.fault(), "a fragment of no message");
}

TEST_F(IncomingTest, RankBehindAnotherFlowIsAFault) {
  message(2, 1, "abc");
  drain_all();
  EXPECT_STREQ(incoming_.fault(), "a message of a rank behind another flow");
}

TEST_F(IncomingTest, LinkOutOfTheMemoryIsAFault) {
  put(wire::FrameKind::next_segment, kSegments, 0, 0, "");
  drain_all();
  EXPECT_STREQ(incoming_.fault(), "a link leads to no segment");
}

TEST_F(IncomingTest, SynchronousMessagesAreOwedAnAcknowledgementOnceMatched) {
  receive(0, 7);
  on(Channel::synchronous);
  message(0, 7, "posted");
  message(0, 8, "unexpected");
  on(Channel::point_to_point);
  message(0, 8, "plain");
  drain_all();
  ASSERT_EQ(incoming_.owed().size(), 1U);
  EXPECT_EQ(incoming_.owed()[0].rank, 0);
  EXPECT_EQ(incoming_.owed()[0].number, 1U);
  EXPECT_EQ(text(receive(0, 8)), "unexpected");
  ASSERT_EQ(incoming_.owed().size(), 2U);
  EXPECT_EQ(incoming_.owed()[1].number, 2U);
  EXPECT_EQ(text(receive(0, 8)), "plain");
  EXPECT_EQ(incoming_.owed().size(), 2U);
}

TEST_F(IncomingTest, AnAcknowledgementIsNoMessageEvenWithBytes) {
  receive(kAnySource, kAnyTag);
  on(Channel::acknowledgement, 41);
  message(1, 0, "");
  message(1, 0, "bytes that nobody asked for");
  drain_all();
  EXPECT_EQ(incoming_.fault(), nullptr);
  EXPECT_TRUE(incoming_.finished().empty());
  ASSERT_EQ(incoming_.acknowledged().size(), 2U);
  EXPECT_EQ(incoming_.acknowledged()[0].rank, 1);
  EXPECT_EQ(incoming_.acknowledged()[0].number, 41U);
}

TEST_F(IncomingTest, AClaimedMessageIsOutOfSightAndGoesOnArriving) {
  put(wire::FrameKind::message_start, 0, 5, 6, "abc");
  incoming_.drain(1);
  Unexpected* claimed = incoming_.claim({kContext, kAnySource, 5});
  ASSERT_NE(claimed, nullptr);
  EXPECT_EQ(incoming_.find({kContext, 0, 5}), nullptr);
  put(wire::FrameKind::message_part, 0, 5, 3, "d");
  incoming_.drain(1);
  std::string buffer(16, '.');
  Receive taker;
  taker.buffer = reinterpret_cast<std::byte*>(buffer.data());
  taker.capacity = buffer.size();
  incoming_.receive_claimed(*claimed, taker);
  EXPECT_TRUE(incoming_.finished().empty());
  put(wire::FrameKind::message_part, 0, 5, 4, "ef");
  incoming_.drain(1);
  EXPECT_EQ(incoming_.finished().pop_front(), &taker);
  EXPECT_EQ(taker.outcome, Outcome::complete);
  EXPECT_EQ(text(taker), "abcdef");
}

/// The payload of a report of `count` missed messages.
std::string number(std::uint64_t count) {
  std::string bytes(sizeof count, '\0');
  std::memcpy(bytes.data(), &count, sizeof count);
  return bytes;
}

TEST_F(IncomingTest, AMissedMessageTakesThePlaceOfTheReceiveThatItWouldHaveMatched) {
  const Receive& other = receive(0, 1);
  const Receive& first = receive(kAnySource, 5);
  const Receive& second = receive(0, 5);
  put(wire::FrameKind::messages_missed, 0, 5, 70, number(1));
  message(0, 5, "b");
  drain_all();
  EXPECT_EQ(first.outcome, Outcome::missed);
  EXPECT_EQ(first.matched.source, 0);
  EXPECT_EQ(first.matched.tag, 5);
  EXPECT_EQ(text(second), "b");
  EXPECT_EQ(other.outcome, Outcome::pending);
  EXPECT_EQ(incoming_.missed(0).messages, 1U);
  EXPECT_EQ(incoming_.missed(0).bytes, 70U);
  EXPECT_EQ(incoming_.missed(1).messages, 0U);
}

TEST_F(IncomingTest, MissedMessagesWaitForReceivesOneByOne) {
  message(0, 5, "a");
  const Receive& posted = receive(0, 6);
  put(wire::FrameKind::messages_missed, 0, 6, 300, number(3));
  message(0, 6, "b");
  put(wire::FrameKind::sender_ended, 0, 0, 0, {});
  drain_all();
  EXPECT_EQ(posted.outcome, Outcome::missed);
  const Unexpected* probed = incoming_.find({kContext, 0, 6});
  ASSERT_NE(probed, nullptr);
  EXPECT_EQ(probed->extent, 0U);
  Unexpected* claimed = incoming_.claim({kContext, kAnySource, 6});
  ASSERT_NE(claimed, nullptr);
  EXPECT_EQ(receive(0, 6).outcome, Outcome::missed);
  EXPECT_EQ(text(receive(0, 6)), "b");
  EXPECT_EQ(receive(0, 6).outcome, Outcome::source_ended);
  EXPECT_EQ(text(receive(0, kAnyTag)), "a");
  Receive taker;
  incoming_.receive_claimed(*claimed, taker);
  EXPECT_EQ(taker.outcome, Outcome::missed);
  EXPECT_EQ(taker.length, 0U);
  EXPECT_EQ(incoming_.missed(0).messages, 3U);
}

TEST_F(IncomingTest, AMessageThatIsTakenBackIsMissedAsAWhole) {
  const Receive& posted = receive(0, 5);
  put(wire::FrameKind::message_start, 0, 5, 6, "abc");
  put(wire::FrameKind::message_start, 1, 5, 6, "abc");
  put(wire::FrameKind::messages_missed, 0, 5, 6, number(1));
  put(wire::FrameKind::messages_missed, 1, 5, 12, number(2));
  message(0, 5, "x");
  drain_all();
  EXPECT_EQ(posted.outcome, Outcome::missed);
  EXPECT_EQ(posted.length, 0U);
  EXPECT_EQ(text(receive(0, 5)), "x");
  EXPECT_EQ(receive(1, 5).outcome, Outcome::missed);
  EXPECT_EQ(receive(1, 5).outcome, Outcome::missed);
  EXPECT_EQ(receive(1, 5).outcome, Outcome::pending);
  EXPECT_EQ(incoming_.fault(), nullptr);
}

TEST_F(IncomingTest, AMissedSynchronousMessageIsAcknowledgedWhenItIsMatched) {
  on(Channel::synchronous);
  put(wire::FrameKind::messages_missed, 0, 5, 8, number(2));
  message(0, 5, "c");
  drain_all();
  EXPECT_TRUE(incoming_.owed().empty());
  for (std::uint64_t i = 1; i <= 3; ++i) {
    receive(0, 5);
    ASSERT_EQ(incoming_.owed().size(), i);
    EXPECT_EQ(incoming_.owed().back().number, i);
  }
}

TEST_F(IncomingTest, WhatOnlyThisRankCanCompleteEndsWhenItWaits) {
  Receive& own = receive(kAnySource, 1);
  own.self_may_send = true;
  const Receive& other = receive(kAnySource, 2);
  EXPECT_FALSE(incoming_.give_up_on_self());
  put(wire::FrameKind::sender_ended, 0, 0, 0, "");
  drain_all();
  EXPECT_FALSE(incoming_.give_up_on_self()) << "rank 1 may still send";
  put(wire::FrameKind::sender_ended, 1, 0, 0, "");
  drain_all();
  EXPECT_EQ(other.outcome, Outcome::source_ended);
  EXPECT_EQ(own.outcome, Outcome::pending);
  EXPECT_TRUE(incoming_.give_up_on_self());
  EXPECT_EQ(own.outcome, Outcome::source_ended);
}

}  // namespace
}  // namespace sluice::interpose
