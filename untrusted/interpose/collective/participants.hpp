// Between which ranks the steps of a collective operation run.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "untrusted/interpose/collective/subject_map.hpp"
#include "untrusted/interpose/communicator/communicator.hpp"

namespace sluice::interpose {

struct Neighbours;
struct Partners;

/// Ranks as the steps of an operation count them: all of an intracommunicator, or some of both groups of an
/// intercommunicator. Every process that is among them counts alike.
struct Participants {
  std::vector<std::int32_t> world_rank;  ///< by rank
  std::vector<std::int32_t> host_rank;   ///< by rank: rank in VirtualComm::hidden, -1 of another subject
  int rank = -1;                         ///< of this process; -1 if it is not among them
  SubjectMap map;
  std::vector<std::shared_ptr<const Neighbours>> broadcast;  ///< by root; made when needed (neighbours.hpp)
  std::vector<std::shared_ptr<const Partners>> reduction;    ///< likewise, for operations that commute

  [[nodiscard]] int size() const noexcept { return static_cast<int>(world_rank.size()); }
};

// All of these live as long as the communicator. Precondition: the layer is locked.

/// All members of a communicator. Of an intercommunicator those of both groups: first the one whose first rank has the
/// lower world rank.
Participants& everyone(VirtualComm& comm);

/// The ranks of the group that `root`, a world rank, is not in, and after them the root.
Participants& root_and_others(VirtualComm& inter, std::int32_t root);

/// The local group, or the remote one.
Participants& group_alone(VirtualComm& inter, bool local);

/// Whether the local group comes first among everyone().
bool comes_first(const VirtualComm& inter) noexcept;

/// The first pair of subjects of everyone() that makes a collective illegal (find_obstacle_between). `root_here`:
/// whether the root is in the local group; without meaning where the relation has no root.
std::optional<Obstacle> obstacle_between(VirtualComm& inter, Relation relation, bool root_here);

/// The first pair of subjects without a flow between which the communicator's topology has an edge, of those that this
/// process knows. Without a topology: the first pair without a flow.
std::optional<Obstacle> obstacle_on_edges(VirtualComm& comm);

}  // namespace sluice::interpose
