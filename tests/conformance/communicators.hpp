// What every communicator that a case makes is put to.
#pragma once

#include <mpi.h>

#include <algorithm>
#include <vector>

#include "tests/conformance/harness.hpp"

namespace sluice::conformance {

/// World ranks of the members of a group, which is freed.
inline std::vector<int> members_of(MPI_Group group) {
  MPI_Group world = MPI_GROUP_NULL;
  int size = 0;
  CALL(MPI_Comm_group(MPI_COMM_WORLD, &world));
  CALL(MPI_Group_size(group, &size));
  std::vector<int> ranks(static_cast<std::size_t>(size)), result(ranks.size(), -1);
  for (std::size_t i = 0; i < ranks.size(); ++i) ranks[i] = static_cast<int>(i);
  CALL(MPI_Group_translate_ranks(group, size, ranks.data(), world, result.data()));
  CALL(MPI_Group_free(&group));
  CALL(MPI_Group_free(&world));
  return result;
}

/// World ranks of the members of `comm`, by its group.
inline std::vector<int> world_ranks(MPI_Comm comm) {
  MPI_Group group = MPI_GROUP_NULL;
  CALL(MPI_Comm_group(comm, &group));
  return members_of(group);
}

/// `comm` has these world ranks, in this order; messages on it go to whom they should, where they may, and are not
/// taken for messages on MPI_COMM_WORLD with the same tag.
inline void check_communicator(const Case& c, MPI_Comm comm, const std::vector<int>& members) {
  int size = -1, rank = -1, inter = -1;
  CALL(MPI_Comm_size(comm, &size));
  CALL(MPI_Comm_rank(comm, &rank));
  CALL(MPI_Comm_test_inter(comm, &inter));
  CHECK_EQ(inter, 0);
  CHECK_EQ(size, members.size());
  CHECK_EQ(rank, std::find(members.begin(), members.end(), c.rank) - members.begin());
  if (size != static_cast<int>(members.size())) throw Stopped{};
  CHECK(world_ranks(comm) == members);
  const int tag = c.tag + 60;
  for (int from = 0; from + 1 < size; ++from) {
    const int world_from = members[static_cast<std::size_t>(from)], to = from + 1;
    const int world_to = members[static_cast<std::size_t>(to)];
    if (!c.flow(world_from, world_to)) continue;
    int in_world = number(from, 1), in_comm = number(from, 2), got = -1;
    MPI_Status status;
    if (rank == from) {
      CALL(MPI_Send(&in_world, 1, MPI_INT, world_to, tag, MPI_COMM_WORLD));
      CALL(MPI_Send(&in_comm, 1, MPI_INT, to, tag, comm));
    } else if (rank == to) {
      CALL(MPI_Recv(&got, 1, MPI_INT, MPI_ANY_SOURCE, tag, comm, &status));
      CHECK_EQ(got, in_comm);
      CHECK_STATUS(status, from, tag, 1, MPI_INT);
      CALL(MPI_Recv(&got, 1, MPI_INT, world_from, tag, MPI_COMM_WORLD, &status));
      CHECK_EQ(got, in_world);
      CHECK_STATUS(status, world_from, tag, 1, MPI_INT);
    }
  }
}

/// All world ranks in order.
inline std::vector<int> everybody(const Case& c) {
  std::vector<int> ranks(static_cast<std::size_t>(c.size));
  for (std::size_t i = 0; i < ranks.size(); ++i) ranks[i] = static_cast<int>(i);
  return ranks;
}

/// Every rank's contribution arrives everywhere: for communicators whose members may all send to each other.
inline void check_allreduce(MPI_Comm comm) {
  int size = 0, rank = 0, sum = -1;
  CALL(MPI_Comm_size(comm, &size));
  CALL(MPI_Comm_rank(comm, &rank));
  const int mine = rank + 1;
  CALL(MPI_Allreduce(&mine, &sum, 1, MPI_INT, MPI_SUM, comm));
  CHECK_EQ(sum, size * (size + 1) / 2);
}

}  // namespace sluice::conformance
