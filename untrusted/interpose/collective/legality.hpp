// Which collective operations the policy allows on a communicator: computed from the static policy alone, so that every
// rank comes to the same verdict without a message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

namespace sluice::interpose {

/// Who contributes to whose result (MPI 3.1, chapter 5).
enum class Relation : std::uint8_t {
  from_root,  ///< the root to everyone: Bcast, Scatter
  to_root,    ///< everyone to the root: Gather, Reduce
  everyone,   ///< everyone to everyone: Barrier, Allgather, Alltoall, Allreduce, Reduce_scatter
  ascending,  ///< lower ranks to higher ones: Scan, Exscan
};

/// Subjects of a communicator of which the first contributes to the second's result, but cannot reach it.
struct Obstacle {
  int from = 0;
  int to = 0;
  bool operator==(const Obstacle&) const = default;
};

/// Flows between the subjects of one communicator, which are counted from 0 by their lowest ranks.
class FlowGraph {
 public:
  /// `allowed(from, to)`: whether the policy has a flow. Not asked for equal subjects.
  FlowGraph(int subjects, const std::function<bool(int from, int to)>& allowed);

  [[nodiscard]] int size() const noexcept { return size_; }
  /// Whether `from` may send to `to`; each may to itself.
  [[nodiscard]] bool direct(int from, int to) const noexcept { return direct_[index(from, to)]; }
  /// Whether a path of flows leads from one to the other, through subjects of the communicator.
  [[nodiscard]] bool reaches(int from, int to) const noexcept { return reaches_[index(from, to)]; }
  /// Whether every subject may send to every other.
  [[nodiscard]] bool complete() const noexcept { return !missing_.has_value(); }
  /// The first pair without a flow, if any.
  [[nodiscard]] const std::optional<Obstacle>& missing() const noexcept { return missing_; }

 private:
  [[nodiscard]] std::size_t index(int from, int to) const noexcept {
    return static_cast<std::size_t>(from) * static_cast<std::size_t>(size_) + static_cast<std::size_t>(to);
  }

  int size_;
  std::optional<Obstacle> missing_;
  std::vector<bool> direct_;
  std::vector<bool> reaches_;
};

/// The first pair of subjects that makes a collective illegal, or nothing where it is legal. `subject_of`: subject of
/// each rank. `root`: a rank; without meaning where the relation has no root.
std::optional<Obstacle> find_obstacle(Relation relation, int root, const std::vector<int>& subject_of,
                                      const FlowGraph& flows);

/// The first edge, from one rank to another, whose subjects have no flow of their own, if any. Paths through others do
/// not help: a rank between the two need know neither of the edge nor of how much goes over it.
std::optional<Obstacle> find_edge_obstacle(const std::vector<std::pair<int, int>>& edges,
                                           const std::vector<int>& subject_of, const FlowGraph& flows);

/// As find_obstacle() for an intercommunicator, where data goes between the groups, and the root is in the first. The
/// other ranks of the root's group do not know the call, so data goes through no subject of that group but the root's
/// own. As any rank of the group may be the root, all subjects of the group have to be able to be. Without a root, data
/// goes both ways, and each group hands on inside what it gets: `first` and `second` are the groups in an order that
/// both know. `first`, `second`: subject of each rank.
std::optional<Obstacle> find_obstacle_between(Relation relation, const std::vector<int>& first,
                                              const std::vector<int>& second, const FlowGraph& flows);

}  // namespace sluice::interpose
