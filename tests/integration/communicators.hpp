// What the tests of communicators that span subjects share.
#pragma once

#include <vector>

#include "tests/support/subjects.hpp"

namespace sluice::testing {

/// World ranks of a communicator's members, by rank.
inline std::vector<int> members_of(MPI_Comm comm) {
  MPI_Group group = MPI_GROUP_NULL;
  MPI_Group world = MPI_GROUP_NULL;
  int size = 0;
  CHECK_EQ(MPI_Comm_group(comm, &group), MPI_SUCCESS);
  CHECK_EQ(MPI_Comm_group(MPI_COMM_WORLD, &world), MPI_SUCCESS);
  CHECK_EQ(MPI_Group_size(group, &size), MPI_SUCCESS);
  std::vector<int> ranks(static_cast<std::size_t>(size));
  std::vector<int> members(ranks.size(), -1);
  for (int i = 0; i < size; ++i) ranks[static_cast<std::size_t>(i)] = i;
  CHECK_EQ(MPI_Group_translate_ranks(group, size, ranks.data(), world, members.data()), MPI_SUCCESS);
  CHECK_EQ(MPI_Group_free(&group), MPI_SUCCESS);
  CHECK_EQ(MPI_Group_free(&world), MPI_SUCCESS);
  return members;
}

/// Whether world rank `from` may send to world rank `to`.
inline bool may_send(int from, int to) {
  int sender = -1;
  int receiver = -1;
  int allowed = 0;
  MPIX_Subject_of_rank(from, &sender);
  MPIX_Subject_of_rank(to, &receiver);
  MPIX_Flow_allowed(sender, receiver, &allowed);
  return allowed != 0;
}

/// Has the communicator these members, in this order, and does a message of every member reach every other that it may
/// be sent to, and nobody on another communicator? All members call it.
inline void check_communicator(MPI_Comm comm, const std::vector<int>& expected, int value) {
  if (!CHECK(comm != MPI_COMM_NULL)) return;
  int rank = -1;
  int size = -1;
  int world = -1;
  MPI_Comm_rank(MPI_COMM_WORLD, &world);
  CHECK_EQ(MPI_Comm_rank(comm, &rank), MPI_SUCCESS);
  CHECK_EQ(MPI_Comm_size(comm, &size), MPI_SUCCESS);
  CHECK_EQ(size, expected.size());
  if (!CHECK(members_of(comm) == expected) || !CHECK_EQ(expected[static_cast<std::size_t>(rank)], world)) return;
  std::vector<int> sent(expected.size());
  std::vector<int> received(expected.size(), -1);
  std::vector<MPI_Request> requests;
  for (int other = 0; other < size; ++other) {
    const auto index = static_cast<std::size_t>(other);
    if (other == rank || !may_send(expected[index], world)) continue;
    MPI_Irecv(&received[index], 1, MPI_INT, other, 7, comm, &requests.emplace_back());
  }
  for (int other = 0; other < size; ++other) {
    const auto index = static_cast<std::size_t>(other);
    if (other == rank || !may_send(world, expected[index])) continue;
    sent[index] = value * 10000 + rank * 100 + other;
    CHECK_EQ(MPI_Send(&sent[index], 1, MPI_INT, other, 7, comm), MPI_SUCCESS);
  }
  CHECK_EQ(MPI_Waitall(static_cast<int>(requests.size()), requests.data(), MPI_STATUSES_IGNORE), MPI_SUCCESS);
  for (int other = 0; other < size; ++other) {
    const auto index = static_cast<std::size_t>(other);
    const bool sends = other != rank && may_send(expected[index], world);
    CHECK_EQ(received[index], sends ? value * 10000 + other * 100 + rank : -1);
  }
}

/// Whether members of other subjects are in a communicator.
inline bool spans(const std::vector<int>& members) {
  int mine = -1;
  MPIX_Subject_mine(&mine);
  for (const int member : members) {
    int subject = -1;
    MPIX_Subject_of_rank(member, &subject);
    if (subject != mine) return true;
  }
  return false;
}

}  // namespace sluice::testing
