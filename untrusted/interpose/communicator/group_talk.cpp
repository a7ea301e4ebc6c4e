#include "untrusted/interpose/communicator/group_talk.hpp"

#include <algorithm>
#include <vector>

#include "mediated.hpp"
#include "untrusted/interpose/communicator/class_exchange.hpp"
#include "untrusted/interpose/communicator/group.hpp"
#include "untrusted/interpose/communicator/new_communicator.hpp"
#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/layer.hpp"
#include "untrusted/interpose/point_to_point/peer.hpp"

namespace sluice::interpose {

namespace {

std::uint32_t subject_of(std::int32_t world_rank) {
  return layer.session.table.subject_of(static_cast<std::uint32_t>(world_rank));
}

bool share_a_subject(const VirtualComm& inter) {
  return std::any_of(inter.local_group.begin(), inter.local_group.end(), [&](std::int32_t ours) {
    return std::any_of(inter.world_rank.begin(), inter.world_rank.end(),
                       [&](std::int32_t theirs) { return subject_of(ours) == subject_of(theirs); });
  });
}

/// In the first rank of a group.
int talk(const VirtualComm& inter, std::uint64_t ordinal, std::span<const std::byte> ours,
         std::span<std::byte> theirs) {
  if (inter.is_local(0)) {
    const int peer = to_host(inter, 0);
    const int tag = layer.tag_bound;  // above those of collectives
    MPI_Request coming = MPI_REQUEST_NULL;
    MPI_Request going = MPI_REQUEST_NULL;
    int error = host.Irecv(theirs.data(), static_cast<int>(theirs.size()), MPI_BYTE, peer, tag, inter.hidden, &coming);
    if (error != MPI_SUCCESS) return error;
    error = host.Isend(ours.data(), static_cast<int>(ours.size()), MPI_BYTE, peer, tag, inter.hidden, &going);
    if (error == MPI_SUCCESS) error = finish_by_host(coming);
    return error == MPI_SUCCESS ? finish_by_host(going) : error;
  }
  const Talk allowed = talk_between(inter);
  const std::uint64_t context = exchange_context(inter, ordinal);
  if (allowed == Talk::both || allowed == Talk::tells) send_block(inter, context, 0, ours);
  return allowed == Talk::both || allowed == Talk::is_told ? receive_block(inter, context, 0, theirs) : MPI_SUCCESS;
}

}  // namespace

Talk talk_between(const VirtualComm& inter) {
  const PrivilegeView& table = layer.session.table;
  const std::uint32_t own = subject_of(inter.local_group.front());
  const std::uint32_t other = subject_of(inter.world_rank.front());
  const bool up = own == other || table.allowed(own, other);
  const bool down = own == other || table.allowed(other, own);
  if (up && down) return Talk::both;
  // Ranks of one subject make the new communicator together, so what one of them cannot know stops all.
  if ((!up && !down) || share_a_subject(inter)) return Talk::in_vain;
  return up ? Talk::tells : Talk::is_told;
}

std::uint32_t silent_subject(const VirtualComm& inter) {
  const std::uint32_t own = subject_of(inter.local_group.front());
  const std::uint32_t other = subject_of(inter.world_rank.front());
  return layer.session.table.allowed(own, other) ? other : own;
}

MPI_Comm local_comm_of(VirtualComm& inter) {
  if (inter.local_comm != MPI_COMM_NULL) return inter.local_comm;
  MPI_Group group = MPI_GROUP_NULL;
  MPI_Comm made = MPI_COMM_NULL;
  int error = make_host_group(inter.local_group, &group);
  if (error == MPI_SUCCESS) error = host.Comm_create_group(layer.subject, group, creation_tag(inter.context), &made);
  if (group != MPI_GROUP_NULL) host.Group_free(&group);
  if (error != MPI_SUCCESS) return MPI_COMM_NULL;
  const std::uint64_t context = derive_context(inter.context, ~std::uint64_t{0}, digest(inter.local_group));
  error = complete_communicator(inter.host, made, inter.local_group, context, nullptr, &inter.local_comm);
  return error == MPI_SUCCESS ? inter.local_comm : MPI_COMM_NULL;
}

int tell_groups(VirtualComm& inter, std::uint64_t ordinal, std::span<const std::byte> ours,
                std::span<std::byte> theirs) {
  const int error = inter.rank == 0 ? talk(inter, ordinal, ours, theirs) : MPI_SUCCESS;
  int failed = error == MPI_SUCCESS ? 0 : 1;  // a code means something in its own process alone
  if (const int untold = broadcast(&failed, 1, MPI_INT, 0, local_comm_of(inter)); untold != MPI_SUCCESS) return untold;
  if (failed != 0) return error != MPI_SUCCESS ? error : ended_error(-1);
  return broadcast(theirs.data(), static_cast<int>(theirs.size()), MPI_BYTE, 0, local_comm_of(inter));
}

int broadcast(void* buffer, int count, MPI_Datatype datatype, int root, MPI_Comm comm) {
  if (lookup(comm) != nullptr) return mediated::Bcast(buffer, count, datatype, root, comm);
  MPI_Request request = MPI_REQUEST_NULL;
  const int error = host.Ibcast(buffer, count, datatype, root, comm, &request);
  return error == MPI_SUCCESS ? finish_by_host(request) : error;
}

}  // namespace sluice::interpose
