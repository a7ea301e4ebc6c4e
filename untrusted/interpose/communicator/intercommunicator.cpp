#include "untrusted/interpose/communicator/intercommunicator.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

#include "mediated.hpp"
#include "untrusted/interpose/communicator/class_exchange.hpp"
#include "untrusted/interpose/communicator/group.hpp"
#include "untrusted/interpose/communicator/group_talk.hpp"
#include "untrusted/interpose/communicator/new_communicator.hpp"
#include "untrusted/interpose/communicator/remote_group.hpp"
#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/layer.hpp"
#include "untrusted/interpose/point_to_point/peer.hpp"

namespace sluice::interpose {

namespace {

/// A communicator of the same processes that the program does not know.
int make_private(MPI_Comm comm, MPI_Comm* made) {
  MPI_Group group = MPI_GROUP_NULL;
  int error = mediated::Comm_group(comm, &group);
  if (error == MPI_SUCCESS) error = mediated::Comm_create(comm, group, made);
  if (group != MPI_GROUP_NULL) mediated::Group_free(&group);
  return error;
}

/// Gives all of the local group what its leader knows.
int tell(const CreateCall& call, Verdict& verdict, RankList& theirs) {
  int error = broadcast(&verdict, sizeof verdict, MPI_BYTE, call.local_leader, call.local_comm);
  if (error != MPI_SUCCESS || verdict.kind != Verdict::Kind::spanning) return error;
  theirs.resize(static_cast<std::size_t>(verdict.remote_size));
  return broadcast(theirs.data(), verdict.remote_size, MPI_INT, call.local_leader, call.local_comm);
}

int create_spanning(const CreateCall& call, const Verdict& verdict, RankList own_group, RankList theirs,
                    MPI_Comm* newcomm) {
  MPI_Comm local_comm = MPI_COMM_NULL;
  int error = make_private(call.local_comm, &local_comm);
  if (error != MPI_SUCCESS) return error;
  MPI_Group group = MPI_GROUP_NULL;
  MPI_Comm made = MPI_COMM_NULL;
  error = make_host_group(own_members(own_group, theirs), &group);
  if (error == MPI_SUCCESS) error = host.Comm_create_group(layer.subject, group, creation_tag(verdict.context), &made);
  if (group != MPI_GROUP_NULL) host.Group_free(&group);
  if (error != MPI_SUCCESS) return error;
  inherit_error_handler(call.local_comm, made);
  return complete_intercommunicator(call.local_comm, made, local_comm, std::move(own_group), std::move(theirs),
                                    verdict.context, newcomm);
}

int refuse_merge(const VirtualComm& inter) {
  return refuse_because("MPI_Intercomm_merge",
                        "the groups have to tell each other which of them comes first, and " +
                            describe_subject(silent_subject(inter)) + " may not send to the other one",
                        inter.host, 0, "Make it from a group of MPI_COMM_WORLD by MPI_Comm_create",
                        "Use MPI_Comm_create");
}

}  // namespace

int complete_intercommunicator(MPI_Comm parent, MPI_Comm made, MPI_Comm local_comm, RankList local_group,
                               RankList remote_group, std::uint64_t context, MPI_Comm* newcomm) {
  const RankList members = own_members(local_group, remote_group);
  auto communicator = make_intercommunicator(made, members, std::move(local_group), std::move(remote_group), context);
  if (communicator == nullptr) {
    host.Comm_free(&made);
    mediated::Comm_free(&local_comm);
    return raise(parent, MPI_ERR_INTERN);
  }
  communicator->local_comm = local_comm;
  *newcomm = made;
  const Lock lock;
  register_communicator(std::move(communicator));
  return MPI_SUCCESS;
}

int complete_inter_duplicate(VirtualComm& parent, std::uint64_t context, MPI_Comm made, MPI_Comm* newcomm) {
  MPI_Comm local_comm = MPI_COMM_NULL;
  if (const int error = make_private(local_comm_of(parent), &local_comm); error != MPI_SUCCESS) return error;
  return complete_intercommunicator(parent.host, made, local_comm, parent.local_group, parent.world_rank, context,
                                    newcomm);
}

namespace mediated {

int Intercomm_create(MPI_Comm local_comm, int local_leader, MPI_Comm peer_comm, int remote_leader, int tag,
                     MPI_Comm* newintercomm) {
  const CreateCall call{local_comm, local_leader, peer_comm, remote_leader, tag};
  // Only a leader need know whether the other group is of another subject, so every call comes here.
  if (!layer.active) {
    return host.Intercomm_create(local_comm, local_leader, peer_comm, remote_leader, tag, newintercomm);
  }
  if (newintercomm == nullptr) return raise(local_comm, MPI_ERR_ARG);
  RankList own_group;
  if (const int error = group_of(local_comm, own_group); error != MPI_SUCCESS) return error;
  if (local_leader < 0 || static_cast<std::size_t>(local_leader) >= own_group.size()) {
    return raise(local_comm, MPI_ERR_RANK);
  }
  Verdict verdict;
  RankList theirs;
  const bool leads = own_group[static_cast<std::size_t>(local_leader)] == layer.world_rank;
  if (const VirtualComm* local = lookup(local_comm); local != nullptr && !class_of(*local).is_all_of(*local)) {
    if (leads) learn_remote_group(call, {}, theirs);  // the other side waits for an answer
    return refuse_because("MPI_Intercomm_create",
                          "the members of the local group cannot all tell each other of the other one", local_comm, 0,
                          "Use a local communicator whose subjects all flow both ways");
  }
  if (leads) verdict = learn_remote_group(call, own_group, theirs);
  if (const int error = tell(call, verdict, theirs); error != MPI_SUCCESS) return error;
  if (verdict.kind == Verdict::Kind::by_host) {
    const VirtualComm* peers = leads ? lookup(peer_comm) : nullptr;
    const int remote = peers != nullptr ? to_host(*peers, remote_leader) : remote_leader;
    return host.Intercomm_create(local_comm, local_leader, peer_comm, remote, tag, newintercomm);
  }
  if (verdict.kind != Verdict::Kind::spanning) return refuse_verdict(call, verdict, leads);
  return create_spanning(call, verdict, std::move(own_group), std::move(theirs), newintercomm);
}

int Intercomm_merge(MPI_Comm intercomm, int high, MPI_Comm* newintracomm) {
  VirtualComm* inter = lookup(intercomm);
  if (inter == nullptr || !inter->is_inter()) return host.Intercomm_merge(intercomm, high, newintracomm);
  if (newintracomm == nullptr) return raise(intercomm, MPI_ERR_ARG);
  if (talk_between(*inter) != Talk::both) return refuse_merge(*inter);
  const std::uint64_t ordinal = next_child(*inter);
  const std::int32_t own = high != 0 ? 1 : 0;
  std::int32_t other = 0;
  const int error =
      tell_groups(*inter, ordinal, std::as_bytes(std::span(&own, 1)), std::as_writable_bytes(std::span(&other, 1)));
  if (error != MPI_SUCCESS) return raise(intercomm, error);
  // Groups that say the same are ordered by their first members.
  const bool first = own != other ? own < other : inter->local_group.front() < inter->world_rank.front();
  RankList world_ranks =
      first ? unite(inter->local_group, inter->world_rank) : unite(inter->world_rank, inter->local_group);
  const int key = rank_in(world_ranks, layer.world_rank);
  return split_communicator(*inter, ordinal, 0, key, std::move(world_ranks), nullptr, newintracomm);
}

int Comm_remote_size(MPI_Comm comm, int* size) {
  const VirtualComm* inter = lookup(comm);
  if (inter == nullptr || !inter->is_inter() || size == nullptr) return host.Comm_remote_size(comm, size);
  *size = inter->size;
  return MPI_SUCCESS;
}

int Comm_remote_group(MPI_Comm comm, MPI_Group* group) {
  const VirtualComm* inter = lookup(comm);
  if (inter == nullptr || !inter->is_inter() || group == nullptr) return host.Comm_remote_group(comm, group);
  return make_group(inter->world_rank, group);
}

int Comm_test_inter(MPI_Comm comm, int* flag) {
  const VirtualComm* inter = lookup(comm);
  if (inter == nullptr || !inter->is_inter() || flag == nullptr) return host.Comm_test_inter(comm, flag);
  *flag = 1;
  return MPI_SUCCESS;
}

}  // namespace mediated

}  // namespace sluice::interpose
