#include "trusted/guard/reply_predictor.hpp"

#include <gtest/gtest.h>

namespace sluice::guard {
namespace {

/// Giving way, where nobody else runs and where somebody does.
constexpr std::chrono::nanoseconds kNobody{200};
constexpr std::chrono::nanoseconds kSwitch = 2 * ReplyPredictor::kMostTime;

/// Frames of `from`, and then replies by `by`, each after giving way to others.
void replies_after_giving_way(ReplyPredictor& predictor, std::size_t from, std::size_t by, int times) {
  for (int i = 0; i < times; ++i) {
    predictor.came_from(from, true);
    predictor.gave_way(kSwitch);
    predictor.came_from(by, true);
  }
}

TEST(ReplyPredictor, LooksOutAtFirst) { EXPECT_TRUE(ReplyPredictor(2).look_out()); }

TEST(ReplyPredictor, GivesWayWhereRepliesNeedIt) {
  ReplyPredictor predictor(2);
  replies_after_giving_way(predictor, 0, 1, ReplyPredictor::kSure);
  EXPECT_TRUE(predictor.look_out()) << "replies to member 1 came at once";
  predictor.came_from(0, true);
  EXPECT_FALSE(predictor.look_out());
}

TEST(ReplyPredictor, OneSlowReplyChangesNothing) {
  ReplyPredictor predictor(2);
  replies_after_giving_way(predictor, 0, 1, 1);
  predictor.came_from(0, true);
  EXPECT_TRUE(predictor.look_out());
}

TEST(ReplyPredictor, LooksOutAgainWhereNobodyElseRuns) {
  ReplyPredictor predictor(2);
  replies_after_giving_way(predictor, 0, 1, ReplyPredictor::kSure);
  predictor.came_from(0, true);
  predictor.gave_way(kNobody);
  EXPECT_TRUE(predictor.look_out());
}

/// The same time tells of others on a machine where giving way to nobody takes less.
TEST(ReplyPredictor, LearnsHowLongGivingWayToNobodyTakes) {
  for (const bool quick : {false, true}) {
    ReplyPredictor predictor(2);
    predictor.gave_way(std::chrono::nanoseconds(quick ? 180 : 480));
    for (int i = 0; i < ReplyPredictor::kSure; ++i) {
      predictor.came_from(0, true);
      predictor.gave_way(std::chrono::nanoseconds(600));
      predictor.came_from(1, true);
    }
    predictor.came_from(0, true);
    EXPECT_EQ(predictor.look_out(), !quick);
  }
}

TEST(ReplyPredictor, TriesAgainNowAndThen) {
  ReplyPredictor predictor(2);
  replies_after_giving_way(predictor, 0, 1, ReplyPredictor::kSure);
  bool looked_out = false;
  for (std::uint32_t i = 0; i < ReplyPredictor::kTryAgain && !looked_out; ++i) {
    predictor.came_from(0, true);
    looked_out = predictor.look_out();
    predictor.gave_way(kSwitch);
  }
  EXPECT_TRUE(looked_out);
}

}  // namespace
}  // namespace sluice::guard
