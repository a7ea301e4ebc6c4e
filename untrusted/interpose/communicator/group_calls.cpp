// Groups with processes of other subjects (MPI 3.1, section 6.3).
#include <span>
#include <utility>

#include "mediated.hpp"
#include "untrusted/interpose/communicator/group.hpp"
#include "untrusted/interpose/layer.hpp"

namespace sluice::interpose {

namespace {

using HostCombine = int (*)(MPI_Group, MPI_Group, MPI_Group*);
using Combine = RankList (*)(const RankList&, const RankList&);
using HostSelect = int (*)(MPI_Group, int, const int*, MPI_Group*);
using Select = std::optional<RankList> (*)(const RankList&, std::span<const int>);
using HostSelectRanges = int (*)(MPI_Group, int, int[][3], MPI_Group*);

int combine(MPI_Group first, MPI_Group second, MPI_Group* result, HostCombine direct, Combine operation) {
  if (!spans_subjects(first) && !spans_subjects(second)) return direct(first, second, result);
  RankList left;
  RankList right;
  if (const int error = world_ranks_of(first, left); error != MPI_SUCCESS) return error;
  if (const int error = world_ranks_of(second, right); error != MPI_SUCCESS) return error;
  return make_group(operation(left, right), result);
}

int select(MPI_Group group, std::span<const int> ranks, MPI_Group* result, Select operation) {
  RankList members;
  if (const int error = world_ranks_of(group, members); error != MPI_SUCCESS) return error;
  std::optional<RankList> selected = operation(members, ranks);
  if (!selected.has_value()) return raise_group_error(MPI_ERR_RANK);
  return make_group(std::move(*selected), result);
}

int select_ranks(MPI_Group group, int n, const int* ranks, MPI_Group* result, HostSelect direct, Select operation) {
  if (!spans_subjects(group)) return direct(group, n, ranks, result);
  if (n < 0 || (n > 0 && ranks == nullptr)) return raise_group_error(MPI_ERR_ARG);
  return select(group, {ranks, static_cast<std::size_t>(n)}, result, operation);
}

int select_ranges(MPI_Group group, int n, int ranges[][3], MPI_Group* result, HostSelectRanges direct,
                  Select operation) {
  if (!spans_subjects(group)) return direct(group, n, ranges, result);
  if (n < 0 || (n > 0 && ranges == nullptr)) return raise_group_error(MPI_ERR_ARG);
  std::vector<RankRange> wanted;
  for (int i = 0; i < n; ++i) {
    if (ranges[i][2] == 0) return raise_group_error(MPI_ERR_ARG);
    wanted.push_back({ranges[i][0], ranges[i][1], ranges[i][2]});
  }
  RankList members;
  if (const int error = world_ranks_of(group, members); error != MPI_SUCCESS) return error;
  const std::optional<std::vector<int>> ranks = expand(wanted, members.size());
  if (!ranks.has_value()) return raise_group_error(MPI_ERR_RANK);
  return select(group, *ranks, result, operation);
}

/// World ranks of `n` ranks of a group; MPI_PROC_NULL stays. Returns an error for which the handler has been called.
int ranks_to_world(const RankList& group, std::span<const int> ranks, RankList& world_ranks) {
  for (const int rank : ranks) {
    if (rank != MPI_PROC_NULL && (rank < 0 || static_cast<std::size_t>(rank) >= group.size())) {
      return raise_group_error(MPI_ERR_RANK);
    }
    world_ranks.push_back(rank == MPI_PROC_NULL ? -1 : group[static_cast<std::size_t>(rank)]);
  }
  return MPI_SUCCESS;
}

}  // namespace

namespace mediated {

int Comm_group(MPI_Comm comm, MPI_Group* group) {
  const VirtualComm* spanning = lookup(comm);
  if (spanning == nullptr) return host.Comm_group(comm, group);
  return make_group(spanning->is_inter() ? spanning->local_group : spanning->world_rank, group);
}

int Group_size(MPI_Group group, int* size) {
  if (!spans_subjects(group)) return host.Group_size(group, size);
  if (size == nullptr) return raise_group_error(MPI_ERR_ARG);
  RankList members;
  const int error = world_ranks_of(group, members);
  *size = static_cast<int>(members.size());
  return error;
}

int Group_rank(MPI_Group group, int* rank) {
  if (!spans_subjects(group)) return host.Group_rank(group, rank);
  if (rank == nullptr) return raise_group_error(MPI_ERR_ARG);
  RankList members;
  const int error = world_ranks_of(group, members);
  const std::int32_t own = rank_in(members, layer.world_rank);
  *rank = own < 0 ? MPI_UNDEFINED : own;
  return error;
}

int Group_translate_ranks(MPI_Group group1, int n, const int ranks1[], MPI_Group group2, int ranks2[]) {
  if (!spans_subjects(group1) && !spans_subjects(group2)) {
    return host.Group_translate_ranks(group1, n, ranks1, group2, ranks2);
  }
  if (n < 0 || (n > 0 && (ranks1 == nullptr || ranks2 == nullptr))) return raise_group_error(MPI_ERR_ARG);
  RankList from;
  RankList to;
  RankList world_ranks;
  if (const int error = world_ranks_of(group1, from); error != MPI_SUCCESS) return error;
  if (const int error = world_ranks_of(group2, to); error != MPI_SUCCESS) return error;
  const std::span<const int> ranks(ranks1, static_cast<std::size_t>(n));
  if (const int error = ranks_to_world(from, ranks, world_ranks); error != MPI_SUCCESS) return error;
  const RankList translated = ranks_in(to, world_ranks);
  for (std::size_t i = 0; i < translated.size(); ++i) {
    const int missing = ranks1[i] == MPI_PROC_NULL ? MPI_PROC_NULL : MPI_UNDEFINED;
    ranks2[i] = translated[i] < 0 ? missing : translated[i];
  }
  return MPI_SUCCESS;
}

int Group_compare(MPI_Group group1, MPI_Group group2, int* result) {
  if (!spans_subjects(group1) && !spans_subjects(group2)) return host.Group_compare(group1, group2, result);
  if (result == nullptr) return raise_group_error(MPI_ERR_ARG);
  RankList first;
  RankList second;
  if (const int error = world_ranks_of(group1, first); error != MPI_SUCCESS) return error;
  if (const int error = world_ranks_of(group2, second); error != MPI_SUCCESS) return error;
  const GroupRelation relation = relate(first, second);
  *result = relation == GroupRelation::identical ? MPI_IDENT
            : relation == GroupRelation::similar ? MPI_SIMILAR
                                                 : MPI_UNEQUAL;
  return MPI_SUCCESS;
}

int Group_union(MPI_Group group1, MPI_Group group2, MPI_Group* newgroup) {
  return combine(group1, group2, newgroup, host.Group_union, unite);
}

int Group_intersection(MPI_Group group1, MPI_Group group2, MPI_Group* newgroup) {
  return combine(group1, group2, newgroup, host.Group_intersection, intersect);
}

int Group_difference(MPI_Group group1, MPI_Group group2, MPI_Group* newgroup) {
  return combine(group1, group2, newgroup, host.Group_difference, subtract);
}

int Group_incl(MPI_Group group, int n, const int ranks[], MPI_Group* newgroup) {
  return select_ranks(group, n, ranks, newgroup, host.Group_incl, include);
}

int Group_excl(MPI_Group group, int n, const int ranks[], MPI_Group* newgroup) {
  return select_ranks(group, n, ranks, newgroup, host.Group_excl, exclude);
}

int Group_range_incl(MPI_Group group, int n, int ranges[][3], MPI_Group* newgroup) {
  return select_ranges(group, n, ranges, newgroup, host.Group_range_incl, include);
}

int Group_range_excl(MPI_Group group, int n, int ranges[][3], MPI_Group* newgroup) {
  return select_ranges(group, n, ranges, newgroup, host.Group_range_excl, exclude);
}

int Group_free(MPI_Group* group) {
  if (group != nullptr) forget_group(*group);
  return host.Group_free(group);
}

// A window lies inside the subject: nobody else can take part in its epochs.

int Win_post(MPI_Group group, int assert, MPI_Win win) {
  if (!spans_subjects(group)) return host.Win_post(group, assert, win);
  PMPI_Win_call_errhandler(win, MPI_ERR_GROUP);
  return MPI_ERR_GROUP;
}

int Win_start(MPI_Group group, int assert, MPI_Win win) {
  if (!spans_subjects(group)) return host.Win_start(group, assert, win);
  PMPI_Win_call_errhandler(win, MPI_ERR_GROUP);
  return MPI_ERR_GROUP;
}

}  // namespace mediated

}  // namespace sluice::interpose
