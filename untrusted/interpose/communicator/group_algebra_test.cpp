#include "untrusted/interpose/communicator/group_algebra.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace sluice::interpose {
namespace {

const RankList kFirst{5, 3, 9, 0};
const RankList kSecond{0, 7, 5};

TEST(GroupAlgebra, UnionKeepsTheFirstAndAddsTheRest) {
  EXPECT_EQ(unite(kFirst, kSecond), (RankList{5, 3, 9, 0, 7}));
  EXPECT_EQ(unite(kSecond, kFirst), (RankList{0, 7, 5, 3, 9}));
  EXPECT_EQ(unite({}, kSecond), kSecond);
}

TEST(GroupAlgebra, IntersectionAndDifferenceHaveTheOrderOfTheFirst) {
  EXPECT_EQ(intersect(kFirst, kSecond), (RankList{5, 0}));
  EXPECT_EQ(intersect(kSecond, kFirst), (RankList{0, 5}));
  EXPECT_EQ(subtract(kFirst, kSecond), (RankList{3, 9}));
  EXPECT_TRUE(subtract(kFirst, kFirst).empty());
}

TEST(GroupAlgebra, IncludeHasTheOrderThatIsAskedForAndExcludeThatOfTheGroup) {
  const int ranks[] = {3, 0};
  EXPECT_EQ(include(kFirst, ranks), (RankList{0, 5}));
  EXPECT_EQ(exclude(kFirst, ranks), (RankList{3, 9}));
  EXPECT_EQ(include(kFirst, {}), RankList{});
  EXPECT_EQ(exclude(kFirst, {}), kFirst);
}

TEST(GroupAlgebra, RanksThatAreNoneOrTwiceAreErrors) {
  const int high[] = {4};
  const int negative[] = {-1};
  const int twice[] = {1, 1};
  for (const auto& bad : {std::span<const int>(high), std::span<const int>(negative), std::span<const int>(twice)}) {
    EXPECT_EQ(include(kFirst, bad), std::nullopt);
    EXPECT_EQ(exclude(kFirst, bad), std::nullopt);
  }
}

TEST(GroupAlgebra, RangesRunUpAndDownAndMayBeEmpty) {
  const RankRange up{0, 5, 2};
  const RankRange down{7, 4, -2};
  const RankRange empty{3, 1, 1};
  EXPECT_EQ(expand(std::vector{up, down, empty}, 8), (std::vector{0, 2, 4, 7, 5}));
}

TEST(GroupAlgebra, RangesOutsideOfTheGroupOrWithoutStrideAreErrors) {
  const int most = std::numeric_limits<int>::max();
  for (const RankRange bad : {RankRange{0, 1, 0}, RankRange{0, 8, 1}, RankRange{8, 8, 1}, RankRange{-1, 2, 1},
                              RankRange{2, -1, -1}, RankRange{0, most, most}}) {
    EXPECT_EQ(expand(std::vector{bad}, 8), std::nullopt) << bad.first << ':' << bad.last << ':' << bad.stride;
  }
}

TEST(GroupAlgebra, RelationOfGroups) {
  EXPECT_EQ(relate(kFirst, kFirst), GroupRelation::identical);
  EXPECT_EQ(relate(kFirst, {0, 3, 5, 9}), GroupRelation::similar);
  EXPECT_EQ(relate(kFirst, {0, 3, 5, 8}), GroupRelation::unequal);
  EXPECT_EQ(relate(kFirst, {5, 3, 9}), GroupRelation::unequal);
  EXPECT_EQ(relate({}, {}), GroupRelation::identical);
}

TEST(GroupAlgebra, RanksOfMembers) {
  EXPECT_EQ(rank_in(kFirst, 9), 2);
  EXPECT_EQ(rank_in(kFirst, 1), -1);
  EXPECT_EQ(ranks_in(kFirst, kSecond), (RankList{3, -1, 0}));
}

TEST(GroupAlgebra, SplitByColorAndKeyInTheOrderOfTheGroup) {
  const std::vector<SplitChoice> choices{{1, 5}, {0, 0}, {1, 2}, {1, 5}};
  EXPECT_EQ(split({7, 8, 9, 4}, choices, 1), (RankList{9, 7, 4}));
  EXPECT_EQ(split({7, 8, 9, 4}, choices, 0), (RankList{8}));
  EXPECT_EQ(split({7, 8, 9, 4}, choices, 2), RankList{});
}

}  // namespace
}  // namespace sluice::interpose
