#include "untrusted/interpose/communicator/communicator.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

#include "untrusted/interpose/communicator/new_communicator.hpp"
#include "untrusted/interpose/layer.hpp"

namespace sluice::interpose {

namespace {

/// Mixes well enough that different inputs give different outputs but for chance.
std::uint64_t mix(std::uint64_t value) noexcept {
  value += 0x9e3779b97f4a7c15U;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31);
}

/// A communicator of the same processes without their attributes: copying those would call the program.
MPI_Comm make_hidden(MPI_Comm host_comm) {
  MPI_Group group = MPI_GROUP_NULL;
  MPI_Comm hidden = MPI_COMM_NULL;
  if (host.Comm_group(host_comm, &group) != MPI_SUCCESS) return MPI_COMM_NULL;
  if (host.Comm_create(host_comm, group, &hidden) != MPI_SUCCESS) hidden = MPI_COMM_NULL;
  host.Group_free(&group);
  if (hidden != MPI_COMM_NULL) PMPI_Comm_set_errhandler(hidden, MPI_ERRORS_RETURN);
  return hidden;
}

/// `members`: world ranks of the processes of comm.host, in their order.
void fill_maps(VirtualComm& comm, const std::vector<std::int32_t>& members) {
  const PrivilegeView& table = layer.session.table;
  comm.size = static_cast<std::int32_t>(comm.world_rank.size());
  comm.rank_of_world.assign(table.world_size(), -1);
  comm.host_rank.assign(comm.world_rank.size(), -1);
  for (std::int32_t rank = 0; rank < comm.size; ++rank) {
    const std::int32_t world = comm.world_rank[static_cast<std::size_t>(rank)];
    comm.rank_of_world[static_cast<std::size_t>(world)] = rank;
    const std::uint32_t subject = table.subject_of(static_cast<std::uint32_t>(world));
    if (subject != table.self() && table.from(subject).allowed != 0) comm.any_source.senders.push_back(world);
  }
  for (std::size_t member = 0; member < members.size(); ++member) {
    const std::int32_t rank = comm.rank_of(members[member]);
    comm.rank_of_host.push_back(rank);
    if (rank < 0) continue;
    comm.host_rank[static_cast<std::size_t>(rank)] = static_cast<std::int32_t>(member);
    if (members[member] != layer.world_rank) comm.any_source.local_peers = true;
  }
  comm.local = {comm.host_rank.data(), static_cast<std::uint32_t>(comm.host_rank.size())};
}

std::unique_ptr<VirtualComm> make(MPI_Comm host_comm, MPI_Comm hidden, RankList world_ranks, const RankList& members,
                                  std::uint64_t context) {
  auto made = std::make_unique<VirtualComm>();
  made->host = host_comm;
  made->hidden = hidden;
  made->context = context;
  made->world_rank = std::move(world_ranks);
  fill_maps(*made, members);
  return made;
}

}  // namespace

std::uint64_t derive_context(std::uint64_t parent, std::uint64_t ordinal, std::uint64_t discriminator) noexcept {
  return mix(mix(mix(parent) ^ ordinal) ^ discriminator) << wire::kChannelBits;
}

std::uint64_t digest(const std::vector<std::int32_t>& world_ranks) noexcept {
  return std::accumulate(
      world_ranks.begin(), world_ranks.end(), std::uint64_t{world_ranks.size()},
      [](std::uint64_t sum, std::int32_t rank) { return mix(sum ^ static_cast<std::uint32_t>(rank)); });
}

std::unique_ptr<VirtualComm> make_communicator(MPI_Comm host_comm, MPI_Comm hidden, RankList world_ranks,
                                               std::uint64_t context) {
  RankList members;
  std::copy_if(world_ranks.begin(), world_ranks.end(), std::back_inserter(members), [](std::int32_t rank) {
    return rank >= layer.first_rank && rank < layer.first_rank + layer.subject_size;
  });
  auto made = make(host_comm, hidden, std::move(world_ranks), members, context);
  made->rank = made->rank_of(layer.world_rank);
  // Both count upwards: the same where the last is.
  made->renumbers = made->rank_of_host.back() + 1 != static_cast<std::int32_t>(made->rank_of_host.size());
  if (!made->renumbers) made->local_unchanged = made->local;
  return made;
}

std::unique_ptr<VirtualComm> make_intercommunicator(MPI_Comm host_comm, const RankList& members, RankList local_group,
                                                    RankList remote_group, std::uint64_t context) {
  const MPI_Comm hidden = make_hidden(host_comm);
  if (hidden == MPI_COMM_NULL) return nullptr;
  return make_intercommunicator(host_comm, hidden, members, std::move(local_group), std::move(remote_group), context);
}

std::unique_ptr<VirtualComm> make_intercommunicator(MPI_Comm host_comm, MPI_Comm hidden, const RankList& members,
                                                    RankList local_group, RankList remote_group,
                                                    std::uint64_t context) {
  auto made = make(host_comm, hidden, std::move(remote_group), members, context);
  const auto self = std::find(local_group.begin(), local_group.end(), layer.world_rank);
  made->rank = static_cast<std::int32_t>(self - local_group.begin());
  made->local_group = std::move(local_group);
  return made;
}

std::unique_ptr<VirtualComm> make_communicator(MPI_Comm host_comm, std::vector<std::int32_t> world_ranks,
                                               std::uint64_t context) {
  const MPI_Comm hidden = make_hidden(host_comm);
  if (hidden == MPI_COMM_NULL) return nullptr;
  return make_communicator(host_comm, hidden, std::move(world_ranks), context);
}

VirtualComm& register_communicator(std::unique_ptr<VirtualComm> communicator) {
  VirtualComm& registered = *communicator;
  // Another thread may be about to forget one of the same handle, which the host has freed and given out again.
  gate.communicators.remove(handle_bits(registered.host));
  layer.communicators.push_back(std::move(communicator));
  gate.communicators.add(handle_bits(registered.host), registered);
  return registered;
}

void forget_communicator(const VirtualComm& communicator) {
  auto& known = layer.communicators;
  const auto found =
      std::find_if(known.begin(), known.end(), [&](const auto& comm) { return comm.get() == &communicator; });
  if (found == known.end()) return;
  if (lookup(communicator.host) == &communicator) gate.communicators.remove(handle_bits(communicator.host));
  (*found)->forgotten = true;
  release_hidden(**found);
  layer.forgotten.push_back(std::move(*found));
  known.erase(found);
  // Requests may still name it; without requests nothing does.
  if (layer.requests.size() == 0) layer.forgotten.clear();
}

void release_hidden(VirtualComm& communicator) {
  if (!communicator.forgotten || communicator.users != 0 || communicator.hidden == MPI_COMM_NULL) return;
  host.Comm_free(&communicator.hidden);
}

void forget_communicators() {
  gate.communicators.clear();
  for (const auto& comm : layer.communicators) host.Comm_free(&comm->hidden);
  layer.communicators.clear();
  layer.forgotten.clear();
}

}  // namespace sluice::interpose
