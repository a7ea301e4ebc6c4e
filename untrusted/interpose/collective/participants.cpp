#include "untrusted/interpose/collective/participants.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "untrusted/interpose/communicator/topology.hpp"
#include "untrusted/interpose/layer.hpp"

namespace sluice::interpose {

namespace {

using WorldRanks = std::vector<std::int32_t>;

// Keys of VirtualComm::participants; a world rank is that of a root.
constexpr std::int32_t kEveryone = -1;
constexpr std::int32_t kLocalGroup = -2;
constexpr std::int32_t kRemoteGroup = -3;

std::uint32_t subject_of(std::int32_t world) {
  return layer.session.table.subject_of(static_cast<std::uint32_t>(world));
}

SubjectMap make_map(const WorldRanks& world_ranks) {
  std::vector<std::uint32_t> subjects;
  std::vector<int> by_rank;
  for (const std::int32_t world : world_ranks) {
    const std::uint32_t subject = subject_of(world);
    const auto found = std::find(subjects.begin(), subjects.end(), subject);
    by_rank.push_back(static_cast<int>(found - subjects.begin()));
    if (found == subjects.end()) subjects.push_back(subject);
  }
  const auto allowed = [&](int from, int to) {
    return layer.session.table.allowed(subjects[static_cast<std::size_t>(from)],
                                       subjects[static_cast<std::size_t>(to)]);
  };
  return {std::move(by_rank), FlowGraph(static_cast<int>(subjects.size()), allowed)};
}

WorldRanks both(const WorldRanks& first, const WorldRanks& second) {
  WorldRanks ranks = first;
  ranks.insert(ranks.end(), second.begin(), second.end());
  return ranks;
}

/// Ranks in VirtualComm::hidden of members of an intercommunicator, -1 of another subject.
std::vector<std::int32_t> host_ranks(const VirtualComm& inter, const WorldRanks& world_ranks) {
  WorldRanks members;
  for (const std::int32_t world : both(inter.local_group, inter.world_rank)) {
    if (subject_of(world) == layer.session.table.self()) members.push_back(world);
  }
  std::sort(members.begin(), members.end());
  std::vector<std::int32_t> ranks;
  for (const std::int32_t world : world_ranks) {
    const auto found = std::lower_bound(members.begin(), members.end(), world);
    const bool here = found != members.end() && *found == world;
    ranks.push_back(here ? static_cast<std::int32_t>(found - members.begin()) : -1);
  }
  return ranks;
}

template <typename List>
Participants& remembered(VirtualComm& comm, std::int32_t key, List&& list) {
  std::shared_ptr<Participants>& place = comm.participants[key];
  if (place != nullptr) return *place;
  WorldRanks ranks = list();
  SubjectMap map = make_map(ranks);
  place = std::make_shared<Participants>(Participants{std::move(ranks), {}, -1, std::move(map), {}, {}});
  const WorldRanks& all = place->world_rank;
  const auto self = std::find(all.begin(), all.end(), layer.world_rank);
  if (self != all.end()) place->rank = static_cast<int>(self - all.begin());
  place->host_rank = comm.is_inter() ? host_ranks(comm, all) : comm.host_rank;
  return *place;
}

}  // namespace

bool comes_first(const VirtualComm& inter) noexcept { return inter.local_group.front() < inter.world_rank.front(); }

Participants& everyone(VirtualComm& comm) {
  return remembered(comm, kEveryone, [&] {
    return !comm.is_inter() || comes_first(comm) ? both(comm.local_group, comm.world_rank)
                                                 : both(comm.world_rank, comm.local_group);
  });
}

Participants& root_and_others(VirtualComm& inter, std::int32_t root) {
  return remembered(inter, root,
                    [&] { return both(inter.rank_of(root) < 0 ? inter.world_rank : inter.local_group, {root}); });
}

Participants& group_alone(VirtualComm& inter, bool local) {
  return remembered(inter, local ? kLocalGroup : kRemoteGroup,
                    [&] { return local ? inter.local_group : inter.world_rank; });
}

std::optional<Obstacle> obstacle_on_edges(VirtualComm& comm) {
  const SubjectMap& map = everyone(comm).map;
  if (map.flows().complete() || comm.topology == nullptr) return map.flows().missing();
  return find_edge_obstacle(known_edges(comm), map.subject_of(), map.flows());
}

std::optional<Obstacle> obstacle_between(VirtualComm& inter, Relation relation, bool root_here) {
  const SubjectMap& map = everyone(inter).map;
  const bool local_first = comes_first(inter);
  const auto split = static_cast<std::ptrdiff_t>(local_first ? inter.local_group.size() : inter.world_rank.size());
  const std::vector<int> first(map.subject_of().begin(), map.subject_of().begin() + split);
  const std::vector<int> second(map.subject_of().begin() + split, map.subject_of().end());
  const bool rooted = relation == Relation::from_root || relation == Relation::to_root;
  const bool root_first = !rooted || root_here == local_first;
  return find_obstacle_between(relation, root_first ? first : second, root_first ? second : first, map.flows());
}

}  // namespace sluice::interpose
