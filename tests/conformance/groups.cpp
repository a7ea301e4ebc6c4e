// Groups (MPI 3.1, section 6.3): of the world, whatever subjects its ranks are in.
#include <algorithm>
#include <array>

#include "tests/conformance/communicators.hpp"

namespace sluice::conformance {
namespace {

/// The group of the world, freed at the end.
struct World {
  MPI_Group group = MPI_GROUP_NULL;
  World() { CALL(MPI_Comm_group(MPI_COMM_WORLD, &group)); }
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World() { MPI_Group_free(&group); }
};

/// World ranks of a group's members.
std::vector<int> members(MPI_Group group) {
  const World world;
  int size = 0;
  CALL(MPI_Group_size(group, &size));
  std::vector<int> ranks(static_cast<std::size_t>(size)), result(ranks.size(), -1);
  for (std::size_t i = 0; i < ranks.size(); ++i) ranks[i] = static_cast<int>(i);
  CALL(MPI_Group_translate_ranks(group, size, ranks.data(), world.group, result.data()));
  return result;
}

void check_and_free(const Case& c, MPI_Group group, const std::vector<int>& expected) {
  CHECK(members(group) == expected);
  int rank = -1;
  CALL(MPI_Group_rank(group, &rank));
  const auto found = std::find(expected.begin(), expected.end(), c.rank);
  CHECK_EQ(rank, found == expected.end() ? MPI_UNDEFINED : static_cast<int>(found - expected.begin()));
  if (group != MPI_GROUP_EMPTY) CALL(MPI_Group_free(&group));
}

CASE(group_of_world) {
  MPI_Group group;
  CALL(MPI_Comm_group(MPI_COMM_WORLD, &group));
  check_and_free(c, group, everybody(c));
}

/// What is empty may be freed like any other group, as often as it was got.
CASE(group_empty) {
  const World world;
  MPI_Group group = MPI_GROUP_NULL;
  for (int i = 0; i < 20; ++i) {
    CALL(MPI_Group_incl(world.group, 0, nullptr, &group));
    CALL(MPI_Group_free(&group));
    CALL(MPI_Group_difference(world.group, world.group, &group));
    CALL(MPI_Group_free(&group));
    CALL(MPI_Group_intersection(MPI_GROUP_EMPTY, world.group, &group));
    CALL(MPI_Group_free(&group));
    CHECK(group == MPI_GROUP_NULL);
  }
  CALL(MPI_Comm_group(MPI_COMM_WORLD, &group));
  check_and_free(c, group, everybody(c));
}

CASE(group_incl_excl) {
  const World world;
  MPI_Group group;
  const std::array<int, 2> ends{c.size - 1, 0};
  CALL(MPI_Group_incl(world.group, 2, ends.data(), &group));
  check_and_free(c, group, {c.size - 1, 0});
  CALL(MPI_Group_incl(world.group, 1, ends.data(), &group));
  check_and_free(c, group, {c.size - 1});
  CALL(MPI_Group_excl(world.group, 1, ends.data(), &group));
  std::vector<int> rest = everybody(c);
  rest.pop_back();
  check_and_free(c, group, rest);
  CALL(MPI_Group_incl(world.group, 0, nullptr, &group));
  CHECK(group == MPI_GROUP_EMPTY);
}

CASE(group_ranges) {
  const World world;
  MPI_Group group;
  int down[1][3] = {{c.size - 1, 0, -1}};
  CALL(MPI_Group_range_incl(world.group, 1, down, &group));
  std::vector<int> reversed = everybody(c);
  std::reverse(reversed.begin(), reversed.end());
  check_and_free(c, group, reversed);
  int odd[1][3] = {{1, c.size - 1, 2}};
  CALL(MPI_Group_range_excl(world.group, 1, odd, &group));
  std::vector<int> even;
  for (int i = 0; i < c.size; i += 2) even.push_back(i);
  check_and_free(c, group, even);
}

CASE(group_set_operations) {
  const World world;
  MPI_Group low, high, group;
  const int half = c.size / 2;
  int first[1][3] = {{0, half, 1}}, second[1][3] = {{half, c.size - 1, 1}};
  CALL(MPI_Group_range_incl(world.group, 1, first, &low));
  CALL(MPI_Group_range_incl(world.group, 1, second, &high));
  CALL(MPI_Group_union(high, low, &group));
  std::vector<int> expected;
  for (int i = half; i < c.size; ++i) expected.push_back(i);
  for (int i = 0; i < half; ++i) expected.push_back(i);
  check_and_free(c, group, expected);
  CALL(MPI_Group_intersection(low, high, &group));
  check_and_free(c, group, {half});
  CALL(MPI_Group_difference(low, high, &group));
  expected.clear();
  for (int i = 0; i < half; ++i) expected.push_back(i);
  check_and_free(c, group, expected);
  CALL(MPI_Group_difference(low, low, &group));
  int size = -1;
  CALL(MPI_Group_size(group, &size));
  CHECK_EQ(size, 0);
  CALL(MPI_Group_free(&low));
  CALL(MPI_Group_free(&high));
}

CASE(group_compare) {
  const World world;
  MPI_Group same_order, other_order, smaller;
  int up[1][3] = {{0, c.size - 1, 1}}, down[1][3] = {{c.size - 1, 0, -1}}, one[1][3] = {{0, 0, 1}};
  CALL(MPI_Group_range_incl(world.group, 1, up, &same_order));
  CALL(MPI_Group_range_incl(world.group, 1, down, &other_order));
  CALL(MPI_Group_range_incl(world.group, 1, one, &smaller));
  int result = -1;
  CALL(MPI_Group_compare(world.group, world.group, &result));
  CHECK_EQ(result, MPI_IDENT);
  CALL(MPI_Group_compare(world.group, same_order, &result));
  CHECK_EQ(result, MPI_IDENT);
  CALL(MPI_Group_compare(world.group, other_order, &result));
  CHECK_EQ(result, MPI_SIMILAR);
  CALL(MPI_Group_compare(world.group, smaller, &result));
  CHECK_EQ(result, MPI_UNEQUAL);
  for (MPI_Group* group : {&same_order, &other_order, &smaller}) CALL(MPI_Group_free(group));
}

CASE(group_translate_ranks) {
  const World world;
  MPI_Group reversed, self;
  int down[1][3] = {{c.size - 1, 0, -1}};
  CALL(MPI_Group_range_incl(world.group, 1, down, &reversed));
  const std::array<int, 3> ranks{0, c.size - 1, MPI_PROC_NULL};
  std::array<int, 3> found{};
  CALL(MPI_Group_translate_ranks(world.group, 3, ranks.data(), reversed, found.data()));
  CHECK(found == (std::array<int, 3>{c.size - 1, 0, MPI_PROC_NULL}));
  CALL(MPI_Comm_group(MPI_COMM_SELF, &self));
  CALL(MPI_Group_translate_ranks(world.group, 1, &c.rank, self, found.data()));
  CHECK_EQ(found[0], 0);
  const int other = (c.rank + 1) % c.size;
  CALL(MPI_Group_translate_ranks(world.group, 1, &other, self, found.data()));
  CHECK_EQ(found[0], MPI_UNDEFINED);
  CALL(MPI_Group_free(&self));
  CALL(MPI_Group_free(&reversed));
}

CASE(group_handles) {
  const World world;
  CHECK(MPI_Group_f2c(MPI_Group_c2f(world.group)) == world.group);
  int size = -1;
  CALL(MPI_Group_size(MPI_GROUP_EMPTY, &size));
  CHECK_EQ(size, 0);
}

CASE(group_wrong_ranks) {
  const World world;
  MPI_Group group;
  CALL_FAILS(MPI_ERR_RANK, MPI_Group_incl(world.group, 1, &c.size, &group));
}

}  // namespace
}  // namespace sluice::conformance
