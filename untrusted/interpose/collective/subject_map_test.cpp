#include "untrusted/interpose/collective/subject_map.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <utility>

namespace sluice::interpose {
namespace {

using Flows = std::set<std::pair<int, int>>;

SubjectMap map_of(std::vector<int> subject_of, const Flows& flows) {
  const int subjects = *std::max_element(subject_of.begin(), subject_of.end()) + 1;
  return {std::move(subject_of), FlowGraph(subjects, [&](int from, int to) { return flows.contains({from, to}); })};
}

const Flows kDiamond = {{0, 1}, {0, 2}, {1, 3}, {2, 3}};

TEST(SubjectMap, KnowsMembersAndLeaders) {
  const SubjectMap map = map_of({0, 1, 0, 2, 1}, {});
  EXPECT_EQ(map.members(0), (std::vector<int>{0, 2}));
  EXPECT_EQ(map.members(1), (std::vector<int>{1, 4}));
  EXPECT_EQ(map.leader(1), 1);
  EXPECT_EQ(map.subject_of(3), 2);
}

TEST(SubjectMap, TreeHangsEachSubjectWhereAFlowLeads) {
  SubjectMap map = map_of({0, 1, 2, 3, 3}, kDiamond);
  const Tree& down = map.down(0);
  EXPECT_EQ(down.parent, (std::vector<int>{-1, 0, 0, 1}));
  EXPECT_EQ(down.bundle[0], (std::vector<int>{0, 1, 3, 4, 2}));
  EXPECT_EQ(down.bundle[1], (std::vector<int>{1, 3, 4}));
  const Tree& up = map.up(3);
  EXPECT_EQ(up.parent, (std::vector<int>{1, 3, 3, -1}));
  EXPECT_EQ(up.bundle[3], (std::vector<int>{3, 4, 1, 0, 2}));
}

TEST(SubjectMap, TreeUsesADirectFlowWhereThereIsOne) {
  SubjectMap map = map_of({0, 1, 2}, {{0, 1}, {1, 2}, {0, 2}});
  EXPECT_EQ(map.down(0).parent, (std::vector<int>{-1, 0, 0}));
  EXPECT_EQ(map.up(2).parent, (std::vector<int>{2, 2, -1}));
}

/// No edge of any tree goes against a flow, in every graph of four subjects.
TEST(SubjectMap, NoTreeSendsAgainstAFlow) {
  for (unsigned edges = 0; edges < 1U << 12; ++edges) {
    Flows flows;
    unsigned bit = 0;
    for (int from = 0; from < 4; ++from) {
      for (int to = 0; to < 4; ++to) {
        if (from != to && (edges >> bit++ & 1U) != 0) flows.insert({from, to});
      }
    }
    SubjectMap map = map_of({0, 1, 2, 3}, flows);
    for (int top = 0; top < 4; ++top) {
      const Tree& down = map.down(top);
      const Tree& up = map.up(top);
      for (int subject = 0; subject < 4; ++subject) {
        const std::size_t at = static_cast<std::size_t>(subject);
        if (subject == top) continue;
        ASSERT_EQ(down.parent[at] >= 0, map.flows().reaches(top, subject));
        ASSERT_EQ(up.parent[at] >= 0, map.flows().reaches(subject, top));
        ASSERT_TRUE(down.parent[at] < 0 || flows.contains({down.parent[at], subject}));
        ASSERT_TRUE(up.parent[at] < 0 || flows.contains({subject, up.parent[at]}));
      }
    }
  }
}

TEST(SubjectMap, PathGoesAlongFlows) {
  SubjectMap map = map_of({0, 1, 2}, {{0, 1}, {1, 2}});
  EXPECT_EQ(map.path(0, 2), (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(map.path(1, 2), (std::vector<int>{1, 2}));
  EXPECT_EQ(map.path(1, 1), (std::vector<int>{1}));
}

TEST(SubjectMap, RemembersTheVerdictOfEachRoot) {
  SubjectMap map = map_of({0, 1, 2}, {{0, 1}, {1, 2}});
  for (int turn = 0; turn < 2; ++turn) {
    EXPECT_FALSE(map.verdict(Relation::from_root, 0).has_value());
    EXPECT_EQ(map.verdict(Relation::from_root, 1), (Obstacle{1, 0}));
    EXPECT_FALSE(map.verdict(Relation::to_root, 2).has_value());
    EXPECT_TRUE(map.verdict(Relation::everyone, 0).has_value());
  }
}

TEST(GroupsOf, RanksOfASubjectAreOneGroupWhereOrderDoesNotMatter) {
  const std::vector<int> subject_of{0, 1, 1, 0, 2, 1};
  EXPECT_EQ(groups_of(subject_of, true), (std::vector<Group>{{0, 3}, {1, 2, 5}, {4}}));
}

TEST(GroupsOf, WhereOrderMattersEachRunOfRanksIsOne) {
  const std::vector<int> subject_of{0, 1, 1, 0, 2, 1};
  EXPECT_EQ(groups_of(subject_of, false), (std::vector<Group>{{0}, {1, 2}, {3}, {4}, {5}}));
}

}  // namespace
}  // namespace sluice::interpose
