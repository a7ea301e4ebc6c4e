#include "untrusted/interpose/collective/legality.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>

namespace sluice::interpose {
namespace {

using Flows = std::set<std::pair<int, int>>;

/// A lattice of subjects, and the subject of each rank.
struct Shape {
  std::string name;
  int subjects;
  Flows flows;
};

const Shape kShapes[] = {
    {"alone", 1, {}},
    {"chain", 3, {{0, 1}, {1, 2}}},
    {"chain with a short cut", 3, {{0, 1}, {1, 2}, {0, 2}}},
    {"diamond", 4, {{0, 1}, {0, 2}, {1, 3}, {2, 3}}},
    {"two incomparable", 2, {}},
    {"two equal", 2, {{0, 1}, {1, 0}}},
    {"ring", 3, {{0, 1}, {1, 2}, {2, 0}}},
    {"three equal", 3, {{0, 1}, {1, 0}, {0, 2}, {2, 0}, {1, 2}, {2, 1}}},
};

FlowGraph graph_of(const Shape& shape) {
  return {shape.subjects, [&](int from, int to) { return shape.flows.contains({from, to}); }};
}

/// The collectives, and by which ranks a rank's result is contributed to: written down from the standard, one by one.
struct CollectiveRule {
  const char* name;
  Relation relation;
  bool (*contributes)(int from, int to, int root);
};

bool always(int, int, int) { return true; }
bool from_root(int from, int, int root) { return from == root; }
bool to_root(int, int to, int root) { return to == root; }
bool ascending(int from, int to, int) { return from < to; }

const CollectiveRule kRules[] = {
    {"Barrier", Relation::everyone, always},        {"Bcast", Relation::from_root, from_root},
    {"Gather", Relation::to_root, to_root},         {"Gatherv", Relation::to_root, to_root},
    {"Scatter", Relation::from_root, from_root},    {"Scatterv", Relation::from_root, from_root},
    {"Allgather", Relation::everyone, always},      {"Alltoall", Relation::everyone, always},
    {"Reduce", Relation::to_root, to_root},         {"Allreduce", Relation::everyone, always},
    {"Reduce_scatter", Relation::everyone, always}, {"Scan", Relation::ascending, ascending},
    {"Exscan", Relation::ascending, ascending},
};

/// An edge is legal by itself: inside a subject, or with a flow between its ends, however else data could come there.
TEST(Legality, EdgesNeedFlowsOfTheirOwn) {
  for (const Shape& shape : kShapes) {
    const FlowGraph flows = graph_of(shape);
    std::vector<int> subject_of;
    for (int rank = 0; rank < 2 * shape.subjects; ++rank) subject_of.push_back(rank % shape.subjects);
    const auto ranks = static_cast<int>(subject_of.size());
    for (int from = 0; from < ranks; ++from) {
      for (int to = 0; to < ranks; ++to) {
        const std::pair<int, int> pair{from % shape.subjects, to % shape.subjects};
        const auto found = find_edge_obstacle({{0, 0}, {from, to}}, subject_of, flows);
        const bool legal = pair.first == pair.second || shape.flows.contains(pair);
        EXPECT_EQ(!found.has_value(), legal) << shape.name << " " << from << " to " << to;
        EXPECT_EQ(found.value_or(Obstacle{pair.first, pair.second}), (Obstacle{pair.first, pair.second}));
      }
    }
    EXPECT_FALSE(find_edge_obstacle({}, subject_of, flows).has_value());
  }
}

/// Whether data of one subject can come to another: by walking along the flows.
bool walks(const Shape& shape, int from, int to) {
  std::set<int> seen{from};
  for (bool grew = true; grew;) {
    grew = false;
    for (const auto& [a, b] : shape.flows) grew = (seen.contains(a) && seen.insert(b).second) || grew;
  }
  return seen.contains(to);
}

bool legal_by_brute_force(const CollectiveRule& rule, const Shape& shape, const std::vector<int>& subject_of,
                          int root) {
  const int ranks = static_cast<int>(subject_of.size());
  for (int from = 0; from < ranks; ++from) {
    for (int to = 0; to < ranks; ++to) {
      const int a = subject_of[static_cast<std::size_t>(from)];
      const int b = subject_of[static_cast<std::size_t>(to)];
      if (rule.contributes(from, to, root) && !walks(shape, a, b)) return false;
    }
  }
  return true;
}

/// All ways to give `ranks` ranks a subject so that subjects are counted by their lowest ranks and all of them occur.
void arrangements(int subjects, std::size_t ranks, std::vector<int>& made, std::vector<std::vector<int>>& all) {
  const int used = made.empty() ? 0 : *std::max_element(made.begin(), made.end()) + 1;
  if (made.size() == ranks) {
    if (used == subjects) all.push_back(made);
    return;
  }
  for (int subject = 0; subject <= std::min(used, subjects - 1); ++subject) {
    made.push_back(subject);
    arrangements(subjects, ranks, made, all);
    made.pop_back();
  }
}

std::vector<std::vector<int>> arrangements_of(int subjects) {
  std::vector<std::vector<int>> all;
  for (std::size_t ranks = static_cast<std::size_t>(subjects); ranks <= 6; ++ranks) {
    std::vector<int> made;
    arrangements(subjects, ranks, made, all);
  }
  return all;
}

/// The same shape with its subjects counted in another order.
std::vector<Shape> relabelled(const Shape& shape) {
  std::vector<int> order;
  for (int i = 0; i < shape.subjects; ++i) order.push_back(i);
  std::vector<Shape> all;
  do {
    Flows flows;
    for (const auto& [a, b] : shape.flows) {
      flows.insert({order[static_cast<std::size_t>(a)], order[static_cast<std::size_t>(b)]});
    }
    all.push_back({shape.name, shape.subjects, flows});
  } while (std::next_permutation(order.begin(), order.end()));
  return all;
}

TEST(Legality, EqualsBruteForceForEveryCollectiveRootAndShape) {
  int legal = 0;
  int illegal = 0;
  for (const Shape& drawn : kShapes) {
    for (const Shape& shape : relabelled(drawn)) {
      const FlowGraph flows = graph_of(shape);
      for (const std::vector<int>& subject_of : arrangements_of(shape.subjects)) {
        for (const CollectiveRule& rule : kRules) {
          for (int root = 0; root < static_cast<int>(subject_of.size()); ++root) {
            const bool found = !find_obstacle(rule.relation, root, subject_of, flows).has_value();
            const bool wanted = legal_by_brute_force(rule, shape, subject_of, root);
            ASSERT_EQ(found, wanted) << rule.name << " root " << root << " on " << shape.name;
            ++(wanted ? legal : illegal);
          }
        }
      }
    }
  }
  // Both verdicts have been seen often.
  EXPECT_GT(legal, 10000);
  EXPECT_GT(illegal, 10000);
}

/// Which subjects may pass data on, in a collective on an intercommunicator.
using Allowed = std::set<int>;

/// As walks(), through `through` and the two ends alone.
bool walks_through(const Shape& shape, int from, int to, const Allowed& through) {
  Shape part = shape;
  std::erase_if(part.flows, [&](const auto& flow) {
    const auto passes = [&](int subject) { return subject == from || subject == to || through.contains(subject); };
    return !passes(flow.first) || !passes(flow.second);
  });
  return walks(part, from, to);
}

/// A group is the ranks for which `in_group` is set; the others are the remote group.
struct Groups {
  std::vector<int> local;
  std::vector<int> remote;
};

Groups groups_of(const std::vector<int>& subject_of, unsigned in_group) {
  Groups groups;
  for (std::size_t rank = 0; rank < subject_of.size(); ++rank) {
    ((in_group >> rank & 1U) != 0 ? groups.local : groups.remote).push_back(subject_of[rank]);
  }
  return groups;
}

Allowed subjects_in(const std::vector<int>& group) { return {group.begin(), group.end()}; }

/// Rank by rank: every rank of the root's group may be the root, and only those know the call that say who is.
bool rooted_by_brute_force(const Shape& shape, bool from_root, const Groups& groups) {
  for (const int root : groups.local) {
    for (const int other : groups.remote) {
      const int from = from_root ? root : other;
      const int to = from_root ? other : root;
      if (!walks_through(shape, from, to, subjects_in(groups.remote))) return false;
    }
  }
  return true;
}

/// Each group gives to each rank of the other one, the first of which hands on inside.
bool unrooted_by_brute_force(const Shape& shape, const Groups& groups) {
  if (!rooted_by_brute_force(shape, false, groups)) return false;
  if (!rooted_by_brute_force(shape, false, {groups.remote, groups.local})) return false;
  for (const auto* group : {&groups.local, &groups.remote}) {
    for (const int from : *group) {
      for (const int to : *group) {
        if (!walks_through(shape, from, to, subjects_in(*group))) return false;
      }
    }
  }
  return true;
}

/// Whether all subjects of a group flow both ways and with the same others, as groups made by MPI_Intercomm_create of
/// ranks with one label do.
bool is_uniform(const Shape& shape, const std::vector<int>& group) {
  for (const int one : group) {
    for (const int other : group) {
      if (one != other && !shape.flows.contains({one, other})) return false;
      for (int third = 0; third < shape.subjects; ++third) {
        if (third == one || third == other) continue;
        if (shape.flows.contains({one, third}) != shape.flows.contains({other, third})) return false;
        if (shape.flows.contains({third, one}) != shape.flows.contains({third, other})) return false;
      }
    }
  }
  return true;
}

/// The rule without regard to who knows the call: data may walk through every subject of the communicator.
bool legal_by_paths(const Shape& shape, Relation relation, const Groups& groups) {
  for (const int one : groups.local) {
    for (const int other : groups.remote) {
      if (relation != Relation::to_root && !walks(shape, one, other)) return false;
      if (relation != Relation::from_root && !walks(shape, other, one)) return false;
    }
  }
  return true;
}

TEST(LegalityBetweenGroups, EqualsBruteForceForEveryShapeAndSplit) {
  int legal = 0;
  int illegal = 0;
  int uniform = 0;
  const auto check = [&](const Shape& shape, const FlowGraph& flows, Relation relation, const Groups& groups) {
    const bool wanted = relation == Relation::everyone
                            ? unrooted_by_brute_force(shape, groups)
                            : rooted_by_brute_force(shape, relation == Relation::from_root, groups);
    const auto found = find_obstacle_between(relation, groups.local, groups.remote, flows);
    ASSERT_EQ(!found.has_value(), wanted) << shape.name;
    ++(wanted ? legal : illegal);
    if (!is_uniform(shape, groups.local) || !is_uniform(shape, groups.remote)) return;
    ++uniform;
    ASSERT_EQ(wanted, legal_by_paths(shape, relation, groups)) << shape.name;
  };
  for (const Shape& drawn : kShapes) {
    for (const Shape& shape : relabelled(drawn)) {
      const FlowGraph flows = graph_of(shape);
      for (const std::vector<int>& subject_of : arrangements_of(shape.subjects)) {
        for (unsigned in_group = 1; in_group + 1 < 1U << subject_of.size(); ++in_group) {
          for (const Relation relation : {Relation::from_root, Relation::to_root, Relation::everyone}) {
            check(shape, flows, relation, groups_of(subject_of, in_group));
            if (HasFatalFailure()) return;
          }
        }
      }
    }
  }
  EXPECT_GT(legal, 1000);
  EXPECT_GT(illegal, 1000);
  EXPECT_GT(uniform, 1000);
}

TEST(LegalityBetweenGroups, NamesAPairThatBreaksIt) {
  const FlowGraph chain = graph_of(kShapes[1]);
  EXPECT_EQ(find_obstacle_between(Relation::from_root, {0, 0}, {1}, chain), std::nullopt);
  EXPECT_EQ(find_obstacle_between(Relation::to_root, {0, 0}, {1}, chain), (Obstacle{1, 0}));
  EXPECT_EQ(find_obstacle_between(Relation::everyone, {0}, {1, 1}, chain), (Obstacle{1, 0}));
  // The other ranks of the root's group know nothing of the call, so their subject passes nothing on.
  EXPECT_EQ(find_obstacle_between(Relation::from_root, {0, 1}, {2}, chain), (Obstacle{0, 2}));
  EXPECT_EQ(find_obstacle_between(Relation::from_root, {0}, {1, 2}, chain), std::nullopt);
}

TEST(Legality, NamesAPairThatBreaksIt) {
  const Shape& chain = kShapes[1];
  const FlowGraph flows = graph_of(chain);
  const std::vector<int> subject_of{0, 0, 1, 2};
  EXPECT_EQ(find_obstacle(Relation::everyone, 0, subject_of, flows), (Obstacle{1, 0}));
  EXPECT_EQ(find_obstacle(Relation::from_root, 2, subject_of, flows), (Obstacle{1, 0}));
  EXPECT_EQ(find_obstacle(Relation::to_root, 0, subject_of, flows), (Obstacle{1, 0}));
  EXPECT_EQ(find_obstacle(Relation::to_root, 3, subject_of, flows), std::nullopt);
  EXPECT_EQ(find_obstacle(Relation::ascending, 0, subject_of, flows), std::nullopt);
  EXPECT_EQ(find_obstacle(Relation::ascending, 0, {0, 1, 0, 2}, flows), (Obstacle{1, 0}));
}

TEST(FlowGraph, TellsDirectFlowsFromPaths) {
  const FlowGraph chain = graph_of(kShapes[1]);
  EXPECT_TRUE(chain.direct(0, 1));
  EXPECT_FALSE(chain.direct(0, 2));
  EXPECT_TRUE(chain.reaches(0, 2));
  EXPECT_FALSE(chain.reaches(2, 0));
  EXPECT_TRUE(chain.direct(1, 1));
  EXPECT_EQ(chain.missing(), (Obstacle{0, 2}));
  EXPECT_TRUE(graph_of(kShapes[7]).complete());
}

}  // namespace
}  // namespace sluice::interpose
