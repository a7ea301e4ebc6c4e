#include "untrusted/interpose/communicator/new_communicator.hpp"

#include <algorithm>
#include <utility>

#include "untrusted/interpose/communicator/class_exchange.hpp"
#include "untrusted/interpose/communicator/group.hpp"
#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/layer.hpp"

namespace sluice::interpose {

std::uint64_t next_child(VirtualComm& parent) {
  const Lock lock;
  return parent.children++;
}

RankList own_members(const RankList& local_group, const RankList& remote_group) {
  RankList members;
  for (const std::int32_t rank : unite(local_group, remote_group)) {
    if (within_subject({rank})) members.push_back(rank);
  }
  std::sort(members.begin(), members.end());
  return members;
}

int creation_tag(std::uint64_t context) noexcept {
  constexpr std::uint64_t kTags = 32768;
  return static_cast<int>((context >> wire::kChannelBits) % kTags);
}

void inherit_error_handler(MPI_Comm parent, MPI_Comm made) {
  MPI_Errhandler handler = MPI_ERRHANDLER_NULL;
  PMPI_Comm_get_errhandler(parent, &handler);
  PMPI_Comm_set_errhandler(made, handler);
  PMPI_Errhandler_free(&handler);
}

int complete_communicator(MPI_Comm parent, MPI_Comm made, RankList world_ranks, std::uint64_t context,
                          std::shared_ptr<const Topology> topology, MPI_Comm* newcomm) {
  *newcomm = made;
  if (made == MPI_COMM_NULL || within_subject(world_ranks)) return MPI_SUCCESS;
  auto communicator = make_communicator(made, std::move(world_ranks), context);
  if (communicator == nullptr) {
    host.Comm_free(newcomm);
    return raise(parent, MPI_ERR_INTERN);
  }
  communicator->topology = std::move(topology);
  inherit_error_handler(parent, made);
  const Lock lock;
  register_communicator(std::move(communicator));
  return MPI_SUCCESS;
}

int create_communicator(VirtualComm& parent, RankList world_ranks, std::shared_ptr<const Topology> topology,
                        MPI_Comm* newcomm) {
  const std::uint64_t context = derive_context(parent.context, next_child(parent), digest(world_ranks));
  MPI_Group group = MPI_GROUP_NULL;
  MPI_Comm made = MPI_COMM_NULL;
  if (const int error = make_host_group(world_ranks, &group); error != MPI_SUCCESS) return error;
  int error = meet(parent);
  if (error == MPI_SUCCESS) error = host.Comm_create(parent.host, group, &made);
  host.Group_free(&group);
  if (error != MPI_SUCCESS) return error;
  return complete_communicator(parent.host, made, std::move(world_ranks), context, std::move(topology), newcomm);
}

int split_communicator(VirtualComm& parent, std::uint64_t ordinal, int color, int key, RankList world_ranks,
                       std::shared_ptr<const Topology> topology, MPI_Comm* newcomm) {
  MPI_Comm made = MPI_COMM_NULL;
  int error = meet(parent);
  if (error == MPI_SUCCESS) error = host.Comm_split(parent.host, color, key, &made);
  if (error != MPI_SUCCESS) return error;
  const std::uint64_t context = derive_context(parent.context, ordinal, digest(world_ranks));
  return complete_communicator(parent.host, made, std::move(world_ranks), context, std::move(topology), newcomm);
}

}  // namespace sluice::interpose
