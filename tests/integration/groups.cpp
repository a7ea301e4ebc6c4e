// Groups of the run's ranks. Needs no message, so it is the same whatever the policy lets flow.
#include <algorithm>
#include <numeric>
#include <vector>

#include "tests/integration/communicators.hpp"

namespace sluice::testing {
namespace {

MPI_Group world_group() {
  MPI_Group group = MPI_GROUP_NULL;
  CHECK_EQ(MPI_Comm_group(MPI_COMM_WORLD, &group), MPI_SUCCESS);
  return group;
}

/// World ranks of a group, by rank.
std::vector<int> ranks_of(MPI_Group group) {
  int size = -1;
  CHECK_EQ(MPI_Group_size(group, &size), MPI_SUCCESS);
  std::vector<int> ranks(static_cast<std::size_t>(size));
  std::vector<int> result(ranks.size(), -1);
  std::iota(ranks.begin(), ranks.end(), 0);
  MPI_Group world = world_group();
  CHECK_EQ(MPI_Group_translate_ranks(group, size, ranks.data(), world, result.data()), MPI_SUCCESS);
  MPI_Group_free(&world);
  return result;
}

MPI_Group including(MPI_Group group, const std::vector<int>& ranks) {
  MPI_Group made = MPI_GROUP_NULL;
  CHECK_EQ(MPI_Group_incl(group, static_cast<int>(ranks.size()), ranks.data(), &made), MPI_SUCCESS);
  return made;
}

int compare(MPI_Group first, MPI_Group second) {
  int result = -1;
  CHECK_EQ(MPI_Group_compare(first, second, &result), MPI_SUCCESS);
  return result;
}

std::vector<int> up_to(int size) {
  std::vector<int> ranks(static_cast<std::size_t>(size));
  std::iota(ranks.begin(), ranks.end(), 0);
  return ranks;
}

void world_has_everybody(const Job& job) {
  MPI_Group world = world_group();
  MPI_Group again = world_group();
  int rank = -1;
  CHECK_EQ(MPI_Group_rank(world, &rank), MPI_SUCCESS);
  CHECK_EQ(rank, job.rank());
  CHECK(ranks_of(world) == up_to(job.size()));
  CHECK(world != again);
  CHECK_EQ(compare(world, again), MPI_IDENT);
  CHECK_EQ(compare(world, world), MPI_IDENT);
  CHECK(MPI_Group_f2c(MPI_Group_c2f(world)) == world);
  MPI_Group_free(&again);
  CHECK(again == MPI_GROUP_NULL);
  CHECK(ranks_of(world) == up_to(job.size()));
  MPI_Group_free(&world);
}

void reversed_is_similar(const Job& job) {
  MPI_Group world = world_group();
  std::vector<int> ranks = up_to(job.size());
  std::reverse(ranks.begin(), ranks.end());
  MPI_Group reversed = including(world, ranks);
  int rank = -1;
  CHECK(ranks_of(reversed) == ranks);
  CHECK_EQ(MPI_Group_rank(reversed, &rank), MPI_SUCCESS);
  CHECK_EQ(rank, job.size() - 1 - job.rank());
  CHECK_EQ(compare(world, reversed), MPI_SIMILAR);
  MPI_Group others = MPI_GROUP_NULL;
  const int me = job.rank();
  CHECK_EQ(MPI_Group_excl(world, 1, &me, &others), MPI_SUCCESS);
  CHECK_EQ(compare(world, others), MPI_UNEQUAL);
  CHECK_EQ(MPI_Group_rank(others, &rank), MPI_SUCCESS);
  CHECK_EQ(rank, MPI_UNDEFINED);
  for (MPI_Group* group : {&world, &reversed, &others}) MPI_Group_free(group);
}

void ranges(const Job& job) {
  MPI_Group world = world_group();
  MPI_Group made = MPI_GROUP_NULL;
  int even[1][3] = {{0, job.size() - 1, 2}};
  std::vector<int> expected;
  for (int rank = 0; rank < job.size(); rank += 2) expected.push_back(rank);
  CHECK_EQ(MPI_Group_range_incl(world, 1, even, &made), MPI_SUCCESS);
  CHECK(ranks_of(made) == expected);
  MPI_Group_free(&made);
  expected.clear();
  for (int rank = 1; rank < job.size(); rank += 2) expected.push_back(rank);
  CHECK_EQ(MPI_Group_range_excl(world, 1, even, &made), MPI_SUCCESS);
  CHECK(ranks_of(made) == expected);
  MPI_Group_free(&made);
  int down[1][3] = {{job.size() - 1, 0, -1}};
  expected = up_to(job.size());
  std::reverse(expected.begin(), expected.end());
  CHECK_EQ(MPI_Group_range_incl(world, 1, down, &made), MPI_SUCCESS);
  CHECK(ranks_of(made) == expected);
  MPI_Group_free(&made);
  MPI_Group_free(&world);
}

void mixed_with_groups_of_the_subject(const Job& job) {
  MPI_Group world = world_group();
  MPI_Group self = MPI_GROUP_NULL;
  MPI_Group subject = MPI_GROUP_NULL;
  CHECK_EQ(MPI_Comm_group(MPI_COMM_SELF, &self), MPI_SUCCESS);
  CHECK_EQ(MPI_Comm_group(MPI_COMM_SUBJECT, &subject), MPI_SUCCESS);
  CHECK(ranks_of(self) == std::vector<int>{job.rank()});
  MPI_Group others = MPI_GROUP_NULL, all = MPI_GROUP_NULL, mine = MPI_GROUP_NULL, nobody = MPI_GROUP_NULL;
  CHECK_EQ(MPI_Group_difference(world, subject, &others), MPI_SUCCESS);
  CHECK_EQ(MPI_Group_union(subject, others, &all), MPI_SUCCESS);
  CHECK_EQ(MPI_Group_intersection(world, subject, &mine), MPI_SUCCESS);
  CHECK_EQ(MPI_Group_intersection(others, subject, &nobody), MPI_SUCCESS);
  std::vector<int> expected = members_of(MPI_COMM_SUBJECT);
  CHECK(ranks_of(mine) == expected);
  CHECK_EQ(compare(mine, subject), MPI_IDENT);
  CHECK_EQ(compare(world, subject), MPI_UNEQUAL);
  CHECK(nobody == MPI_GROUP_EMPTY);
  for (const int rank : ranks_of(others)) expected.push_back(rank);
  CHECK_EQ(expected.size(), job.size());
  CHECK(ranks_of(all) == expected);
  int rank = 0;
  int translated[2] = {-1, -1};
  const int asked[2] = {job.rank(), MPI_PROC_NULL};
  CHECK_EQ(MPI_Group_translate_ranks(self, 1, &rank, world, translated), MPI_SUCCESS);
  CHECK_EQ(translated[0], job.rank());
  CHECK_EQ(MPI_Group_translate_ranks(world, 2, asked, others, translated), MPI_SUCCESS);
  CHECK_EQ(translated[0], MPI_UNDEFINED);
  CHECK_EQ(translated[1], MPI_PROC_NULL);
  for (MPI_Group* group : {&world, &self, &subject, &others, &all, &mine}) MPI_Group_free(group);
}

void wrong_ranks_are_errors(const Job& job) {
  MPI_Group world = world_group();
  MPI_Group made = MPI_GROUP_NULL;
  const int high = job.size();
  const int twice[2] = {1, 1};
  int no_stride[1][3] = {{0, 1, 0}};
  int too_far[1][3] = {{0, job.size(), 1}};
  int translated = -1;
  CHECK_EQ(error_class(MPI_Group_incl(world, 1, &high, &made)), MPI_ERR_RANK);
  CHECK_EQ(error_class(MPI_Group_excl(world, 1, &high, &made)), MPI_ERR_RANK);
  CHECK_EQ(error_class(MPI_Group_incl(world, 2, twice, &made)), MPI_ERR_RANK);
  CHECK_EQ(error_class(MPI_Group_range_incl(world, 1, no_stride, &made)), MPI_ERR_ARG);
  CHECK_EQ(error_class(MPI_Group_range_incl(world, 1, too_far, &made)), MPI_ERR_RANK);
  CHECK_EQ(error_class(MPI_Group_translate_ranks(world, 1, &high, world, &translated)), MPI_ERR_RANK);
  MPI_Group empty = including(world, {});
  CHECK(empty == MPI_GROUP_EMPTY);
  MPI_Group_free(&world);
}

void many_groups_come_and_go(const Job& job) {
  for (int i = 0; i < 2000; ++i) {
    MPI_Group world = world_group();
    MPI_Group other = including(world, {i % job.size(), (i + 1) % job.size()});
    int size = -1;
    MPI_Group_free(&world);
    if (!CHECK_EQ(MPI_Group_size(other, &size), MPI_SUCCESS) || !CHECK_EQ(size, 2)) return;
    MPI_Group_free(&other);
  }
}

}  // namespace
}  // namespace sluice::testing

int main(int argc, char** argv) {
  using namespace sluice::testing;  // NOLINT(google-build-using-namespace)
  const Job job(&argc, &argv);
  world_has_everybody(job);
  reversed_is_similar(job);
  ranges(job);
  mixed_with_groups_of_the_subject(job);
  wrong_ranks_are_errors(job);
  many_groups_come_and_go(job);
  return Job::finish();
}
