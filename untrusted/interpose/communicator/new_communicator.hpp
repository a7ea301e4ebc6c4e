// Makes communicators from one that spans subjects: of the host MPI where all members are of the own subject.
#pragma once

#include <cstdint>
#include <memory>

#include "untrusted/interpose/communicator/communicator.hpp"
#include "untrusted/interpose/communicator/group_algebra.hpp"

namespace sluice::interpose {

struct Topology;

/// The next number of a communicator made from `parent` by a call that all its members make. Every member takes it, be
/// it a member of what is made or not, before anything can fail.
std::uint64_t next_child(VirtualComm& parent);

/// As make_communicator() of communicator.hpp, with `hidden` made already. Makes no collective call.
std::unique_ptr<VirtualComm> make_communicator(MPI_Comm host, MPI_Comm hidden, RankList world_ranks,
                                               std::uint64_t context);

/// The same for make_intercommunicator().
std::unique_ptr<VirtualComm> make_intercommunicator(MPI_Comm host, MPI_Comm hidden, const RankList& members,
                                                    RankList local_group, RankList remote_group, std::uint64_t context);

/// Members of both groups of an intercommunicator that are of the own subject, by world rank.
RankList own_members(const RankList& local_group, const RankList& remote_group);

/// Tag of a MPI_Comm_create_group whose processes have nothing in common yet but the context id that they agreed on.
int creation_tag(std::uint64_t context) noexcept;

/// Gives `made` the error handler of `parent`, which MPICH does not do for what MPI_Comm_create makes.
void inherit_error_handler(MPI_Comm parent, MPI_Comm made);

/// Turns `made`, whose processes are the own subject's members of `world_ranks` in their order, into the communicator
/// of all of them. Collective over `made`. With members of the own subject alone it is that already. Does nothing for
/// MPI_COMM_NULL. Frees `made` if it fails; returns an error for which the handler of `parent` has been called.
int complete_communicator(MPI_Comm parent, MPI_Comm made, RankList world_ranks, std::uint64_t context,
                          std::shared_ptr<const Topology> topology, MPI_Comm* newcomm);

/// Makes a communicator of members of `parent`, as MPI_Comm_create does: every member of `parent` calls it, and
/// `world_ranks` may differ where they have nobody in common. `*newcomm` is MPI_COMM_NULL where this process is none.
int create_communicator(VirtualComm& parent, RankList world_ranks, std::shared_ptr<const Topology> topology,
                        MPI_Comm* newcomm);

/// Makes the communicators of which `world_ranks`, this process among them or not at all, is one: as create, but every
/// process of the own subject's part knows a number of its own, `color`, and a place in it, `key`.
int split_communicator(VirtualComm& parent, std::uint64_t ordinal, int color, int key, RankList world_ranks,
                       std::shared_ptr<const Topology> topology, MPI_Comm* newcomm);

}  // namespace sluice::interpose
