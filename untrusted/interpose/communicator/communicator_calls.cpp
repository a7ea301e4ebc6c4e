// Communicators that span subjects: made, compared, freed (MPI 3.1, section 6.4).
#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <utility>

#include "mediated.hpp"
#include "untrusted/interpose/communicator/class_exchange.hpp"
#include "untrusted/interpose/communicator/group.hpp"
#include "untrusted/interpose/communicator/idup.hpp"
#include "untrusted/interpose/communicator/inter_children.hpp"
#include "untrusted/interpose/communicator/intercommunicator.hpp"
#include "untrusted/interpose/communicator/new_communicator.hpp"
#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/layer.hpp"
#include "untrusted/interpose/point_to_point/progress.hpp"

namespace sluice::interpose {

namespace {

/// Completes a duplicate that the host MPI has made of `parent`'s part.
int complete_duplicate(VirtualComm& parent, std::uint64_t ordinal, MPI_Comm made, MPI_Comm* newcomm) {
  const std::uint64_t context = derive_context(parent.context, ordinal, 0);
  if (parent.is_inter()) return complete_inter_duplicate(parent, context, made, newcomm);
  return complete_communicator(parent.host, made, parent.world_rank, context, parent.topology, newcomm);
}

template <typename Duplicate>
int duplicate(VirtualComm& parent, MPI_Comm* newcomm, Duplicate&& by_host) {
  if (newcomm == nullptr) return raise(parent.host, MPI_ERR_ARG);
  const std::uint64_t ordinal = next_child(parent);
  MPI_Comm made = MPI_COMM_NULL;
  int error = meet(parent);
  if (error == MPI_SUCCESS) error = by_host(&made);
  return error == MPI_SUCCESS ? complete_duplicate(parent, ordinal, made, newcomm) : error;
}

constexpr char kNothingShared[] =
    "the groups of an intercommunicator of several subjects share nothing. Merge it first (MPI_Intercomm_merge)";

constexpr std::int32_t kNoColor = -1;

int create_from_group(VirtualComm& parent, const RankList& world_ranks, int tag, MPI_Comm* newcomm) {
  std::uint64_t family = 0;
  std::uint64_t ordinal = 0;
  {
    const Lock lock;
    // Only these members make it, so their calls are counted by themselves.
    family = derive_context(parent.context, ~std::uint64_t{0}, digest(world_ranks) + static_cast<std::uint32_t>(tag));
    ordinal = parent.group_children[family]++;
  }
  MPI_Group group = MPI_GROUP_NULL;
  MPI_Comm made = MPI_COMM_NULL;
  int error = make_host_group(world_ranks, &group);
  if (error != MPI_SUCCESS) return error;
  error = host.Comm_create_group(parent.host, group, tag, &made);
  host.Group_free(&group);
  if (error != MPI_SUCCESS) return error;
  return complete_communicator(parent.host, made, world_ranks, derive_context(family, ordinal, 0), nullptr, newcomm);
}

/// Ends this library's part of a communicator whose handle the host MPI has freed.
void forget(const VirtualComm* communicator) {
  if (communicator == nullptr) return;
  const Lock lock;
  forget_communicator(*communicator);
}

/// Whether a receive of this library's waits on it, for which messages of the own subject may come.
bool receives_wait_on(const VirtualComm& communicator) {
  const Lock lock;
  for (Receive* queued = layer.incoming.posted().first(); queued != nullptr; queued = ReceiveQueue::after(*queued)) {
    if (!queued->internal && static_cast<MpiReceive*>(queued)->comm == &communicator) return true;
  }
  return false;
}

}  // namespace

namespace mediated {

int Comm_dup(MPI_Comm comm, MPI_Comm* newcomm) {
  VirtualComm* parent = lookup(comm);
  if (parent == nullptr) return host.Comm_dup(comm, newcomm);
  return duplicate(*parent, newcomm, [&](MPI_Comm* made) { return host.Comm_dup(comm, made); });
}

int Comm_dup_with_info(MPI_Comm comm, MPI_Info info, MPI_Comm* newcomm) {
  VirtualComm* parent = lookup(comm);
  if (parent == nullptr) return host.Comm_dup_with_info(comm, info, newcomm);
  return duplicate(*parent, newcomm, [&](MPI_Comm* made) { return host.Comm_dup_with_info(comm, info, made); });
}

#if MPI_VERSION >= 4
int Comm_create_from_group(MPI_Group group, const char* stringtag, MPI_Info info, MPI_Errhandler errhandler,
                           MPI_Comm* newcomm) {
  if (!spans_subjects(group)) return host.Comm_create_from_group(group, stringtag, info, errhandler, newcomm);
  return refuse("MPI_Comm_create_from_group", RefusedKind::group, MPI_COMM_WORLD);
}

int Intercomm_create_from_groups(MPI_Group local_group, int local_leader, MPI_Group remote_group, int remote_leader,
                                 const char* stringtag, MPI_Info info, MPI_Errhandler errhandler,
                                 MPI_Comm* newintercomm) {
  if (!spans_subjects(local_group) && !spans_subjects(remote_group)) {
    return host.Intercomm_create_from_groups(local_group, local_leader, remote_group, remote_leader, stringtag, info,
                                             errhandler, newintercomm);
  }
  return refuse("MPI_Intercomm_create_from_groups", RefusedKind::group, MPI_COMM_WORLD);
}
#endif

int Comm_create(MPI_Comm comm, MPI_Group group, MPI_Comm* newcomm) {
  VirtualComm* parent = lookup(comm);
  if (parent == nullptr) {
    return spans_subjects(group) ? raise(comm, MPI_ERR_GROUP) : host.Comm_create(comm, group, newcomm);
  }
  if (newcomm == nullptr) return raise(comm, MPI_ERR_ARG);
  if (parent->is_inter()) return create_from_inter(*parent, group, newcomm);
  RankList world_ranks;
  if (const int error = members_within(parent->world_rank, comm, group, world_ranks); error != MPI_SUCCESS)
    return error;
  return create_communicator(*parent, std::move(world_ranks), nullptr, newcomm);
}

int Comm_create_group(MPI_Comm comm, MPI_Group group, int tag, MPI_Comm* newcomm) {
  VirtualComm* parent = lookup(comm);
  if (parent == nullptr) {
    return spans_subjects(group) ? raise(comm, MPI_ERR_GROUP) : host.Comm_create_group(comm, group, tag, newcomm);
  }
  if (newcomm == nullptr) return raise(comm, MPI_ERR_ARG);
  if (parent->is_inter()) return raise(comm, MPI_ERR_COMM);
  if (tag < 0 || tag > layer.tag_bound) return raise(comm, MPI_ERR_TAG);
  RankList world_ranks;
  if (const int error = members_within(parent->world_rank, comm, group, world_ranks); error != MPI_SUCCESS)
    return error;
  *newcomm = MPI_COMM_NULL;
  if (rank_in(world_ranks, layer.world_rank) < 0) return MPI_SUCCESS;
  return create_from_group(*parent, world_ranks, tag, newcomm);
}

int Comm_split(MPI_Comm comm, int color, int key, MPI_Comm* newcomm) {
  VirtualComm* parent = lookup(comm);
  if (parent == nullptr) return host.Comm_split(comm, color, key, newcomm);
  if (newcomm == nullptr || (color < 0 && color != MPI_UNDEFINED)) return raise(comm, MPI_ERR_ARG);
  if (parent->is_inter()) return split_inter(*parent, color, key, newcomm);
  const std::uint64_t ordinal = next_child(*parent);
  const ExchangeClass members = class_of(*parent);
  RankList world_ranks{layer.world_rank};  // of the own subject alone: the host MPI sorts them
  if (members.subjects.size() > 1) {
    const SplitChoice own{color == MPI_UNDEFINED ? kNoColor : color, key};
    std::vector<std::byte> all;
    const int error = class_allgather(*parent, members, ordinal, std::as_bytes(std::span(&own, 1)), all);
    if (error != MPI_SUCCESS) return raise(comm, error);
    std::vector<SplitChoice> choices(members.ranks.size());
    std::memcpy(choices.data(), all.data(), all.size());
    RankList asked;
    for (const std::int32_t rank : members.ranks) asked.push_back(parent->world_rank[static_cast<std::size_t>(rank)]);
    world_ranks = split(asked, choices, own.color);
  }
  return split_communicator(*parent, ordinal, color, key, std::move(world_ranks), nullptr, newcomm);
}

int Comm_split_type(MPI_Comm comm, int split_type, int key, MPI_Info info, MPI_Comm* newcomm) {
  const VirtualComm* parent = lookup(comm);
  // What is shared is shared inside a subject alone. The host counts its processes in the communicator's order.
  if (parent != nullptr) {
    if (parent->is_inter()) return refuse_because("MPI_Comm_split_type", kNothingShared, comm);
    if (const int error = meet(*parent); error != MPI_SUCCESS) return error;
  }
  return host.Comm_split_type(comm, split_type, key, info, newcomm);
}

int Comm_compare(MPI_Comm comm1, MPI_Comm comm2, int* result) {
  const VirtualComm* first = lookup(comm1);
  const VirtualComm* second = lookup(comm2);
  // The host judges whether the arguments are communicators. What spans subjects has another group than what does not.
  const int error = host.Comm_compare(comm1, comm2, result);
  if (error != MPI_SUCCESS || comm1 == comm2 || (first == nullptr && second == nullptr)) return error;
  *result = MPI_UNEQUAL;
  if (first == nullptr || second == nullptr) return error;
  if (first->is_inter() != second->is_inter()) return error;
  const GroupRelation peers = relate(first->world_rank, second->world_rank);
  const GroupRelation local = relate(first->local_group, second->local_group);
  if (peers == GroupRelation::unequal || local == GroupRelation::unequal) return error;
  const bool identical = peers == GroupRelation::identical && local == GroupRelation::identical;
  *result = identical ? MPI_CONGRUENT : MPI_SIMILAR;
  return error;
}

int Comm_free(MPI_Comm* comm) {
  if (!layer.active || comm == nullptr) return host.Comm_free(comm);
  if (*comm == layer.subject) return raise(*comm, MPI_ERR_COMM);  // predefined
  const VirtualComm* communicator = lookup(*comm);
  if (communicator != nullptr) finish_duplications(*communicator);
  MPI_Comm local_comm = communicator != nullptr ? communicator->local_comm : MPI_COMM_NULL;
  if (communicator != nullptr && *comm != MPI_COMM_WORLD && receives_wait_on(*communicator)) {
    // They look for messages in the host's communicator, which therefore stays. The program's handle is gone.
    forget(communicator);
    *comm = MPI_COMM_NULL;
    return MPI_SUCCESS;
  }
  // Delete callbacks still see it.
  const int error = host.Comm_free(comm);
  if (error == MPI_SUCCESS) forget(communicator);
  if (error == MPI_SUCCESS && local_comm != MPI_COMM_NULL) Comm_free(&local_comm);
  return error;
}

int Comm_disconnect(MPI_Comm* comm) {
  if (!layer.active || comm == nullptr) return host.Comm_disconnect(comm);
  if (*comm == layer.subject) return raise(*comm, MPI_ERR_COMM);
  const VirtualComm* communicator = lookup(*comm);
  if (communicator != nullptr) finish_duplications(*communicator);
  MPI_Comm local_comm = communicator != nullptr ? communicator->local_comm : MPI_COMM_NULL;
  const int error = host.Comm_disconnect(comm);
  if (error == MPI_SUCCESS) forget(communicator);
  if (error == MPI_SUCCESS && local_comm != MPI_COMM_NULL) Comm_free(&local_comm);
  return error;
}

}  // namespace mediated

}  // namespace sluice::interpose
