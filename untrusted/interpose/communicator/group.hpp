// Groups of processes. One that lies inside the own subject is a group of the host MPI. One that does not is a genuine
// handle of the host MPI, which stands for nothing there, and a list of world ranks here.
#pragma once

#include "untrusted/interpose/communicator/group_algebra.hpp"
#include "untrusted/interpose/host_mpi.hpp"

namespace sluice::interpose {

/// Once, before the first communicator of several subjects is there.
void open_groups();
/// Forgets all.
void close_groups();

/// Whether processes of other subjects are in the group.
bool spans_subjects(MPI_Group group);

/// Whether all these world ranks are of the own subject.
bool within_subject(const RankList& world_ranks) noexcept;

/// Finds the members of a group, whoever made it. Returns an error for which the error handler has been called.
int world_ranks_of(MPI_Group group, RankList& world_ranks);

/// The same for a group that a communicator is to be made of: its members have to be among `whole`, of `comm`. Returns
/// an error for which the error handler has been called.
int members_within(const RankList& whole, MPI_Comm comm, MPI_Group group, RankList& world_ranks);

/// Makes a group: one of the host MPI, MPI_GROUP_EMPTY or one of ours. Returns an error for which the error handler has
/// been called.
int make_group(RankList world_ranks, MPI_Group* group);

/// Makes a group of the host MPI of those members that are of the own subject, in their order. To be freed, empty or
/// not.
int make_host_group(const RankList& world_ranks, MPI_Group* group);

/// Takes a group of ours out of the table; its handle is to be freed after. Nothing happens if it is none.
void forget_group(MPI_Group group);

/// Groups belong to no communicator: both host MPIs call the error handler of MPI_COMM_WORLD.
int raise_group_error(int code);

}  // namespace sluice::interpose
