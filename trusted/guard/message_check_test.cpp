#include "trusted/guard/message_check.hpp"

#include <gtest/gtest.h>

namespace sluice::guard {
namespace {

using wire::FrameKind;

wire::FrameHeader fragment(FrameKind kind, std::uint32_t capability, std::uint32_t payload, std::uint64_t extent) {
  wire::FrameHeader header{};
  header.kind = kind;
  header.endpoint = capability;
  header.payload = payload;
  header.extent = extent;
  return header;
}

constexpr auto kStart = FrameKind::message_start;
constexpr auto kPart = FrameKind::message_part;

TEST(MessageCheck, AcceptsMessagesOfOneAndOfManyFragments) {
  MessageCheck check(3);
  EXPECT_EQ(check.accept(fragment(kStart, 0, 0, 0)), Misbehaviour::none);
  EXPECT_TRUE(check.complete());
  EXPECT_EQ(check.accept(fragment(kStart, 2, 100, 250)), Misbehaviour::none);
  EXPECT_FALSE(check.complete());
  EXPECT_EQ(check.open_capability(), 2U);
  EXPECT_EQ(check.accept(fragment(kPart, 2, 100, 100)), Misbehaviour::none);
  EXPECT_EQ(check.accept(fragment(kPart, 2, 50, 200)), Misbehaviour::none);
  EXPECT_TRUE(check.complete());
  EXPECT_EQ(check.open_capability(), std::nullopt);
}

TEST(MessageCheck, NamesEachWayToBreakAMessage) {
  const auto after_open = [](wire::FrameHeader next) {
    MessageCheck check(3);
    EXPECT_EQ(check.accept(fragment(kStart, 1, 100, 250)), Misbehaviour::none);
    return check.accept(next);
  };
  EXPECT_EQ(after_open(fragment(kPart, 1, 100, 100)), Misbehaviour::none) << "positive control";
  EXPECT_EQ(after_open(fragment(kStart, 1, 1, 1)), Misbehaviour::broken_message) << "start inside a message";
  EXPECT_EQ(after_open(fragment(kPart, 0, 100, 100)), Misbehaviour::broken_message) << "other destination";
  EXPECT_EQ(after_open(fragment(kPart, 1, 100, 99)), Misbehaviour::broken_message) << "wrong offset";
  EXPECT_EQ(after_open(fragment(kPart, 1, 151, 100)), Misbehaviour::broken_message) << "more than announced";
  EXPECT_EQ(after_open(fragment(kPart, 1, 0, 100)), Misbehaviour::broken_message) << "fragments without end";

  MessageCheck fresh(3);
  EXPECT_EQ(fresh.accept(fragment(kPart, 0, 1, 0)), Misbehaviour::broken_message) << "part without start";
  EXPECT_EQ(fresh.accept(fragment(kStart, 3, 0, 0)), Misbehaviour::unknown_capability);
  EXPECT_EQ(fresh.accept(fragment(kStart, wire::kMaxRanks * 9, 0, 0)), Misbehaviour::unknown_capability);
  EXPECT_EQ(fresh.accept(fragment(kStart, 0, 0, 1)), Misbehaviour::broken_message) << "empty first fragment";
  EXPECT_EQ(MessageCheck(3).accept(fragment(kStart, 0, 10, 9)), Misbehaviour::broken_message);
  EXPECT_EQ(MessageCheck(3).accept(fragment(kStart, 0, 1, wire::kMaxMessageBytes + 1)),
            Misbehaviour::oversized_message);
  EXPECT_EQ(MessageCheck(0).accept(fragment(kStart, 0, 0, 0)), Misbehaviour::unknown_capability)
      << "a subject without flows can name nothing";
}

TEST(MessageCheck, ARefusedStartOpensNothing) {
  for (const auto& refused : {fragment(kStart, 0, 0, 1), fragment(kStart, 0, 10, 9), fragment(kStart, 3, 1, 2)}) {
    MessageCheck check(3);
    EXPECT_NE(check.accept(refused), Misbehaviour::none);
    EXPECT_EQ(check.open_capability(), std::nullopt) << "its receiver would be told of a message cut short";
  }
}

}  // namespace
}  // namespace sluice::guard
