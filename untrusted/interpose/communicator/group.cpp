#include "untrusted/interpose/communicator/group.hpp"

#include <algorithm>
#include <numeric>
#include <unordered_map>
#include <utility>

#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/layer.hpp"

namespace sluice::interpose {

namespace {

/// Guarded by the layer's lock.
struct Groups {
  MPI_Group subject = MPI_GROUP_NULL;  ///< all processes of the own subject, by rank
  MPI_Group self = MPI_GROUP_NULL;     ///< this process
  std::unordered_map<std::uint64_t, RankList> known;
};

/// Never destroyed: other libraries may call MPI while the process ends.
Groups& groups() {
  static auto* const all = new Groups;
  return *all;
}

void count_known() { gate.groups.store(static_cast<int>(groups().known.size()), std::memory_order_relaxed); }

bool is_own(std::int32_t world_rank) noexcept {
  return world_rank >= layer.first_rank && world_rank < layer.first_rank + layer.subject_size;
}

}  // namespace

void open_groups() {
  host.Comm_group(layer.subject, &groups().subject);
  host.Comm_group(layer.self, &groups().self);
}

void close_groups() {
  groups().known.clear();
  count_known();
  host.Group_free(&groups().subject);
  host.Group_free(&groups().self);
}

bool spans_subjects(MPI_Group group) {
  const Lock lock;
  return groups().known.contains(handle_bits(group));
}

bool within_subject(const RankList& world_ranks) noexcept {
  return std::all_of(world_ranks.begin(), world_ranks.end(), is_own);
}

int world_ranks_of(MPI_Group group, RankList& world_ranks) {
  {
    const Lock lock;
    const auto found = groups().known.find(handle_bits(group));
    if (found != groups().known.end()) {
      world_ranks = found->second;
      return MPI_SUCCESS;
    }
  }
  int size = 0;
  if (const int error = host.Group_size(group, &size); error != MPI_SUCCESS) return error;
  std::vector<int> ranks(static_cast<std::size_t>(size));
  std::iota(ranks.begin(), ranks.end(), 0);
  world_ranks.assign(ranks.size(), MPI_UNDEFINED);
  if (size == 0) return MPI_SUCCESS;
  const int error = host.Group_translate_ranks(group, size, ranks.data(), groups().subject, world_ranks.data());
  if (error != MPI_SUCCESS) return error;
  for (std::int32_t& rank : world_ranks) {
    if (rank == MPI_UNDEFINED) return raise_group_error(MPI_ERR_GROUP);  // a process that is not of the run
    rank += layer.first_rank;
  }
  return MPI_SUCCESS;
}

int members_within(const RankList& whole, MPI_Comm comm, MPI_Group group, RankList& world_ranks) {
  if (const int error = world_ranks_of(group, world_ranks); error != MPI_SUCCESS) return error;
  return subtract(world_ranks, whole).empty() ? MPI_SUCCESS : raise(comm, MPI_ERR_GROUP);
}

int make_host_group(const RankList& world_ranks, MPI_Group* group) {
  std::vector<int> ranks;
  for (const std::int32_t rank : world_ranks) {
    if (is_own(rank)) ranks.push_back(rank - layer.first_rank);
  }
  // Without any: MPI_GROUP_EMPTY, of which Open MPI counts who has got it and who frees it.
  return host.Group_incl(groups().subject, static_cast<int>(ranks.size()), ranks.data(), group);
}

int make_group(RankList world_ranks, MPI_Group* group) {
  if (group == nullptr) return raise_group_error(MPI_ERR_ARG);
  if (within_subject(world_ranks)) return make_host_group(world_ranks, group);
  const Lock lock;
  int self = 0;
  const int error = host.Group_incl(groups().self, 1, &self, group);
  if (error != MPI_SUCCESS) return error;
  groups().known.insert_or_assign(handle_bits(*group), std::move(world_ranks));
  count_known();
  return MPI_SUCCESS;
}

void forget_group(MPI_Group group) {
  const Lock lock;
  groups().known.erase(handle_bits(group));
  count_known();
}

int raise_group_error(int code) { return raise(MPI_COMM_WORLD, code); }

}  // namespace sluice::interpose
