// Communicators that span subjects: made, used, compared and freed. What is expected of a split follows from which
// subjects may send to which, so the same program runs whatever the policy says.
#include "tests/integration/communicators.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

namespace sluice::testing {
namespace {

std::vector<int> everyone(const Job& job) {
  std::vector<int> ranks(static_cast<std::size_t>(job.size()));
  std::iota(ranks.begin(), ranks.end(), 0);
  return ranks;
}

int compare(MPI_Comm first, MPI_Comm second) {
  int result = -1;
  CHECK_EQ(MPI_Comm_compare(first, second, &result), MPI_SUCCESS);
  return result;
}

void release(MPI_Comm comm) {
  if (comm == MPI_COMM_NULL) return;
  CHECK_EQ(MPI_Comm_free(&comm), MPI_SUCCESS);
  CHECK(comm == MPI_COMM_NULL);
}

/// Ranks that a split keeps together: same color, and subjects that flow both ways and have the same partners.
std::vector<int> split_members(const std::vector<int>& members, int world, int (*color)(int), int (*key)(int)) {
  const auto partners = [&](int rank) {
    std::vector<int> found;
    for (const int other : members) {
      if (may_send(rank, other) && may_send(other, rank)) found.push_back(other);
    }
    return found;
  };
  std::vector<int> kept;
  for (const int other : members) {
    if (color(other) == color(world) && partners(other) == partners(world)) kept.push_back(other);
  }
  std::stable_sort(kept.begin(), kept.end(), [&](int left, int right) { return key(left) < key(right); });
  return kept;
}

void duplicates(const Job& job) {
  MPI_Comm first = MPI_COMM_NULL, second = MPI_COMM_NULL, third = MPI_COMM_NULL, fourth = MPI_COMM_NULL;
  MPI_Request request = MPI_REQUEST_NULL;
  CHECK_EQ(MPI_Comm_dup(MPI_COMM_WORLD, &first), MPI_SUCCESS);
  CHECK_EQ(MPI_Comm_dup_with_info(first, MPI_INFO_NULL, &second), MPI_SUCCESS);
  CHECK_EQ(MPI_Comm_dup(first, &third), MPI_SUCCESS);
  CHECK_EQ(MPI_Comm_idup(first, &fourth, &request), MPI_SUCCESS);
  CHECK_EQ(MPI_Wait(&request, MPI_STATUS_IGNORE), MPI_SUCCESS);
  int value = 1;
  for (const MPI_Comm comm : {first, second, third, fourth}) check_communicator(comm, everyone(job), value++);
  CHECK_EQ(compare(first, first), MPI_IDENT);
  CHECK_EQ(compare(first, third), MPI_CONGRUENT);
  CHECK_EQ(compare(MPI_COMM_WORLD, second), MPI_CONGRUENT);
  CHECK_EQ(compare(second, MPI_COMM_SUBJECT), MPI_UNEQUAL);
  release(first);
  check_communicator(third, everyone(job), 9);
  for (const MPI_Comm comm : {second, third, fourth}) release(comm);
}

/// A duplicate under way holds nobody up: the ranks come to it in order, each when the one before has said so.
void duplicates_one_after_another(const Job& job) {
  int inner = 0, count = 0;
  MPI_Comm_rank(MPI_COMM_SUBJECT, &inner);
  MPI_Comm_size(MPI_COMM_SUBJECT, &count);
  MPI_Comm made[2] = {MPI_COMM_NULL, MPI_COMM_NULL};
  MPI_Request requests[2];
  int value = 0;
  if (inner > 0) MPI_Recv(&value, 1, MPI_INT, inner - 1, 3, MPI_COMM_SUBJECT, MPI_STATUS_IGNORE);
  for (int i = 0; i < 2; ++i) CHECK_EQ(MPI_Comm_idup(MPI_COMM_WORLD, &made[i], &requests[i]), MPI_SUCCESS);
  if (inner + 1 < count) MPI_Send(&value, 1, MPI_INT, inner + 1, 3, MPI_COMM_SUBJECT);
  CHECK_EQ(MPI_Waitall(2, requests, MPI_STATUSES_IGNORE), MPI_SUCCESS);
  CHECK(requests[0] == MPI_REQUEST_NULL && requests[1] == MPI_REQUEST_NULL);
  check_communicator(made[0], everyone(job), 11);
  check_communicator(made[1], everyone(job), 12);
  MPI_Comm split = MPI_COMM_NULL;
  CHECK_EQ(MPI_Comm_split(made[0], 0, 0, &split), MPI_SUCCESS);
  for (const MPI_Comm comm : {split, made[0], made[1]}) release(comm);
}

int copied = 0;
int deleted = 0;
int copy(MPI_Comm comm, int, void*, void* in, void* out, int* flag) {
  int size = 0;
  MPI_Comm_size(comm, &size);
  *static_cast<void**>(out) = in;
  *flag = 1;
  copied += size;
  return MPI_SUCCESS;
}
int remove(MPI_Comm comm, int, void*, void*) {
  int size = 0;
  MPI_Comm_size(comm, &size);
  deleted += size;
  return MPI_SUCCESS;
}

/// Attributes, with what their callbacks see; error handler and name.
void what_a_duplicate_takes_along(const Job& job) {
  int key = MPI_KEYVAL_INVALID;
  CHECK_EQ(MPI_Comm_create_keyval(copy, remove, &key, nullptr), MPI_SUCCESS);
  int value = 42;
  MPI_Comm first = MPI_COMM_NULL, second = MPI_COMM_NULL;
  CHECK_EQ(MPI_Comm_dup(MPI_COMM_WORLD, &first), MPI_SUCCESS);
  CHECK_EQ(MPI_Comm_set_attr(first, key, &value), MPI_SUCCESS);
  CHECK_EQ(MPI_Comm_set_name(first, "first"), MPI_SUCCESS);
  CHECK_EQ(MPI_Comm_dup(first, &second), MPI_SUCCESS);
  CHECK_EQ(copied, job.size());
  int* found = nullptr;
  int flag = 0;
  CHECK_EQ(MPI_Comm_get_attr(second, key, &found, &flag), MPI_SUCCESS);
  CHECK(flag != 0 && found == &value);
  MPI_Errhandler handler = MPI_ERRHANDLER_NULL;
  CHECK_EQ(MPI_Comm_get_errhandler(second, &handler), MPI_SUCCESS);
  CHECK(handler == MPI_ERRORS_RETURN);
  char name[MPI_MAX_OBJECT_NAME] = "";
  int length = 0;
  CHECK_EQ(MPI_Comm_get_name(first, name, &length), MPI_SUCCESS);
  CHECK_EQ(std::string(name), "first");
  release(second);
  CHECK_EQ(deleted, job.size());
  release(first);
  CHECK_EQ(deleted, 2 * job.size());
  MPI_Comm_free_keyval(&key);
}

MPI_Group group_of(const std::vector<int>& world_ranks) {
  MPI_Group world = MPI_GROUP_NULL, group = MPI_GROUP_NULL;
  CHECK_EQ(MPI_Comm_group(MPI_COMM_WORLD, &world), MPI_SUCCESS);
  CHECK_EQ(MPI_Group_incl(world, static_cast<int>(world_ranks.size()), world_ranks.data(), &group), MPI_SUCCESS);
  MPI_Group_free(&world);
  return group;
}

void from_groups(const Job& job) {
  std::vector<int> reversed = everyone(job);
  std::reverse(reversed.begin(), reversed.end());
  std::vector<int> ends{job.size() - 1, 0};
  std::vector<int> halves[2];
  for (int rank = 0; rank < job.size(); ++rank) halves[rank % 2].push_back(rank);
  int value = 20;
  for (const std::vector<int>& members : {reversed, ends, halves[job.rank() % 2], halves[0]}) {
    MPI_Group group = group_of(members);
    const bool member = std::count(members.begin(), members.end(), job.rank()) != 0;
    MPI_Comm made = MPI_COMM_SELF;
    CHECK_EQ(MPI_Comm_create(MPI_COMM_WORLD, group, &made), MPI_SUCCESS);
    CHECK_EQ(made != MPI_COMM_NULL, member);
    if (member) check_communicator(made, members, value);
    release(made);
    if (member) {
      MPI_Comm other = MPI_COMM_NULL;
      CHECK_EQ(MPI_Comm_create_group(MPI_COMM_WORLD, group, 5, &made), MPI_SUCCESS);
      CHECK_EQ(MPI_Comm_create_group(MPI_COMM_WORLD, group, 5, &other), MPI_SUCCESS);
      check_communicator(made, members, value + 1);
      check_communicator(other, members, value + 2);
      release(made);
      release(other);
    }
    MPI_Group_free(&group);
    value += 3;
  }
  MPI_Comm made = MPI_COMM_NULL;
  CHECK_EQ(MPI_Comm_create(MPI_COMM_WORLD, MPI_GROUP_EMPTY, &made), MPI_SUCCESS);
  CHECK(made == MPI_COMM_NULL);
}

void groups_that_do_not_fit(const Job& job) {
  MPI_Group group = group_of(everyone(job));
  MPI_Comm made = MPI_COMM_NULL;
  MPI_Comm part = MPI_COMM_NULL;
  MPI_Comm_set_errhandler(MPI_COMM_SUBJECT, MPI_ERRORS_RETURN);
  CHECK_EQ(error_class(MPI_Comm_create(MPI_COMM_SUBJECT, group, &made)), MPI_ERR_GROUP);
  MPI_Group ends = group_of({0, job.size() - 1});
  CHECK_EQ(MPI_Comm_create(MPI_COMM_WORLD, ends, &part), MPI_SUCCESS);
  if (part != MPI_COMM_NULL && job.size() > 2) {
    MPI_Comm_set_errhandler(part, MPI_ERRORS_RETURN);
    CHECK_EQ(error_class(MPI_Comm_create(part, group, &made)), MPI_ERR_GROUP);
  }
  release(part);
  MPI_Group_free(&group);
  MPI_Group_free(&ends);
}

void splits(const Job& job) {
  const auto same = [](int) { return 1; };
  const auto parity = [](int rank) { return rank % 2; };
  const auto forward = [](int rank) { return rank; };
  const auto backward = [](int rank) { return -rank; };
  const auto nothing = [](int) { return 0; };
  struct Case {
    int (*color)(int);
    int (*key)(int);
  };
  int value = 40;
  for (const Case& one : {Case{same, forward}, Case{same, backward}, Case{parity, nothing}, Case{parity, backward}}) {
    MPI_Comm made = MPI_COMM_NULL;
    CHECK_EQ(MPI_Comm_split(MPI_COMM_WORLD, one.color(job.rank()), one.key(job.rank()), &made), MPI_SUCCESS);
    const std::vector<int> expected = split_members(everyone(job), job.rank(), one.color, one.key);
    check_communicator(made, expected, value++);
    MPI_Comm again = MPI_COMM_NULL;
    CHECK_EQ(MPI_Comm_split(made, 3, one.key(job.rank()), &again), MPI_SUCCESS);
    check_communicator(again, split_members(expected, job.rank(), same, one.key), value++);
    CHECK_EQ(compare(made, again), MPI_CONGRUENT);
    if (!spans(expected)) {
      int sum = 0;
      const int own = 1;
      CHECK_EQ(MPI_Allreduce(&own, &sum, 1, MPI_INT, MPI_SUM, made), MPI_SUCCESS);
      CHECK_EQ(sum, expected.size());
    }
    release(again);
    release(made);
  }
}

void splits_without_some(const Job& job) {
  MPI_Comm made = MPI_COMM_SELF;
  CHECK_EQ(MPI_Comm_split(MPI_COMM_WORLD, job.rank() % 2 == 0 ? 0 : MPI_UNDEFINED, 0, &made), MPI_SUCCESS);
  CHECK_EQ(made == MPI_COMM_NULL, job.rank() % 2 != 0);
  if (made != MPI_COMM_NULL) {
    const auto parity = [](int rank) { return rank % 2; };
    const auto nothing = [](int) { return 0; };
    check_communicator(made, split_members(everyone(job), job.rank(), parity, nothing), 60);
  }
  release(made);
  CHECK_EQ(error_class(MPI_Comm_split(MPI_COMM_WORLD, -5, 0, &made)), MPI_ERR_ARG);
}

void split_by_memory(const Job& job) {
  MPI_Comm made = MPI_COMM_NULL;
  CHECK_EQ(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, -job.rank(), MPI_INFO_NULL, &made), MPI_SUCCESS);
  std::vector<int> expected = members_of(MPI_COMM_SUBJECT);
  std::reverse(expected.begin(), expected.end());
  check_communicator(made, expected, 70);
  CHECK_EQ(MPI_Barrier(made), MPI_SUCCESS);
  release(made);
  CHECK_EQ(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_UNDEFINED, 0, MPI_INFO_NULL, &made), MPI_SUCCESS);
  CHECK(made == MPI_COMM_NULL);
}

void kind_and_ends(const Job& job) {
  MPI_Comm made = MPI_COMM_NULL;
  CHECK_EQ(MPI_Comm_dup(MPI_COMM_WORLD, &made), MPI_SUCCESS);
  int flag = 1;
  CHECK_EQ(MPI_Comm_test_inter(made, &flag), MPI_SUCCESS);
  CHECK_EQ(flag, 0);
  MPI_Info info = MPI_INFO_NULL;
  CHECK_EQ(MPI_Comm_get_info(made, &info), MPI_SUCCESS);
  CHECK_EQ(MPI_Comm_set_info(made, info), MPI_SUCCESS);
  MPI_Info_free(&info);
  check_communicator(made, everyone(job), 80);
  CHECK_EQ(MPI_Comm_disconnect(&made), MPI_SUCCESS);
  CHECK(made == MPI_COMM_NULL);
}

/// A receive that waits on one communicator takes nothing of another, and making communicators goes on meanwhile.
void receives_wait_meanwhile(const Job& job) {
  MPI_Comm made = MPI_COMM_NULL, other = MPI_COMM_NULL;
  CHECK_EQ(MPI_Comm_dup(MPI_COMM_WORLD, &made), MPI_SUCCESS);
  const int last = job.size() - 1;
  int value = -1;
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Status status;
  if (job.rank() == last) MPI_Irecv(&value, 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, made, &request);
  CHECK_EQ(MPI_Comm_split(made, 0, 0, &other), MPI_SUCCESS);
  if (job.rank() == 0) {
    CHECK_EQ(send_int(1, last, 1), MPI_SUCCESS);
    const int sent = 2;
    CHECK_EQ(MPI_Send(&sent, 1, MPI_INT, last, 2, made), MPI_SUCCESS);
  }
  if (job.rank() == last) {
    CHECK_EQ(MPI_Wait(&request, &status), MPI_SUCCESS);
    CHECK_EQ(value, 2);
    CHECK_EQ(status.MPI_SOURCE, 0);
    CHECK_EQ(receive_int(0, 1), 1);
  }
  release(other);
  release(made);
}

/// What was begun on a communicator ends after it is freed.
void freed_while_receives_wait(const Job& job) {
  MPI_Comm made = MPI_COMM_NULL;
  CHECK_EQ(MPI_Comm_dup(MPI_COMM_WORLD, &made), MPI_SUCCESS);
  const int last = job.size() - 1;
  std::vector<MPI_Request> requests;
  std::vector<int> values(static_cast<std::size_t>(job.size()), -1);
  if (job.rank() == last) {
    for (int rank = 0; rank < last; ++rank) {
      if (!may_send(rank, last)) continue;
      int& value = values[requests.size()];
      MPI_Irecv(&value, 1, MPI_INT, MPI_ANY_SOURCE, 4, made, &requests.emplace_back());
    }
    release(made);
    // Only now may the others of the own subject send.
    for (int rank = 0; rank < last; ++rank) {
      if (may_send(last, rank)) send_int(1, rank, 5);
    }
  } else {
    if (may_send(last, job.rank())) receive_int(last, 5);
    const int rank = job.rank();
    if (may_send(rank, last)) CHECK_EQ(MPI_Send(&rank, 1, MPI_INT, last, 4, made), MPI_SUCCESS);
    release(made);
  }
  CHECK_EQ(MPI_Waitall(static_cast<int>(requests.size()), requests.data(), MPI_STATUSES_IGNORE), MPI_SUCCESS);
  values.resize(requests.size());
  std::sort(values.begin(), values.end());
  CHECK(std::adjacent_find(values.begin(), values.end()) == values.end());
  CHECK_EQ(std::count(values.begin(), values.end(), -1), 0);
}

void many_come_and_go(const Job& job) {
  for (int i = 0; i < 30; ++i) {
    MPI_Comm made = MPI_COMM_NULL, part = MPI_COMM_NULL;
    if (!CHECK_EQ(MPI_Comm_dup(MPI_COMM_WORLD, &made), MPI_SUCCESS)) return;
    if (!CHECK_EQ(MPI_Comm_split(made, job.rank() % 2, 0, &part), MPI_SUCCESS)) return;
    release(made);
    release(part);
  }
}

}  // namespace
}  // namespace sluice::testing

int main(int argc, char** argv) {
  using namespace sluice::testing;  // NOLINT(google-build-using-namespace)
  const Job job(&argc, &argv);
  Verdict& verdict = Verdict::get();
  verdict.begin("duplicates"), duplicates(job);
  verdict.begin("duplicates one after another"), duplicates_one_after_another(job);
  verdict.begin("what a duplicate takes along"), what_a_duplicate_takes_along(job);
  verdict.begin("from groups"), from_groups(job);
  verdict.begin("groups that do not fit"), groups_that_do_not_fit(job);
  verdict.begin("splits"), splits(job);
  verdict.begin("splits without some"), splits_without_some(job);
  verdict.begin("split by memory"), split_by_memory(job);
  verdict.begin("kind and ends"), kind_and_ends(job);
  verdict.begin("receives wait meanwhile"), receives_wait_meanwhile(job);
  verdict.begin("freed while receives wait"), freed_while_receives_wait(job);
  verdict.begin("many come and go"), many_come_and_go(job);
  return Job::finish();
}
